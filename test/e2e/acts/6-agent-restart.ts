// The agent is killed and comes back: the runtime served on, every release of the grid happened, nothing was counted
// twice or lost.
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { ObservedState } from '../../../node-agent/native/gen/runtime.ts';
import { waitFor } from '../../control-plane/wait.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import { jobsOf, onTimeRate, windowBetween } from '../counters.ts';
import { checkGrid, gridOf, settledState } from '../grid.ts';
import { checkHighTasks, checkMonotone } from '../judge.ts';
import { jobsByName, jobsInStatus } from '../monotone.ts';
import type { Stack } from '../stack.ts';
import { identityOf } from '../tasks.ts';
import { undisturbed } from '../undisturbed.ts';

const outageSeconds = 5;

type Counters = ReturnType<typeof jobsInStatus>;

/** Waits until the new agent has written a status whose released counters are beyond those of before. */
async function statusMovesOn(stack: Stack, before: Counters, signal: AbortSignal): Promise<Counters> {
  return waitFor(
    async () => {
      const now = jobsInStatus(await stack.tasks.list(signal));
      const moved = [...now].some(([name, jobs]) => (jobs.released ?? 0) > (before.get(name)?.released ?? 0));
      return moved ? now : undefined;
    },
    { what: 'the restarted agent to write a status', timeoutMs: 30_000, intervalMs: 500, signal },
  );
}

/** What the runtime says at the begin and the end of some seconds in which no agent lives. */
async function withoutAgent(stack: Stack, signal: AbortSignal): Promise<[ObservedState, ObservedState]> {
  await stack.node1.killAgent();
  try {
    return await stack.node1.watch.span(outageSeconds, signal);
  } finally {
    if (!signal.aborted) await stack.node1.startAgent();
  }
}

interface Measured {
  before: ObservedState;
  dead: ObservedState;
  alive: ObservedState;
  after: ObservedState;
  statusAfter: Counters;
}

async function measure(stack: Stack, tasks: readonly RealtimeInferenceTask[], signal: AbortSignal): Promise<Measured> {
  const shown = jobsInStatus(await stack.tasks.list(signal));
  const before = await stack.node1.watch.fresh(signal);
  const [dead, alive] = await withoutAgent(stack, signal);
  const statusAfter = await statusMovesOn(stack, shown, signal);
  const after = await settledState(stack.node1.watch, before, tasks.map(gridOf), signal);
  return { before, dead, alive, after, statusAfter };
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  const tasks = await stack.tasks.list(signal);
  const identities = tasks.map(identityOf);
  const runtime = stack.node1.pidOf('runtime');
  const { result, stolen, stalledMs, measured } = await undisturbed([stack.node1.core], () =>
    measure(stack, tasks, signal),
  );
  const { before, dead, alive, after, statusAfter } = result;

  const window = windowBetween(before, after, identities);
  const outage = windowBetween(dead, alive, identities);
  checks.equal('process id of the runtime', stack.node1.pidOf('runtime'), runtime);
  checkGrid(checks, before, after, tasks.map(gridOf));
  checkHighTasks(checks, window);
  checkHighTasks(checks, outage);
  checks.atLeast('onTimeRate of Low tasks', onTimeRate(jobsOf(window, 'Low')), 0.95);
  checkMonotone(checks, 'counters', jobsByName(before, identities), jobsByName(after, identities));
  checkMonotone(checks, 'status', jobsInStatus(tasks), statusAfter);
  return {
    figures: {
      secondsWithoutAgent: round(outage.seconds),
      completedWithoutAgent: jobsOf(outage).completed,
      measured,
      stolenShare: round(stolen),
      stalledMs: round(stalledMs),
      highMissed: jobsOf(window, 'High').missed,
      lowOnTimeRate: round(onTimeRate(jobsOf(window, 'Low'))),
    },
    failures: checks.failures,
  };
}

export const agentRestart: Act = { title: 'the agent is killed and restarted, and no job notices', run };
