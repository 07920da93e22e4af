// A node that serves High and Low tasks crashes: agent, runtime and supervisor end at once. Its tasks are served by the
// other node; one that may run nowhere else says that nobody knows of it. Then the node is back, drops what is no longer
// its own, and takes load again.
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import { waitFor } from '../../control-plane/wait.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import { hostnameLabel, type ClusterNode } from '../cluster-node.ts';
import { jobsOf, windowBetween, type Figures, type Window } from '../counters.ts';
import { failOver } from '../failover.ts';
import { checkHighTasks, checkMonotone } from '../judge.ts';
import { jobsInStatus } from '../monotone.ts';
import { allServed, servedUnder, strangers } from '../served.ts';
import type { Stack } from '../stack.ts';
import { conditionOf, identityOf, placesOf } from '../tasks.ts';

const exampleTasks = 6;
/** The agents' Lease, and what detection, placement and loading the models may take beyond it. */
const leaseSeconds = 10;
const beyondLeaseSeconds = 5;
/** Longer than a Low task waits before it may be moved towards a node that has come back. */
const takesLoadTimeoutMs = 40_000;
/** Longer than lies between two moves. */
const settledMs = 7_000;
const [pinned, newcomer] = ['home-bound', 'newcomer'];

/** A small Low task, bound to a node where one is named. */
function lowTask(name: string, node?: ClusterNode): object {
  const spec = { model: 'edge-classifier', priority: 'Low', release: 'Periodic', period: '500ms' };
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'RealtimeInferenceTask',
    metadata: { name },
    spec: node === undefined ? spec : { ...spec, nodeSelector: { [hostnameLabel]: node.name } },
  };
}

function isHigh({ spec }: RealtimeInferenceTask): boolean {
  return spec.priority === 'High';
}

function placedOn(tasks: readonly RealtimeInferenceTask[], { name }: ClusterNode): RealtimeInferenceTask[] {
  return tasks.filter(({ status }) => status?.placement?.node === name);
}

/** The one that joined last, if it has tasks of both priorities; else the first. */
function chooseVictim(stack: Stack, tasks: readonly RealtimeInferenceTask[]): [ClusterNode, ClusterNode] {
  const priorities = new Set(placedOn(tasks, stack.node2).map(({ spec }) => spec.priority));
  return priorities.size === 2 ? [stack.node2, stack.node1] : [stack.node1, stack.node2];
}

/** What the task says of a node that does not speak any more. */
async function wordsWhileLost(stack: Stack, signal: AbortSignal): Promise<string> {
  const lost = (task: RealtimeInferenceTask): boolean => conditionOf(task, 'Ready')?.status === 'Unknown';
  const options = { what: `Ready=Unknown of ${pinned}`, timeoutMs: 10_000, signal };
  const ready = conditionOf(await stack.tasks.until(pinned, lost, options), 'Ready');
  return `${ready?.status} ${ready?.reason}: ${ready?.message}`;
}

