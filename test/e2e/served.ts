// Whether tasks are served where the operator placed them, by what the runtimes themselves say.
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import { TaskPhase, type ObservedState, type ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import { waitFor, type WaitOptions } from '../control-plane/wait.ts';
import type { Stack } from './stack.ts';

/** What a runtime says of a task while it serves it under the epoch of its placement; undefined: it does not. */
export function servedUnder(
  { metadata, status }: RealtimeInferenceTask,
  state: ObservedState | undefined,
): ObservedTask | undefined {
  const task = state?.tasks.find(({ uid }) => uid === metadata.uid);
  const present = task?.phase === TaskPhase.TASK_PHASE_SERVING && task.epoch === status?.placement?.epoch;
  return present ? task : undefined;
}

/** Names of tasks, out of those given, that are not served by the node of their placement. */
export function unserved(stack: Stack, tasks: readonly RealtimeInferenceTask[]): string[] {
  const served = (task: RealtimeInferenceTask): boolean => {
    const node = task.status?.placement?.node;
    return node !== undefined && servedUnder(task, stack.tally.stateOf(node)) !== undefined;
  };
  return tasks.filter((task) => !served(task)).map(({ metadata }) => metadata.name ?? '');
}

/** What a node's runtime knows of tasks that are placed elsewhere or nowhere, by uid. */
export function strangers(node: string, state: ObservedState, tasks: readonly RealtimeInferenceTask[]): string[] {
  const own = new Set(
    tasks.filter(({ status }) => status?.placement?.node === node).map(({ metadata }) => metadata.uid),
  );
  return state.tasks.filter(({ uid }) => !own.has(uid)).map(({ uid }) => uid);
}

/** Waits until `count` tasks or more are Ready, each served by the node that it is placed on and known to no other. */
export function allServed(
  stack: Stack,
  count: number,
  options: Omit<WaitOptions, 'what'>,
): Promise<RealtimeInferenceTask[]> {
  const deadline = performance.now() + options.timeoutMs;
  const probe = async (): Promise<RealtimeInferenceTask[]> => {
    const left = Math.max(1, deadline - performance.now());
    const tasks = await stack.tasks.allReady(count, { ...options, timeoutMs: left });
    const missing = unserved(stack, tasks);
    if (missing.length > 0) throw new Error(`not served where they are placed: ${missing.join(', ')}`);
    const known = stack.nodes.flatMap(({ name }) => {
      const state = stack.tally.stateOf(name);
      return state === undefined ? [] : strangers(name, state, tasks);
    });
    if (known.length > 0) throw new Error(`known to a node that they are not placed on: ${known.join(', ')}`);
    return tasks;
  };
  return waitFor(probe, { ...options, intervalMs: 100, what: 'all tasks to be served where they are placed' });
}
