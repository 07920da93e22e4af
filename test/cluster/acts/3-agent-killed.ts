// The agent's container is killed: the runtime serves on while nobody tells it anything, and the kubelet's new agent takes
// up where the other one was.
import { waitFor } from '../../control-plane/wait.ts';
import type { ObservedState } from '../../../node-agent/native/gen/runtime.ts';
import { Checks, round, type ActResult } from '../../e2e/act.ts';
import { jobsOf, windowBetween } from '../../e2e/counters.ts';
import { checkHighTasks, checkMonotone } from '../../e2e/judge.ts';
import { jobsByName, jobsInStatus } from '../../e2e/monotone.ts';
import { identityOf } from '../../e2e/tasks.ts';
import type { Act, World } from '../act.ts';
import { agentPod, containerOf, killContainer, type Pod } from '../pods.ts';
import { onQuietCore } from '../quiet.ts';

interface Outage {
  readonly dead: ObservedState;
  readonly alive: ObservedState;
}

/** Whether the agent says that all is well with it. */
async function isReady(podIP: string): Promise<boolean> {
  const answer = fetch(`http://${podIP}:9091/readyz`, { signal: AbortSignal.timeout(2000) });
  return answer.then(
    ({ ok }) => ok,
    () => false,
  );
}

async function killAgent(world: World): Promise<Outage> {
  const { signal, runtime } = world;
  const pod = await agentPod(world);
  const ready = async (wanted: boolean): Promise<void> => {
    const probe = async (): Promise<true | undefined> =>
      (await isReady(pod.status.podIP ?? '')) === wanted ? true : undefined;
    const what = `the agent to be ${wanted ? 'ready' : 'gone'}`;
    await waitFor(probe, { what, timeoutMs: 30_000, intervalMs: 50, signal });
  };
  await ready(true);
  await killContainer(world, containerOf(pod, 'agent'));
  await ready(false);
  const dead = await runtime.watch.fresh(signal);
  await ready(true);
  return { dead, alive: await runtime.watch.fresh(signal) };
}

/** The new agent has written more than was there before. */
async function statusMovesOn(world: World, before: ReturnType<typeof jobsInStatus>): Promise<typeof before> {
  const probe = async (): Promise<typeof before | undefined> => {
    const now = jobsInStatus(await world.tasks.list(world.signal));
    return [...now].some(([name, jobs]) => (jobs.released ?? 0) > (before.get(name)?.released ?? 0)) ? now : undefined;
  };
  const what = 'the new agent to write a status';
  return waitFor(probe, { what, timeoutMs: 60_000, intervalMs: 500, signal: world.signal });
}

async function run(world: World): Promise<ActResult> {
  const { tasks, runtime, signal } = world;
  const checks = new Checks();
  await runtime.follow(world);
  const before = await tasks.list(signal);
  const [identities, shown] = [before.map(identityOf), jobsInStatus(before)];
  const first = await runtime.watch.fresh(signal);
  const earlier = await agentPod(world);
  const restarts = (pod: Pod, container: string): number => containerOf(pod, container).restartCount;
  const { result, quiet, foreign, measured } = await onQuietCore(world, () => killAgent(world));
  const pod = await agentPod(world);
  checks.equal('restarts of the agent', restarts(pod, 'agent'), restarts(earlier, 'agent') + measured);
  checks.equal('restarts of the runtime', restarts(pod, 'runtime'), restarts(earlier, 'runtime'));
  const outage = windowBetween(result.dead, result.alive, identities);
  for (const { name, jobs } of outage.tasks.filter(({ priority }) => priority === 'High')) {
    checks.atLeast(`jobs of ${name} without the agent`, jobs.completed, 1);
  }
  if (quiet) checkHighTasks(checks, outage);
  checkMonotone(checks, 'status', shown, await statusMovesOn(world, shown));
  const last = await runtime.watch.fresh(signal);
  checks.equal('the runtime', last.instanceId, first.instanceId);
  checkMonotone(checks, 'counters', jobsByName(first, identities), jobsByName(last, identities));
  return {
    figures: {
      secondsWithoutAgent: round(outage.seconds),
      completedWithoutAgent: jobsOf(outage).completed,
      highMissed: jobsOf(outage, 'High').missed,
      lowMissed: jobsOf(outage, 'Low').missed,
      measured,
      quiet: String(quiet),
      usedByOthers: round(foreign),
    },
    failures: checks.failures,
  };
}

export const agentKilled: Act = { title: "the agent's container is killed, and inference goes on", run };
