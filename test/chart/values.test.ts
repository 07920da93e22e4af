// Values: what pools become, what the processes make of their flags, and what is refused with the key named.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, jest, test } from '@jest/globals';
import { load } from 'js-yaml';

import { readConfig } from '../../node-agent/config.ts';
import { parseConfig } from '../../operator/config.ts';
import { repositoryRoot } from '../control-plane/paths.ts';

import { chart, render } from './helm.ts';
import { containerOf, podsOf, type Pod } from './pods.ts';

// Each helm or kubectl is a process of its own, and on a busy machine takes its time.
jest.setTimeout(300_000);

async function agents(values: object): Promise<Pod[]> {
  return podsOf(await render({ values })).filter(({ of }) => of.startsWith('DaemonSet'));
}

async function onlyAgent(values: object): Promise<Pod> {
  const [agent, ...others] = await agents(values);
  expect(others).toEqual([]);
  if (agent === undefined) throw new Error('no DaemonSet was rendered');
  return agent;
}

describe('pools', () => {
  test('each is a DaemonSet for its nodes; what it leaves out is as in poolDefaults', async () => {
    const [large, small, exclusive] = await agents({
      gpuPools: [
        { name: 'large', nodeSelector: { gpu: 'h200' }, cores: '0-7' },
        { name: 'small', nodeSelector: { gpu: 'l4' }, podLabels: { tier: 'edge' } },
        { name: 'exclusive', nodeSelector: { gpu: 'a30' }, cores: 'all' },
      ],
    });
    expect([large?.of, small?.of]).toEqual(['DaemonSet daris-agent-large', 'DaemonSet daris-agent-small']);
    expect(large?.spec.nodeSelector).toEqual({ gpu: 'h200' });
    expect(small?.labels).toMatchObject({ tier: 'edge', 'daris.dev/pool': 'small' });
    const cores = [large, small, exclusive].map((pod) => pod && containerOf(pod, 'runtime').args[4]);
    expect(cores).toEqual(['--cores=0-7', '--cores=0-1', '--cores=all']);
    expect(small?.spec.tolerations).toEqual([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
  });

  test('a device plugin gives one GPU to the runtime and none to the agent', async () => {
    const agent = await onlyAgent({});
    expect(containerOf(agent, 'runtime').resources.limits).toMatchObject({ 'nvidia.com/gpu': 1 });
    expect(containerOf(agent, 'agent').resources.limits).not.toHaveProperty(['nvidia.com/gpu']);
  });

  test('each further GPU has a port of its own, which clients may reach', async () => {
    const ports = [8001, 8002, 8003, 8004].map((containerPort, at) => {
      return { name: at === 0 ? 'inference' : `inference-${at}`, containerPort };
    });
    const values = {
      gpuPools: [
        { name: 'four', count: 4, cores: '0-7' },
        { name: 'cpu', access: 'None' },
      ],
    };
    const [four, cpu] = (await agents(values)).map((pod) => containerOf(pod, 'runtime'));
    expect(four?.resources.limits).toMatchObject({ 'nvidia.com/gpu': 4 });
    expect([four?.ports, cpu?.ports]).toEqual([ports, ports.slice(0, 1)]);
    // A probe knows one port, and would have all runtimes restarted for the sake of one.
    expect([four, cpu].map((runtime) => runtime?.livenessProbe !== undefined)).toEqual([false, true]);
    const policies = (await render({ values })).filter(({ kind }) => kind === 'NetworkPolicy');
    const policy = policies.find(({ metadata }) => metadata.name === 'daris-agent');
    const inference = { ports: [{ port: 8001, endPort: 8004 }] };
    expect(policy?.spec).toMatchObject({ ingress: [{ ports: [{ port: 'metrics' }] }, inference] });
  });

  test('where nobody says how many GPUs a node has, there are ports for 16', async () => {
    const all = { name: 'all', access: 'RuntimeClass', runtimeClassName: 'nvidia' };
    expect(containerOf(await onlyAgent({ gpuPools: [all] }), 'runtime').ports).toHaveLength(16);
    expect(containerOf(await onlyAgent({ gpuPools: [{ ...all, count: 20 }] }), 'runtime').ports).toHaveLength(20);
  });

  test('DRA claims all devices of a class, for the runtime alone', async () => {
    const values = { gpuPools: [{ name: 'dra', access: 'DRA', deviceClassName: 'gpu.nvidia.com' }] };
    const agent = await onlyAgent(values);
    expect(containerOf(agent, 'runtime').resources).toMatchObject({ claims: [{ name: 'gpus' }] });
    expect(containerOf(agent, 'runtime').resources.limits).not.toHaveProperty(['nvidia.com/gpu']);
    expect(agent.spec.resourceClaims).toEqual([{ name: 'gpus', resourceClaimTemplateName: 'daris-agent-dra' }]);
    const claim = (await render({ values })).find(({ kind }) => kind === 'ResourceClaimTemplate');
    expect(claim).toMatchObject({
      metadata: { name: 'daris-agent-dra' },
      spec: {
        spec: { devices: { requests: [{ exactly: { deviceClassName: 'gpu.nvidia.com', allocationMode: 'All' } }] } },
      },
    });
  });

  test('a RuntimeClass, or no GPU at all, asks for none', async () => {
    const named = await onlyAgent({ gpuPools: [{ name: 'a', access: 'RuntimeClass', runtimeClassName: 'nvidia' }] });
    const none = await onlyAgent({ gpuPools: [{ name: 'cpu', access: 'None' }] });
    expect([named.spec.runtimeClassName, none.spec.runtimeClassName]).toEqual(['nvidia', undefined]);
    for (const pod of [named, none]) expect(containerOf(pod, 'runtime').resources.limits).toEqual({ memory: '16Gi' });
  });

  test('without pools there is an operator and no agent', async () => {
    expect(await agents({ gpuPools: [] })).toEqual([]);
  });
});

describe('the processes understand what the chart tells them', () => {
  test('the operator', async () => {
    const pods = podsOf(await render({ namespace: 'vision', values: { operator: { leader: { leaseSeconds: 30 } } } }));
    const pod = pods.find(({ of }) => of === 'Deployment daris-operator');
    expect(parseConfig(pod?.spec.containers[0]?.args ?? [], {})).toMatchObject({
      systemNamespace: 'vision',
      metricsPort: 9090,
      election: { leaseDurationMs: 30_000 },
    });
  });

  test('the agent', async () => {
    const { args, env } = containerOf(await onlyAgent({}), 'agent');
    const environment = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value ?? 'told-by-kubelet']));
    expect(readConfig(args, environment)).toMatchObject({
      node: 'told-by-kubelet',
      advertiseAddress: 'told-by-kubelet',
      runtimeSocket: '/run/daris/runtime.sock',
      metrics: { port: 9091 },
      systemNamespace: 'daris-system',
    });
  });

  test('the runtime knows every flag, also those that values may add', async () => {
    const help = execFileSync(join(repositoryRoot, 'build', 'bin', 'daris-runtime'), ['--help'], { encoding: 'utf8' });
    const known = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag);
    const runtimeArgs = [
      '--gpu=0',
      '--gpu-memory-percent=80',
      '--pinned-memory=1GiB',
      '--slot-memory=1GiB',
      '--sim-gpus=2',
      '--sim-product=X',
      '--sim-sms=8',
      '--sim-memory=1GiB',
      '--trace-records=4096',
    ];
    const { args } = containerOf(await onlyAgent({ gpuPools: [{ name: 'a', runtimeArgs }] }), 'runtime');
    expect(args).toEqual(expect.arrayContaining(runtimeArgs));
    for (const arg of args) expect(known).toContain(arg.split('=')[0]);
  });
});

