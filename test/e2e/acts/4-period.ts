// A period edited with kubectl: the counters show the new rate, and nothing was restarted for it.
import { formatDurationUs } from '../../../api/durations.ts';
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import { windowBetween } from '../counters.ts';
import { checkGrid, gridOf, settledState } from '../grid.ts';
import { checkHighTasks, checkMonotone } from '../judge.ts';
import { jobsByName, jobsInStatus } from '../monotone.ts';
import type { Stack } from '../stack.ts';
import { identityOf, isReady } from '../tasks.ts';

const name = 'sign-reader';
const measuredSeconds = 4;

function inForce(task: RealtimeInferenceTask): boolean {
  return isReady(task) && task.status?.effective?.generation === task.metadata.generation;
}

/** Edits the period as a user would, and waits until the runtime has been given the new terms. */
async function edit(stack: Stack, newPeriod: string, signal: AbortSignal): Promise<void> {
  const { appliedGeneration } = await stack.node1.watch.fresh(signal);
  const patch = JSON.stringify({ spec: { period: newPeriod } });
  await stack.cluster.kubectl(['patch', 'rit', name, '-n', stack.namespace, '--type=merge', '-p', patch], { signal });
  const what = `period ${newPeriod} to be in force`;
  await stack.tasks.until(name, inForce, { what, timeoutMs: 20_000, signal });
  await stack.node1.watch.until((state) => state.appliedGeneration > appliedGeneration, {
    what,
    timeoutMs: 20_000,
    signal,
  });
}

/** Releases a second over some seconds, which must be those of the grid of the period that should be in force. */
async function measureAt(stack: Stack, checks: Checks, periodUs: number, signal: AbortSignal): Promise<number> {
  const task = await stack.tasks.until(name, inForce, { what: 'it to be ready', timeoutMs: 20_000, signal });
  const [before] = await stack.node1.watch.span(measuredSeconds, signal);
  const grid = { ...gridOf(task), periodUs };
  const after = await settledState(stack.node1.watch, before, [grid], signal);
  checkGrid(checks, before, after, [grid]);
  const window = windowBetween(before, after, [identityOf(task)]);
  return round((window.tasks[0]?.jobs.released ?? 0) / window.seconds);
}

function placementOf(task: RealtimeInferenceTask | undefined): string {
  const { node, gpu, epoch } = task?.status?.placement ?? {};
  return `${node}/${gpu} epoch ${epoch}`;
}

async function find(stack: Stack, signal: AbortSignal): Promise<RealtimeInferenceTask | undefined> {
  return (await stack.tasks.list(signal)).find(({ metadata }) => metadata.name === name);
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  const tasks = await stack.tasks.list(signal);
  const first = await stack.node1.watch.fresh(signal);
  const pids = [stack.node1.pidOf('agent'), stack.node1.pidOf('runtime')].join();
  const placed = placementOf(await find(stack, signal));

  const periodUs = (await find(stack, signal))?.status?.effective?.periodUs ?? Number.NaN;
  const original = await measureAt(stack, checks, periodUs, signal);
  await edit(stack, formatDurationUs(2 * periodUs), signal);
  const doubled = await measureAt(stack, checks, 2 * periodUs, signal);
  await edit(stack, formatDurationUs(periodUs), signal);
  const restored = await measureAt(stack, checks, periodUs, signal);

  const last = await stack.node1.watch.fresh(signal);
  const identities = tasks.map(identityOf);
  checks.equal('placement', placementOf(await find(stack, signal)), placed);
  checks.equal(
    'process ids of agent and runtime',
    [stack.node1.pidOf('agent'), stack.node1.pidOf('runtime')].join(),
    pids,
  );
  checkMonotone(checks, 'counters', jobsByName(first, identities), jobsByName(last, identities));
  checkMonotone(checks, 'status', jobsInStatus(tasks), jobsInStatus(await stack.tasks.list(signal)));
  checkHighTasks(checks, windowBetween(first, last, identities));
  return {
    figures: {
      periodMs: periodUs / 1000,
      perSecond: original,
      perSecondAtTwiceThePeriod: doubled,
      perSecondAgain: restored,
    },
    failures: checks.failures,
  };
}

export const period: Act = { title: 'a period edited with kubectl takes effect without a restart', run };
