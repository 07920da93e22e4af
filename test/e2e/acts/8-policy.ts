// A policy of one node changed under load: the node drains, divides its core anew and goes on; tasks whose context is gone
// go to wherever is room, the other node included. What was asked of a High task before and after is answered in time, and
// no task and no count is lost on the way.
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { ObservedState } from '../../../node-agent/native/gen/runtime.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import type { ClusterNode } from '../cluster-node.ts';
import { jobsOf, windowBetween, type Figures, type Window } from '../counters.ts';
import { gridError, gridOf } from '../grid.ts';
import { checkHighTasks, checkMonotone } from '../judge.ts';
import { jobsByName, jobsInStatus } from '../monotone.ts';
import { labelNodes, layoutOf, policyInForce } from '../node-policy.ts';
import { allServed } from '../served.ts';
import type { Stack } from '../stack.ts';
import { identityOf } from '../tasks.ts';
import { undisturbed } from '../undisturbed.ts';

/** Of examples/policy.yaml, which the first act has applied for whatever node is labelled so. */
const policy = 'edge';
const measuredSeconds = 4;

interface Served {
  layout: string;
  tasks: RealtimeInferenceTask[];
  secondsToServe: number;
}

/** Has a node follow another policy, and waits until all tasks are served, whichever node has them now. */
async function follow(
  stack: Stack,
  node: ClusterNode,
  name: string,
  count: number,
  signal: AbortSignal,
): Promise<Served> {
  const started = performance.now();
  await labelNodes(stack, [node], name === policy ? policy : undefined, signal);
  const gpuNode = await policyInForce(stack, node, { name }, signal);
  const tasks = await allServed(stack, count, { timeoutMs: 30_000, signal });
  return { layout: layoutOf(gpuNode), tasks, secondsToServe: round((performance.now() - started) / 1000) };
}

function contextOf({ status }: RealtimeInferenceTask): string {
  const { node, context } = status?.placement ?? {};
  return `${node}/${context}`;
}

/** A task keeps its epoch exactly where its context has stayed. */
function checkEpochs(
  checks: Checks,
  before: readonly RealtimeInferenceTask[],
  after: readonly RealtimeInferenceTask[],
): number {
  let moved = 0;
  for (const task of before) {
    const { name, uid } = task.metadata;
    const now = after.find(({ metadata }) => metadata.uid === uid);
    const [epochBefore, epochAfter] = [task, now].map((each) => each?.status?.placement?.epoch ?? Number.NaN);
    const stays = now !== undefined && contextOf(now) === contextOf(task);
    if (stays) checks.equal(`epoch of ${name}, which stayed`, epochAfter ?? 0, epochBefore ?? 0);
    else checks.atLeast(`epoch of ${name}, which was placed anew`, epochAfter ?? 0, (epochBefore ?? 0) + 1);
    moved += stays ? 0 : 1;
  }
  return moved;
}

/**
 * Releases that were not made, the worst of all High tasks: skipped while its node was divided, or due while it moved to
 * the other one, which no runtime counts.
 */
function pausedReleases(
  { tasks: counted }: Window,
  [before, after]: readonly [Figures, Figures],
  tasks: readonly RealtimeInferenceTask[],
): number {
  const high = tasks.filter(({ spec }) => spec.priority === 'High').map(gridOf);
  const skipped = (uid: string): number => counted.find((task) => task.uid === uid)?.jobs.skipped ?? 0;
  return Math.max(...high.map((grid) => skipped(grid.uid) - gridError(before, after, grid)));
}

interface Change {
  readonly node: ClusterNode;
  readonly tasks: readonly RealtimeInferenceTask[];
  readonly first: Figures;
  readonly firstOfNode: ObservedState;
  readonly edge: Served;
  /** Of some seconds under the policy. */
  readonly begin: Figures;
  readonly end: Figures;
  readonly back: Served;
  readonly lastOfNode: ObservedState;
  readonly last: Figures;
}

/** The node that serves High tasks. */
function nodeOfHighTasks(stack: Stack, tasks: readonly RealtimeInferenceTask[]): ClusterNode {
  const high = tasks.filter(({ spec }) => spec.priority === 'High');
  const onNode2 = high.filter(({ status }) => status?.placement?.node === stack.node2.name);
  return onNode2.length > high.length / 2 ? stack.node2 : stack.node1;
}

/** A node follows the policy for a while, and then the former one again. */
async function change(stack: Stack, signal: AbortSignal): Promise<Change> {
  const tasks = await stack.tasks.list(signal);
  const node = nodeOfHighTasks(stack, tasks);
  const [first, firstOfNode] = [stack.tally.figures(), await node.watch.fresh(signal)];
  try {
    const edge = await follow(stack, node, policy, tasks.length, signal);
    const begin = stack.tally.figures();
    await node.watch.span(measuredSeconds, signal);
    const end = stack.tally.figures();
    const back = await follow(stack, node, 'default', tasks.length, signal);
    const [, lastOfNode] = await node.watch.span(measuredSeconds, signal);
    return { node, tasks, first, firstOfNode, edge, begin, end, back, lastOfNode, last: stack.tally.figures() };
  } finally {
    if (!signal.aborted) await labelNodes(stack, [node], undefined);
  }
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const cores = [stack.node1.core, stack.node2.core];
  const { result, stolen, stalledMs, measured } = await undisturbed(cores, () => change(stack, signal));
  const { node, tasks, edge, back } = result;
  const identities = tasks.map(identityOf);
  const window = windowBetween(result.first, result.last, identities);
  const stayed = back.tasks.filter(({ status }) => status?.placement?.node === node.name).map(identityOf);
  const checks = new Checks();
  const moved = checkEpochs(checks, tasks, edge.tasks);
  checks.equal('contexts × streams under the policy', edge.layout, '1 × 2');
  checks.equal('contexts × streams by default', back.layout, '2 × 1');
  checks.equal('tasks', back.tasks.length, tasks.length);
  checkHighTasks(checks, window, { paused: true });
  checkHighTasks(checks, windowBetween(result.begin, result.end, identities));
  checkMonotone(checks, 'counters', jobsByName(result.firstOfNode, stayed), jobsByName(result.lastOfNode, stayed));
  checkMonotone(checks, 'status', jobsInStatus(tasks), jobsInStatus(back.tasks));
  return {
    figures: {
      node: node.name,
      measured,
      stolenShare: round(stolen),
      stalledMs: round(stalledMs),
      layout: edge.layout,
      secondsToServe: edge.secondsToServe,
      secondsToServeAgain: back.secondsToServe,
      placedAnew: moved,
      tasksOnNode: stayed.length,
      tasksElsewhere: back.tasks.length - stayed.length,
      highReleased: jobsOf(window, 'High').released,
      highMissed: jobsOf(window, 'High').missed,
      releasesPausedOfAHighTask: pausedReleases(window, [result.first, result.last], tasks),
    },
    failures: checks.failures,
  };
}

export const policyChange: Act = {
  title: "one node's policy changed under load: contexts change, High tasks miss nothing",
  run,
};