describe('wrong values are refused with their key', () => {
  const pool = (more: object): object => ({ gpuPools: [{ name: 'a', ...more }] });

  test.each<[string, object, string]>([
    ['an unknown key', { operators: {} }, "additional properties 'operators' not allowed"],
    [
      'an unknown key further down',
      { operator: { replica: 3 } },
      "at '/operator': additional properties 'replica' not",
    ],
    ['a number in words', { operator: { replicas: 'two' } }, "at '/operator/replicas': got string, want integer"],
    ['no operator at all', { operator: { replicas: 0 } }, "at '/operator/replicas'"],
    ['a truth in words', { crds: { install: 'yes please' } }, "at '/crds/install': got string, want boolean"],
    ['a log level', { agent: { logLevel: 'loud' } }, "at '/agent/logLevel'"],
    ['a digest', { images: { agent: { digest: 'sha256:abc' } } }, "at '/images/agent/digest'"],
    ['a port', { agent: { inferencePort: 80 } }, "at '/agent/inferencePort'"],
    ['a pool without name', { gpuPools: [{ nodeSelector: {} }] }, "at '/gpuPools/0': missing property 'name'"],
    ['an unknown key of a pool', pool({ gpus: 8 }), "at '/gpuPools/0': additional properties 'gpus' not allowed"],
    ['more GPUs than a GpuNode holds', pool({ count: 65 }), "at '/gpuPools/0/count'"],
    ['DRA without a class', pool({ access: 'DRA' }), "missing property 'deviceClassName'"],
    ['RuntimeClass without its name', pool({ access: 'RuntimeClass' }), "missing property 'runtimeClassName'"],
    ['cores', pool({ cores: 'some' }), "at '/gpuPools/0/cores'"],
    ['a flag that the chart sets', pool({ runtimeArgs: ['--socket=/x'] }), "at '/gpuPools/0/runtimeArgs/0'"],
    ['a quantity', pool({ runtimeResources: { limits: { memory: 'much' } } }), "runtimeResources/limits/memory'"],
    ['two volumes', { models: { volume: { emptyDir: {}, nfs: {} } } }, "at '/models/volume': maxProperties: got 2"],
    ['a Pod Security level', { namespace: { podSecurity: 'strict' } }, "at '/namespace/podSecurity'"],
  ])('%s', async (_name, values, said) => {
    await expect(render({ values })).rejects.toThrow(said);
  });

  test.each<[string, number, object, string]>([
    ['the one port of a runtime', 9091, { access: 'None' }, 'the ports 9091 to 9091, and 9091 is'],
    ['the last port of a range', 9088, { count: 4 }, 'give it 9087 at most, or 9092 at least'],
    [
      'a port of GPUs that nobody has counted',
      9080,
      { access: 'DRA', deviceClassName: 'gpu' },
      'up to 16, the ports 9080 to',
    ],
  ])('%s is that of the metrics', async (_name, inferencePort, more, said) => {
    await expect(render({ values: { agent: { inferencePort }, ...pool(more) } })).rejects.toThrow(said);
  });

  test.each([9087, 9092])('the ports beside that of the metrics are free: four from %d on', async (inferencePort) => {
    const agent = await onlyAgent({ agent: { inferencePort }, gpuPools: [{ name: 'a', count: 4, cores: '0-3' }] });
    const ports = agent.spec.containers.flatMap((container) => container.ports ?? []);
    expect(new Set(ports.map(({ containerPort }) => containerPort)).size).toBe(5);
  });

  test('an old Kubernetes version', async () => {
    await expect(render({ kubeVersion: '1.31.9' })).rejects.toThrow(
      'chart requires kubeVersion: >=1.32.0-0 which is incompatible with Kubernetes v1.31.9',
    );
  });

  test('the schema knows every default, and asks for all of them', () => {
    const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as { required: string[] };
    const values = load(readFileSync(join(chart, 'values.yaml'), 'utf8')) as object;
    expect(Object.keys(values).toSorted()).toEqual(schema.required.toSorted());
  });
});
