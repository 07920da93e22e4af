// Forty tasks of one model at a load that the node refuses in part while each job goes alone; then the policy joins them, and
// they are admitted. The examples are suspended meanwhile: what is shown is the same work under two policies.
import { join } from 'node:path';

import { formatDurationUs } from '../../../api/durations.ts';
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { ObservedState } from '../../../node-agent/native/gen/runtime.ts';
import { repositoryRoot } from '../../control-plane/paths.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import { jobsOf, offeredLoad, windowBetween, type Window } from '../counters.ts';
import { checkHighTasks } from '../judge.ts';
import { labelNodes, policyInForce } from '../node-policy.ts';
import { undisturbed } from '../undisturbed.ts';
import { allServed } from '../served.ts';
import type { Stack } from '../stack.ts';
import { conditionOf, identityOf, isReady } from '../tasks.ts';

const apiVersion = 'daris.dev/v1alpha1';
/** Of the policy and the model there; the policy selects nodes that are labelled so. */
const examplesFolder = join(repositoryRoot, 'examples', 'joining');
const policy = 'together';
/** Most of a job alone is the time to read its weights, so a unit of eight takes little longer. */
const model = 'channel-estimator';
const count = 40;
const examples = 6;
const label = 'demo.daris.dev/joining';
/** Of the core given to inference, each job alone, by what one took when it was measured: surely more than can be done. */
const saturatingLoad = 2;
/** Jobs released for one that is then completed. */
const overload = 1.5;
const settleSeconds = 2;
const saturatedSeconds = 3;
const measuredSeconds = 6;

interface Measured {
  readonly window: Window;
  /** How often. */
  readonly measured: number;
  readonly refusedShare: number;
  readonly meanUnitSize: number;
}

const nameOf = (index: number): string => `cell-${index}`;
const isCell = (name = ''): boolean => name.startsWith('cell-');

/** One High task to two Low ones, their releases spread evenly over the period. */
function cell(stack: Stack, index: number, periodUs: number): object {
  const period = formatDurationUs(periodUs);
  const offset = formatDurationUs(Math.floor((index * periodUs) / count));
  const priority = index % 3 === 1 ? 'High' : 'Low';
  return {
    apiVersion,
    kind: 'RealtimeInferenceTask',
    metadata: { name: nameOf(index), namespace: stack.namespace, labels: { [label]: 'true' } },
    spec: { model, priority, release: 'Periodic', period, deadline: period, offset },
  };
}

function cells(stack: Stack, periodUs: number): object {
  const items = Array.from({ length: count }, (_, index) => cell(stack, index, periodUs));
  return { apiVersion: 'v1', kind: 'List', items };
}

/** All in one call, as an edit of a folder of manifests would be; what was edited before stays. */
async function suspendExamples(stack: Stack, suspend: boolean, signal: AbortSignal): Promise<void> {
  const tasks = (await stack.tasks.list(signal)).filter(({ metadata }) => !isCell(metadata.name));
  const items = tasks.map(({ metadata: { name, namespace }, spec: { suspend: _present, ...spec } }) => ({
    apiVersion,
    kind: 'RealtimeInferenceTask',
    metadata: { name, namespace },
    spec: suspend ? { ...spec, suspend } : spec,
  }));
  await stack.cluster.apply({ apiVersion: 'v1', kind: 'List', items }, { signal });
}

/** The period by which all of them load the core to the target, from what one of them takes on this machine. */
async function saturatingPeriodUs(stack: Stack, signal: AbortSignal): Promise<number> {
  await stack.cluster.apply(cell(stack, 0, 1_000_000), { signal });
  await stack.tasks.until(nameOf(0), isReady, { what: `the first of the ${count} tasks`, timeoutMs: 60_000, signal });
  const { tasks } = await stack.node1.watch.until((state) => state.tasks.some(({ afetUs }) => afetUs > 0), {
    what: `the runtime to know what ${model} takes`,
    timeoutMs: 10_000,
    signal,
  });
  const afetUs = Math.max(...tasks.map((task) => task.afetUs));
  return wholeMs((afetUs * count) / (saturatingLoad * stack.node1.streams));
}

/** How many jobs a second the machine does now, each alone, and the period by which a little more is asked for. */
async function fittingPeriodUs(stack: Stack, signal: AbortSignal): Promise<number> {
  const { node1, tasks } = stack;
  await node1.watch.span(settleSeconds, signal);
  const span = (): Promise<[ObservedState, ObservedState]> => node1.watch.span(saturatedSeconds, signal);
  const { result } = await undisturbed([node1.core], span);
  const window = windowBetween(...result, await tasks.identities(signal));
  return wholeMs((count * window.seconds * 1e6) / (overload * jobsOf(window).completed));
}

function wholeMs(us: number): number {
  return Math.round(us / 1000) * 1000;
}

/** All of them, with this period in force. */
async function release(stack: Stack, periodUs: number, signal: AbortSignal): Promise<RealtimeInferenceTask[]> {
  const { appliedGeneration } = await stack.node1.watch.fresh(signal);
  await stack.cluster.apply(cells(stack, periodUs), { signal });
  const tasks = await stack.tasks.allReady(count + examples, { timeoutMs: 60_000, signal });
  await stack.node1.watch.until((state) => state.appliedGeneration > appliedGeneration, {
    what: 'the runtime to have the new period',
    timeoutMs: 10_000,
    signal,
  });
  return tasks;
}