/** Seconds until one of the tasks is served by the node under its present epoch. */
async function takesLoad(
  stack: Stack,
  node: ClusterNode,
  among: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<number> {
  const started = performance.now();
  const probe = async (): Promise<true> => {
    const tasks = placedOn(await stack.tasks.list(signal), node).filter(({ metadata }) =>
      among.has(metadata.name ?? ''),
    );
    if (tasks.some((task) => servedUnder(task, node.watch.latest) !== undefined)) return true;
    throw new Error(`${tasks.length} of ${[...among].join(', ')} are placed there, none is served`);
  };
  const what = `${node.name} to serve one of ${[...among].join(', ')}`;
  await waitFor(probe, { what, timeoutMs: takesLoadTimeoutMs, intervalMs: 100, signal });
  return round((performance.now() - started) / 1000);
}

/** Waits until Low tasks are not moved any more. */
async function settled(stack: Stack, signal: AbortSignal): Promise<void> {
  let [since, last] = [performance.now(), ''];
  const probe = async (): Promise<true | undefined> => {
    const places = placesOf(await stack.tasks.list(signal));
    if (places !== last) [since, last] = [performance.now(), places];
    return performance.now() - since >= settledMs ? true : undefined;
  };
  await waitFor(probe, { what: 'the tasks to stay where they are', timeoutMs: 60_000, intervalMs: 300, signal });
}

/** The node is up again: it serves its own and nothing else; a new task goes there, and a Low one moves by itself. */
async function comesBack(
  stack: Stack,
  checks: Checks,
  victim: ClusterNode,
  signal: AbortSignal,
): Promise<ActResult['figures']> {
  const before = await stack.tasks.list(signal);
  const started = performance.now();
  await victim.comeBack();
  await stack.operators.nodesReady(stack.nodes.length, takesLoadTimeoutMs);
  const secondsToReady = round((performance.now() - started) / 1000);
  const secondsToServeItsOwn = await takesLoad(stack, victim, new Set([pinned]), signal);
  await stack.cluster.apply(lowTask(newcomer), { signal });
  const secondsToTakeLoad = await takesLoad(stack, victim, new Set([newcomer]), signal);
  const low = before.filter((task) => !isHigh(task) && task.metadata.name !== pinned);
  const lowNames = new Set(low.map(({ metadata }) => metadata.name ?? ''));
  const secondsToRebalance = await takesLoad(stack, victim, lowNames, signal);
  await settled(stack, signal);

  const after = await allServed(stack, before.length + 1, { timeoutMs: 20_000, signal });
  const foreign = strangers(victim.name, await victim.watch.fresh(signal), after);
  checks.equal('tasks of others in the runtime of the node that is back', foreign.join(', '), '');
  checks.equal('the High tasks', placesOf(after.filter(isHigh)), placesOf(before.filter(isHigh)));
  return {
    secondsToReady,
    secondsToServeItsOwn,
    secondsToTakeLoad,
    secondsToRebalance,
    tasksOfOthersOnIt: foreign.length,
  };
}

/** While the node is gone, one of its tasks has no other place. */
async function checkLost(checks: Checks, stack: Stack, { name }: ClusterNode, signal: AbortSignal): Promise<string> {
  const said = await wordsWhileLost(stack, signal);
  const why = `node ${name}: its agent has not renewed its Lease for ${leaseSeconds} s`;
  checks.equal(`Ready of ${pinned}`, said, `Unknown NodeLost: Serving is Unknown (NodeLost): ${why}`);
  checks.equal('nodes that the operator calls lost', await stack.operators.nodesIn('Lost'), 1);
  return said;
}

interface Loss {
  readonly victim: ClusterNode;
  readonly survivor: ClusterNode;
  /** All tasks, as they were served before. */
  readonly before: readonly RealtimeInferenceTask[];
  /** Of these, those that the victim had and the survivor must take. */
  readonly tasks: readonly RealtimeInferenceTask[];
}

async function chooseLoss(checks: Checks, stack: Stack, signal: AbortSignal): Promise<Loss> {
  const [victim, survivor] = chooseVictim(stack, await stack.tasks.list(signal));
  await stack.cluster.apply(lowTask(pinned, victim), { signal });
  const before = await allServed(stack, exampleTasks + 1, { timeoutMs: 30_000, signal });
  const tasks = placedOn(before, victim).filter(({ metadata }) => metadata.name !== pinned);
  for (const priority of ['High', 'Low']) {
    const count = tasks.filter(({ spec }) => spec.priority === priority).length;
    checks.atLeast(`${priority} tasks on ${victim.name}`, count, 1);
  }
  return { victim, survivor, before, tasks };
}

/** Everybody has run on, those that stayed without a High job too late, and no count went back. */
async function checkJobs(
  checks: Checks,
  stack: Stack,
  loss: Loss,
  since: Figures,
  signal: AbortSignal,
): Promise<Window> {
  const { survivor, before } = loss;
  const now = stack.tally.figures();
  const window = windowBetween(since, now, before.map(identityOf));
  for (const { name, jobs } of window.tasks) checks.atLeast(`jobs of ${name} completed`, jobs.completed, 1);
  checkHighTasks(checks, windowBetween(since, now, placedOn(before, survivor).map(identityOf)));
  checkMonotone(checks, 'status', jobsInStatus(before), jobsInStatus(await stack.tasks.list(signal)));
  return window;
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  try {
    const loss = await chooseLoss(checks, stack, signal);
    const { victim, tasks } = loss;
    const since = stack.tally.figures();
    const failover = await failOver(stack, { ...loss, timeoutMs: 60_000 }, signal);
    const limit = leaseSeconds + beyondLeaseSeconds;
    checks.atMost('seconds from the crash until the last task was served', failover.servedSeconds, limit);
    const whileLost = await checkLost(checks, stack, victim, signal);
    const back = await comesBack(stack, checks, victim, signal);
    const window = await checkJobs(checks, stack, loss, since, signal);
    const [killed, tasksMoved, highMissed] = [victim.name, tasks.length, jobsOf(window, 'High').missed];
    return { figures: { killed, tasksMoved, ...failover, whileLost, ...back, highMissed }, failures: checks.failures };
  } finally {
    await stack.remove(['rit', pinned, newcomer]);
  }
}

export const nodeLoss: Act = {
  title: 'a node crashes: its tasks are served by the other one; it comes back and takes load again',
  run,
};
