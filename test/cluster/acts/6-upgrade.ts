// A changed policy, then `helm upgrade` with another image tag (the same images under a second name), under load: what each
// costs the tasks by their own counters. Afterwards all tasks are Ready, and no counter has fallen.
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import { Checks, round, type ActResult } from '../../e2e/act.ts';
import { checkMonotone } from '../../e2e/judge.ts';
import { jobsInStatus } from '../../e2e/monotone.ts';
import { layoutOf, policyInForce } from '../../e2e/node-policy.ts';
import type { Act, World } from '../act.ts';
import { costFigures } from '../cost.ts';
import { tagRelease } from '../lifecycle.ts';
import { nodeName } from '../places.ts';
import { podsOf } from '../pods.ts';
import { upgrade } from '../release.ts';
import { allServed } from '../served.ts';
import { exampleTasks } from './1-install.ts';

const tag = 'next';
/** Two contexts of one stream that share the core, where there was one of two streams. */
const partitioning = { mode: 'MPSStreams', contexts: 2, streamsPerContext: 1, oversubscription: '2' };

interface Change {
  readonly seconds: number;
  readonly tasks: readonly RealtimeInferenceTask[];
  readonly cost: Record<string, number>;
}

/** Makes a change, and tells what it cost from its begin until all tasks are served again. */
async function costing(world: World, change: () => Promise<unknown>): Promise<Change> {
  const { runtime, signal } = world;
  await runtime.follow(world);
  await runtime.watch.fresh(signal);
  const before = runtime.tally.figures();
  runtime.gaps.restart();
  const started = performance.now();
  await change();
  const tasks = await allServed(world, { count: exampleTasks, timeoutMs: 90_000 });
  const seconds = round((performance.now() - started) / 1000);
  await runtime.watch.fresh(signal);
  const gaps = (uids: readonly string[]): number => runtime.gaps.seconds(uids);
  return { seconds, tasks, cost: costFigures([before, runtime.tally.figures()], tasks, gaps) };
}

async function changePolicy({ cluster, signal }: World): Promise<string> {
  const spec = JSON.stringify({ spec: { partitioning } });
  const where = ['gpuschedulingpolicy', 'edge'];
  await cluster.kubectl(['patch', ...where, '--type=merge', '-p', spec], { signal });
  const generation = await cluster.kubectl(['get', ...where, '-o', 'jsonpath={.metadata.generation}'], { signal });
  const wanted = { name: 'edge', generation: Number(generation) };
  return layoutOf(await policyInForce({ cluster }, { name: nodeName }, wanted, signal));
}

/** `helm upgrade`, while whichever runtime the node has is watched. */
async function upgradeWatched(world: World): Promise<void> {
  const upgraded = new AbortController();
  const following = world.runtime.followUntil(world, upgraded.signal);
  try {
    await upgrade(world, 'daris', tag);
  } finally {
    upgraded.abort();
    await following;
  }
}

async function checkImages(checks: Checks, world: World): Promise<void> {
  const pods = [...(await podsOf(world, 'operator')), ...(await podsOf(world, 'agent'))];
  checks.equal('pods', pods.length, 3);
  const images = new Set(pods.flatMap(({ spec }) => spec.containers.map(({ image }) => image)));
  const wanted = ['agent', 'operator'].map((name) => `docker.io/daris/${name}:${tag}`);
  checks.equal('images', [...images].sort().join(' '), wanted.join(' '));
}

function prefixed(prefix: string, { seconds, cost }: Change): Record<string, number> {
  const named = (name: string): string => `${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return Object.fromEntries(Object.entries({ seconds, ...cost }).map(([name, value]) => [named(name), value]));
}

async function run(world: World): Promise<ActResult> {
  const checks = new Checks();
  await tagRelease(tag, world.signal);
  const before = await world.tasks.list(world.signal);
  let layout = '';
  const policy = await costing(world, async () => (layout = await changePolicy(world)));
  checks.equal('contexts × streams under the changed policy', layout, '2 × 1');
  checkMonotone(checks, 'status', jobsInStatus(before), jobsInStatus(policy.tasks));

  const { instanceId } = await world.runtime.watch.fresh(world.signal);
  const release = await costing(world, () => upgradeWatched(world));
  const now = await world.runtime.watch.fresh(world.signal);
  checks.holds(now.instanceId !== instanceId, 'the former runtime still serves');
  await checkImages(checks, world);
  checkMonotone(checks, 'status', jobsInStatus(policy.tasks), jobsInStatus(release.tasks));
  checks.equal('tasks', release.tasks.length, exampleTasks);
  return { figures: { ...prefixed('policy', policy), ...prefixed('upgrade', release) }, failures: checks.failures };
}

export const upgraded: Act = {
  title: 'a changed policy and helm upgrade with a new image tag: what they cost; no counter falls',
  run,
};
