// A policy changed under load: the node drains, divides its core anew and goes on. What was asked of a High task before
// and after is answered in time, and no task and no count is lost on the way.
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { ObservedState } from '../../../node-agent/native/gen/runtime.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import { jobsOf, windowBetween } from '../counters.ts';
import { gridError, gridOf } from '../grid.ts';
import { checkHighTasks, checkMonotone } from '../judge.ts';
import { jobsByName } from '../monotone.ts';
import { labelNode, layoutOf, policyInForce } from '../node-policy.ts';
import type { Stack } from '../stack.ts';
import { identityOf } from '../tasks.ts';

/** Of examples/policy.yaml, which the first act has applied for whatever node is labelled so. */
const policy = 'edge';
const measuredSeconds = 4;

interface Served {
  layout: string;
  tasks: RealtimeInferenceTask[];
  secondsToServe: number;
}

/** Has the node follow another policy, and waits until all of its tasks are served under that. */
async function follow(stack: Stack, name: string, count: number, signal: AbortSignal): Promise<Served> {
  const { timeUs } = await stack.watch.fresh(signal);
  await labelNode(stack, name === policy ? policy : undefined, signal);
  const gpuNode = await policyInForce(stack, { name }, signal);
  const contexts = gpuNode.status?.gpus?.[0]?.contexts?.length ?? 0;
  const tasks = await stack.tasks.allReady(count, { timeoutMs: 30_000, signal });
  const what = 'all tasks to be served in the contexts there are';
  const served = await stack.watch.until((state) => servedWithin(state, contexts, count), {
    what,
    timeoutMs: 30_000,
    signal,
  });
  return { layout: layoutOf(gpuNode), tasks, secondsToServe: round((served.timeUs - timeUs) / 1e6) };
}

function servedWithin({ gpus, tasks }: ObservedState, contexts: number, count: number): boolean {
  return gpus[0]?.contexts.length === contexts && tasks.filter(({ context }) => context < contexts).length === count;
}

/** A task keeps its epoch exactly where its context has stayed. */
function checkEpochs(
  checks: Checks,
  before: readonly RealtimeInferenceTask[],
  after: readonly RealtimeInferenceTask[],
): number {
  let moved = 0;
  for (const { metadata, status } of before) {
    const now = after.find((task) => task.metadata.uid === metadata.uid)?.status?.placement;
    const [epochBefore, epochAfter] = [status?.placement?.epoch ?? Number.NaN, now?.epoch ?? Number.NaN];
    const stays = status?.placement?.context === now?.context;
    if (stays) checks.equal(`epoch of ${metadata.name}, which stayed`, epochAfter, epochBefore);
    else checks.atLeast(`epoch of ${metadata.name}, which was placed anew`, epochAfter, epochBefore + 1);
    moved += stays ? 0 : 1;
  }
  return moved;
}

/** Releases of the grid that were not made, the worst of all High tasks: the node was being divided then. */
function pausedReleases(before: ObservedState, after: ObservedState, tasks: readonly RealtimeInferenceTask[]): number {
  const high = tasks.filter(({ spec }) => spec.priority === 'High');
  return Math.max(...high.map((task) => -gridError(before, after, gridOf(task))));
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  const tasks = await stack.tasks.list(signal);
  const identities = tasks.map(identityOf);
  const first = await stack.watch.fresh(signal);
  try {
    const edge = await follow(stack, policy, tasks.length, signal);
    const [begin, end] = await stack.watch.span(measuredSeconds, signal);
    const moved = checkEpochs(checks, tasks, edge.tasks);
    const back = await follow(stack, 'default', tasks.length, signal);
    const [, last] = await stack.watch.span(measuredSeconds, signal);
    const window = windowBetween(first, last, identities);
    checks.equal('contexts × streams under the policy', edge.layout, '1 × 2');
    checks.equal('contexts × streams by default', back.layout, '2 × 1');
    checks.equal('tasks', back.tasks.length, tasks.length);
    checkHighTasks(checks, window);
    checkHighTasks(checks, windowBetween(begin, end, identities));
    checkMonotone(checks, 'counters', jobsByName(first, identities), jobsByName(last, identities));
    return {
      figures: {
        layout: edge.layout,
        secondsToServe: edge.secondsToServe,
        secondsToServeAgain: back.secondsToServe,
        placedAnew: moved,
        highReleased: jobsOf(window, 'High').released,
        highMissed: jobsOf(window, 'High').missed,
        releasesPausedOfAHighTask: pausedReleases(first, last, tasks),
      },
      failures: checks.failures,
    };
  } finally {
    if (!signal.aborted) await labelNode(stack, undefined);
  }
}

export const policyChange: Act = {
  title: 'a policy changed under load: contexts change, High tasks miss nothing',
  run,
};
