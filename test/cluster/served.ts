// Whether the node's runtime serves the tasks, by what it says itself: a status may be of a former runtime.
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import { waitFor } from '../control-plane/wait.ts';
import { servedUnder } from '../e2e/served.ts';
import type { World } from './act.ts';

export interface ServedOptions {
  /** At least so many tasks. */
  readonly count: number;
  readonly timeoutMs: number;
  /** Of a runtime that must be gone. */
  readonly notBy?: string;
}

function unserved(tasks: readonly RealtimeInferenceTask[], state: ObservedState): string[] {
  const waiting = tasks.filter((task) => (servedUnder(task, state)?.startedJobs ?? 0) === 0);
  return waiting.map(({ metadata }) => metadata.name ?? '');
}

/** Waits until all tasks are Ready, and the runtime has begun jobs of each under the epoch of its placement. */
export async function allServed(world: World, options: ServedOptions): Promise<RealtimeInferenceTask[]> {
  const { signal } = world;
  const { count, timeoutMs, notBy } = options;
  const deadline = performance.now() + timeoutMs;
  const probe = async (): Promise<RealtimeInferenceTask[]> => {
    const left = Math.max(1, deadline - performance.now());
    const tasks = await world.tasks.allReady(count, { timeoutMs: left, signal });
    await world.runtime.follow(world);
    const state = await world.runtime.watch.fresh(signal);
    if (state.instanceId === notBy) throw new Error('the former runtime still answers');
    const missing = unserved(tasks, state);
    if (missing.length > 0) throw new Error(`the runtime does not serve ${missing.join(', ')}`);
    return tasks;
  };
  return waitFor(probe, { what: 'all tasks to be served', timeoutMs, intervalMs: 100, signal });
}
