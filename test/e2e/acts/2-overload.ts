// Copies of the Low examples until the offered load is far beyond the cores; afterwards they are deleted again.
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { Act, ActResult } from '../act.ts';
import { jobsOf, offeredLoad, windowBetween, type Window } from '../counters.ts';
import { judgeOverload } from '../judge.ts';
import type { Stack } from '../stack.ts';
import { identityOf } from '../tasks.ts';

const targetLoad = 1.7;
const measuredSeconds = 12;
const label = 'demo.daris.dev/overload';

async function measure(stack: Stack, seconds: number, signal: AbortSignal): Promise<Window> {
  const identities = await stack.tasks.identities(signal);
  const [before, after] = await stack.node1.watch.span(seconds, signal);
  return windowBetween(before, after, identities);
}

/** How often each Low task must be there once more so that the load reaches the target. */
export function copiesNeeded(window: Window, streams: number): number {
  const low = { ...window, tasks: window.tasks.filter(({ priority }) => priority === 'Low') };
  const lowLoad = offeredLoad(low, streams);
  if (jobsOf(low).completed === 0) throw new Error('no Low job completed: there is no load to multiply');
  return Math.max(1, Math.ceil((targetLoad - offeredLoad(window, streams)) / lowLoad));
}

function copyOf(task: RealtimeInferenceTask, copy: number): object {
  const name = `${task.metadata.name}-copy-${copy}`;
  const { apiVersion, kind, spec } = task;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: task.metadata.namespace, labels: { [label]: 'true' } },
    spec,
  };
}

async function deleteCopies(stack: Stack, signal: AbortSignal): Promise<void> {
  await stack.remove(['rit', '-l', label]);
  const left = new Set((await stack.tasks.identities(signal)).map(({ uid }) => uid));
  await stack.node1.watch.until(({ tasks }) => tasks.every(({ uid }) => left.has(uid)), {
    what: 'the runtime to let go of the deleted tasks',
    timeoutMs: 20_000,
    signal,
  });
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const before = await measure(stack, 5, signal);
  const low = (await stack.tasks.list(signal)).filter((task) => identityOf(task).priority === 'Low');
  const copies = copiesNeeded(before, stack.node1.streams);
  const items = Array.from({ length: copies }, (_, copy) => low.map((task) => copyOf(task, copy + 1))).flat();
  try {
    await stack.cluster.apply({ apiVersion: 'v1', kind: 'List', items }, { signal });
    await stack.tasks.allReady(6 + items.length, { timeoutMs: 60_000, signal });
    const during = await measure(stack, measuredSeconds, signal);
    const { figures, failures } = judgeOverload(before, during, stack.node1.streams);
    return { figures: { addedTasks: items.length, ...figures }, failures };
  } finally {
    await deleteCopies(stack, signal);
  }
}

export const overload: Act = { title: 'an overload by Low tasks is refused in part and harms no High task', run };
