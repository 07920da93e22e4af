// The API server's word on what the chart renders: every object is accepted as it is, every pod in a namespace that
// enforces `restricted`. Server-side dry runs, so that nothing of the other tests' is changed.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { render, type Manifest } from '../chart/helm.ts';
import { podsOf } from '../chart/pods.ts';

import { sharedCluster } from './shared-cluster.ts';

// Each helm or kubectl is a process of its own, and on a busy machine takes its time.
jest.setTimeout(300_000);

const admin = sharedCluster();
let namespace = '';

beforeAll(async () => {
  namespace = await admin.createNamespace('chart');
  await enforce('restricted');
  for (const name of ['daris-operator', 'daris-agent', 'default']) {
    await admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  }
});

afterAll(async () => {
  await admin.kubectl(['delete', 'namespace', namespace, '--wait=false']);
});

async function enforce(level: string): Promise<void> {
  const label = `pod-security.kubernetes.io/enforce=${level}`;
  await admin.kubectl(['label', 'namespace', namespace, label, '--overwrite']);
}

function dryRun(object: Manifest): Promise<string> {
  return admin.kubectl(
    ['apply', '--server-side', '--dry-run=server', '--force-conflicts', '--validate=strict', '-f', '-'],
    { input: JSON.stringify(object) },
  );
}

/** The pods of all workloads, as their controllers would make them. */
async function pods(values: object): Promise<Manifest[]> {
  return podsOf(await render({ namespace, values })).map(({ of, labels, spec }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: of.toLowerCase().replaceAll(' ', '-'), namespace, labels },
    spec,
  }));
}

const everything = {
  namespace: { create: true },
  metrics: { dashboard: { enabled: true } },
  networkPolicies: { metricsFrom: [{ namespaceSelector: { matchLabels: { team: 'sre' } } }] },
  gpuPools: [
    { name: 'plugin', nodeSelector: { gpu: 'h200' } },
    { name: 'dra', access: 'DRA', deviceClassName: 'gpu.nvidia.com' },
    { name: 'cpu', access: 'None', podLabels: { tier: 'edge' } },
  ],
};

test.each([
  ['default values', {}],
  ['everything switched on', everything],
])(
  'every object is accepted: %s',
  async (_name, values) => {
    for (const object of await render({ values }))
      await expect(dryRun(object)).resolves.toContain('serverside-applied');
  },
  60_000,
);

describe('a namespace that enforces restricted', () => {
  test.each([
    ['default values', {}],
    ['everything switched on', everything],
    ['models on a claim', { models: { volume: { persistentVolumeClaim: { claimName: 'models', readOnly: true } } } }],
    ['models as an image', { models: { volume: { image: { reference: 'models:1', pullPolicy: 'IfNotPresent' } } } }],
  ])('accepts the pods: %s', async (_name, values) => {
    const all = await pods(values);
    expect(all.length).toBeGreaterThan(2);
    for (const pod of all) await expect(dryRun(pod)).resolves.toContain('serverside-applied');
  });

  test.each([
    ['hostPath', { path: '/srv' }, 'privileged'],
    ['nfs', { server: 'models.example.com', path: '/srv' }, 'baseline'],
  ])('refuses models by %s, which need another level', async (volume, source, level) => {
    const agents = (await pods({ models: { volume: { [volume]: source } } })).filter(({ metadata }) =>
      metadata.name.startsWith('daemonset'),
    );
    expect(agents).toHaveLength(1);
    for (const pod of agents) {
      await expect(dryRun(pod)).rejects.toThrow(new RegExp(`restricted volume types.*"${volume}"`));
      await enforce(level);
      await expect(dryRun(pod)).resolves.toContain('serverside-applied');
      await enforce('restricted');
    }
  });
});

test('a RuntimeClass that the cluster does not have is named', async () => {
  const gpuPools = [{ name: 'a', access: 'RuntimeClass', runtimeClassName: 'nvidia' }];
  const agent = (await pods({ gpuPools })).find(({ metadata }) => metadata.name.startsWith('daemonset'));
  await expect(dryRun(agent as Manifest)).rejects.toThrow(/RuntimeClass "nvidia" not found/);
});
