// What people see who ask for what the cluster does not have: a RuntimeClass, a GPU, a node that a policy selects. The pool
// that works is not touched by it.
import { systemNamespace } from '../../../api/resources.ts';
import { waitFor } from '../../control-plane/wait.ts';
import { Checks, type ActResult } from '../../e2e/act.ts';
import type { Act, World } from '../act.ts';
import { chart } from '../../chart/helm.ts';
import { agentPod } from '../pods.ts';
import { release, upgrade, values } from '../release.ts';
import { allServed } from '../served.ts';
import { exampleTasks } from './1-install.ts';

const small = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '64Mi' } };
const badPools = [
  { name: 'runtimeclass', access: 'RuntimeClass', runtimeClassName: 'nvidia', runtimeResources: small },
  { name: 'plugin', access: 'DevicePlugin', runtimeResources: small },
];
const policy = {
  apiVersion: 'daris.dev/v1alpha1',
  kind: 'GpuSchedulingPolicy',
  metadata: { name: 'nowhere' },
  spec: { nodeSelector: { 'daris.dev/policy': 'nowhere' } },
};

/** Waits until what kubectl answers holds the words; answers the sentence that they are in. */
async function said(world: World, args: readonly string[], words: string): Promise<string> {
  const probe = async (): Promise<string | undefined> => {
    const answer = await world.cluster.kubectl(args, { signal: world.signal });
    return answer.split('\n').find((line) => line.includes(words));
  };
  const what = `kubectl ${args.join(' ')} to say "${words}"`;
  return waitFor(probe, { what, timeoutMs: 60_000, intervalMs: 500, signal: world.signal });
}

async function checkPools(world: World): Promise<void> {
  const line = '{range .items[*]}{.involvedObject.name}: {.message}{"\\n"}{end}';
  const messages = (kind: string): string[] => {
    const of = `--field-selector=involvedObject.kind=${kind}`;
    return ['get', 'events', '-n', systemNamespace, of, '-o', `jsonpath=${line}`];
  };
  await said(world, messages('DaemonSet'), 'RuntimeClass "nvidia" not found');
  await said(world, messages('Pod'), 'Insufficient nvidia.com/gpu');
}

/** With the values of the release and pools that this node can run no pod of. */
async function withBadPools(world: World, then: () => Promise<void>): Promise<void> {
  const { gpuPools, ...others } = values('next');
  await release(world, ['upgrade', 'daris', chart], { ...others, gpuPools: [...gpuPools, ...badPools] });
  try {
    await then();
  } finally {
    if (!world.signal.aborted) await upgrade(world, 'daris', 'next');
  }
}

async function run(world: World): Promise<ActResult> {
  const { cluster, runtime, signal } = world;
  const checks = new Checks();
  const { uid } = (await agentPod(world)).metadata;
  await runtime.follow(world);
  const { instanceId } = await runtime.watch.fresh(signal);
  await withBadPools(world, () => checkPools(world));
  await cluster.apply(policy, { signal });
  const ready = '{.status.conditions[?(@.type=="Ready")].reason}';
  await said(world, ['get', 'gpuschedulingpolicy', 'nowhere', '-o', `jsonpath=${ready}`], 'NoNode');
  await cluster.kubectl(['delete', 'gpuschedulingpolicy', 'nowhere'], { signal });
  await allServed(world, { count: exampleTasks, timeoutMs: 60_000 });
  checks.equal('the pod of the pool that works', (await agentPod(world)).metadata.uid, uid);
  checks.equal('its runtime', (await runtime.watch.fresh(signal)).instanceId, instanceId);
  return { figures: { refusals: badPools.length + 1 }, failures: checks.failures };
}

export const badInput: Act = {
  title: 'no RuntimeClass, no GPU, no node for a policy: each is said, and the pool that works goes on',
  run,
};