async function measure(stack: Stack, signal: AbortSignal): Promise<Measured> {
  const { node1, tasks } = stack;
  const identities = (await tasks.identities(signal)).filter(({ name }) => isCell(name));
  await node1.watch.span(settleSeconds, signal);
  const span = (): Promise<[ObservedState, ObservedState]> => node1.watch.span(measuredSeconds, signal);
  const { result, measured } = await undisturbed([node1.core], span);
  const window = windowBetween(...result, identities);
  const { released, rejected } = jobsOf(window);
  return { window, measured, refusedShare: rejected / released, meanUnitSize: unitSize(...result) };
}

function unitSize(before: ObservedState, after: ObservedState): number {
  const sum = ({ tasks }: ObservedState, of: 'unitJobs' | 'startedJobs'): number =>
    tasks.reduce((total, task) => total + task[of], 0);
  return (sum(after, 'unitJobs') - sum(before, 'unitJobs')) / (sum(after, 'startedJobs') - sum(before, 'startedJobs'));
}

/** What condition Placed says of a High task once all are booked by their share of a unit. */
async function joinTasks(stack: Stack, signal: AbortSignal): Promise<string> {
  await labelNodes(stack, [stack.node1], policy, signal);
  await policyInForce(stack, stack.node1, { name: policy }, signal);
  for (let index = 0; index < count; index++) {
    const what = `${nameOf(index)} to be booked as one of several that go together`;
    const joined = (task: { status?: { placement?: { capacity?: number } } }): boolean =>
      (task.status?.placement?.capacity ?? 1) > 1;
    await stack.tasks.until(nameOf(index), joined, { what, timeoutMs: 30_000, signal });
  }
  await stack.node1.watch.until(({ tasks }) => tasks.some(({ startedJobs, unitJobs }) => unitJobs > startedJobs), {
    what: 'jobs to go together',
    timeoutMs: 30_000,
    signal,
  });
  const [high] = (await stack.tasks.list(signal)).filter(
    ({ metadata, spec }) => metadata.name === nameOf(1) && spec.priority === 'High',
  );
  return (high && conditionOf(high, 'Placed')?.message) ?? 'nothing';
}

function figuresOf(word: string, { window, measured, refusedShare, meanUnitSize }: Measured): Record<string, number> {
  const [high, low] = [jobsOf(window, 'High'), jobsOf(window, 'Low')];
  return {
    [`${word}Measured`]: measured,
    [`${word}HighReleased`]: high.released,
    [`${word}HighMissed`]: high.missed,
    [`${word}LowReleased`]: low.released,
    [`${word}LowAdmitted`]: low.admitted,
    [`${word}LowRejected`]: low.rejected,
    [`${word}LowMissed`]: low.missed,
    [`${word}RefusedShare`]: round(refusedShare),
    [`${word}ThroughputPerSecond`]: round(jobsOf(window).completed / window.seconds),
    [`${word}MeanUnitSize`]: round(meanUnitSize),
  };
}

async function perform(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  await suspendExamples(stack, true, signal);
  await stack.cluster.kubectl(['apply', '-n', stack.namespace, '-f', examplesFolder], { signal });
  await release(stack, await saturatingPeriodUs(stack, signal), signal);
  const periodUs = await fittingPeriodUs(stack, signal);
  const tasks = await release(stack, periodUs, signal);
  const placedAlone = tasks.filter(({ metadata, status }) => isCell(metadata.name) && status?.placement).length;
  const alone = await measure(stack, signal);
  const placed = await joinTasks(stack, signal);
  const together = await measure(stack, signal);
  const high = tasks.map(identityOf).filter(({ name, priority }) => isCell(name) && priority === 'High');
  checks.atLeast('share of jobs refused, each alone', alone.refusedShare, 0.1);
  checks.atMost('share of jobs refused, joined', together.refusedShare, 0.005);
  checks.atLeast('jobs that go together in the mean', together.meanUnitSize, 1.2);
  checks.holds(/as one of \d+ that go together/.test(placed), `${nameOf(1)} has Placed: ${placed}`);
  checkHighTasks(checks, together.window);
  return {
    figures: {
      tasks: count,
      highTasks: high.length,
      placedAlone,
      periodMs: periodUs / 1000,
      offeredLoadAlone: round(offeredLoad(alone.window, stack.node1.streams)),
      ...figuresOf('alone', alone),
      ...figuresOf('joined', together),
      placed,
    },
    failures: checks.failures,
  };
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  try {
    return await perform(stack, signal);
  } finally {
    await stack.remove(['rit', '-l', label]);
    await stack.remove(['im', model]);
    await stack.remove(['gsp', policy]);
    if (!signal.aborted) {
      await labelNodes(stack, [stack.node1], undefined);
      await suspendExamples(stack, false, signal);
      await allServed(stack, examples, { timeoutMs: 30_000, signal });
    }
  }
}

export const joining: Act = {
  title: 'forty tasks of one model: refused in part while each job goes alone, all admitted once they are joined',
  run,
};
