// The runtime's container is killed: the kubelet starts another one, the agent tells it all again, and each task is served.
import { Checks, round, type ActResult } from '../../e2e/act.ts';
import { checkMonotone } from '../../e2e/judge.ts';
import { jobsInStatus } from '../../e2e/monotone.ts';
import type { Act, World } from '../act.ts';
import { costFigures } from '../cost.ts';
import { agentPod, containerOf, killContainer } from '../pods.ts';
import { allServed } from '../served.ts';
import { exampleTasks } from './1-install.ts';

const limitSeconds = 15;

async function run(world: World): Promise<ActResult> {
  const { tasks, runtime, signal } = world;
  const checks = new Checks();
  await runtime.follow(world);
  const before = await tasks.list(signal);
  const { instanceId } = await runtime.watch.fresh(signal);
  const [first, pod] = [runtime.tally.figures(), await agentPod(world)];
  runtime.gaps.restart();
  const killed = performance.now();
  await killContainer(world, containerOf(pod, 'runtime'));
  const after = await allServed(world, { count: exampleTasks, timeoutMs: 60_000, notBy: instanceId });
  const servedSeconds = round((performance.now() - killed) / 1000);
  checks.atMost('seconds until all tasks are Ready and served', servedSeconds, limitSeconds);
  const now = await agentPod(world);
  checks.equal('the pod', now.metadata.uid, pod.metadata.uid);
  for (const [container, times] of [
    ['runtime', 1],
    ['agent', 0],
  ] as const) {
    const restarts = containerOf(now, container).restartCount - containerOf(pod, container).restartCount;
    checks.equal(`restarts of the ${container}`, restarts, times);
  }
  for (const { metadata, status } of after) {
    const earlier = before.find(({ metadata: { uid } }) => uid === metadata.uid);
    checks.equal(`epoch of ${metadata.name}`, status?.placement?.epoch ?? 0, earlier?.status?.placement?.epoch ?? -1);
  }
  checkMonotone(checks, 'status', jobsInStatus(before), jobsInStatus(after));
  const span = [first, runtime.tally.figures()] as const;
  const figures = costFigures(span, after, (uids) => runtime.gaps.seconds(uids));
  return { figures: { servedSeconds, ...figures }, failures: checks.failures };
}

export const runtimeKilled: Act = {
  title: "the runtime's container is killed: tasks are Ready and served within 15 s",
  run,
};
