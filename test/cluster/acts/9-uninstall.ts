// The release goes, and what people made stays; a release of another name takes it over and serves it. With the CRDs goes
// all of it, and nothing waits for somebody who is not there any more.
import { systemNamespace } from '../../../api/resources.ts';
import { waitFor } from '../../control-plane/wait.ts';
import { Checks, type ActResult } from '../../e2e/act.ts';
import type { Act, World } from '../act.ts';
import { podsOf } from '../pods.ts';
import { install, uninstall } from '../release.ts';
import { allServed } from '../served.ts';
import { exampleTasks } from './1-install.ts';

const ours = ['-l', 'app.kubernetes.io/name=daris'];

async function names({ cluster, signal }: World, ...what: readonly string[]): Promise<string[]> {
  const found = await cluster.kubectl(['get', ...what, '-o', 'name'], { signal });
  return found.split('\n').filter((line) => line !== '');
}

/** Pods need some seconds to end; nothing else of the release may be left. */
async function nothingRuns(world: World): Promise<void> {
  const probe = async (): Promise<true | undefined> => {
    const pods = [...(await podsOf(world, 'operator')), ...(await podsOf(world, 'agent'))];
    return pods.length === 0 ? true : undefined;
  };
  const options = { timeoutMs: 60_000, intervalMs: 500, signal: world.signal };
  await waitFor(probe, { what: 'the pods of the release to be gone', ...options });
}

/** What the tasks' Services were made by is gone, and the garbage collector comes to them in its own time. */
async function servicesGone(world: World): Promise<void> {
  const services = ['service,endpointslice', '-n', 'default', '-l', 'app.kubernetes.io/managed-by=daris-operator'];
  const probe = async (): Promise<true | undefined> =>
    (await names(world, ...services)).length === 0 ? true : undefined;
  const options = { timeoutMs: 60_000, intervalMs: 500, signal: world.signal };
  await waitFor(probe, { what: "the tasks' Services to be gone", ...options });
}

async function deleteCrds({ cluster, signal }: World): Promise<void> {
  await cluster.kubectl(['delete', 'crd', ...ours, '--timeout=60s'], { signal, timeoutMs: 70_000 });
}

async function run(world: World): Promise<ActResult> {
  const { cluster, runtime, signal } = world;
  const checks = new Checks();
  const started = performance.now();
  let last = started;
  const lap = (): number => {
    const seconds = Math.round((performance.now() - last) / 100) / 10;
    last = performance.now();
    return seconds;
  };
  const [tasks, crds] = [await names(world, 'rit'), await names(world, 'crd', ...ours)];
  checks.equal('tasks before', tasks.length, exampleTasks);
  await runtime.follow(world);
  const { instanceId } = await runtime.watch.fresh(signal);

  await uninstall(world, 'daris');
  await nothingRuns(world);
  const uninstalledSeconds = lap();
  checks.equal('CRDs that stay', (await names(world, 'crd', ...ours)).join(' '), crds.join(' '));
  checks.equal('tasks that stay', (await names(world, 'rit')).join(' '), tasks.join(' '));

  await install(world, 'vision', 'dev', '--take-ownership');
  const after = await allServed(world, { count: exampleTasks, timeoutMs: 120_000, notBy: instanceId });
  const takenOverSeconds = lap();
  checks.equal('tasks that are served', after.length, exampleTasks);

  await uninstall(world, 'vision');
  await nothingRuns(world);
  lap();
  await deleteCrds(world);
  checks.equal('CRDs after their deletion', (await names(world, 'crd')).join(' '), '');
  await servicesGone(world);
  await cluster.kubectl(['delete', 'namespace', systemNamespace, '--timeout=60s'], { signal, timeoutMs: 70_000 });
  return {
    figures: { tasks: tasks.length, crds: crds.length, uninstalledSeconds, takenOverSeconds, removedSeconds: lap() },
    failures: checks.failures,
  };
}

export const uninstalled: Act = {
  title: 'uninstalled, tasks stay; another release serves them; deleting the CRDs removes all',
  run,
};
