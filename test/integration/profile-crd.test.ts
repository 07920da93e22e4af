// ModelProfile on the real API server: what may be written, and with which words the rest is refused.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
const spec = {
  digest: `sha256:${'0'.repeat(64)}`,
  uri: 'file:///detector',
  product: 'H200',
  partitioning: { contexts: 2, streamsPerContext: 1, oversubscription: '1.5' },
  engine: 'torch',
  engineVersion: '2.9',
  batchSizes: [1, 4],
};

function profile(name: string, changes: object): object {
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name },
    spec: { ...spec, ...changes },
  };
}

function dryRun(changes: object): Promise<string> {
  return cluster.kubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(profile('x', changes)) });
}

test.each<[what: string, changes: object]>([
  ['as the operator makes it', {}],
  ['with an estimate', { estimate: { stageAfet: ['1.5ms', '900us'] } }],
])('a profile is accepted %s', async (_what, changes) => {
  await expect(dryRun(changes)).resolves.toContain('created (server dry run)');
});

test.each<[what: string, changes: object, message: string]>([
  ['an estimate of 0', { estimate: { stageAfet: ['1ms', '0ms'] } }, 'an estimate must be between 1us and 3600s, since'],
  ['an estimate that is a number', { estimate: { stageAfet: [0] } }, 'an estimate must be a duration with a unit'],
  ['a negative estimate', { estimate: { stageAfet: ['-1ms'] } }, 'an estimate must be a duration with a unit'],
  ['an empty estimate', { estimate: { stageAfet: [] } }, 'should have at least 1 items'],
  ['no batch sizes', { batchSizes: [] }, 'should have at least 1 items'],
  ['batch size 0', { batchSizes: [0] }, 'should be greater than or equal to 1'],
  ['a digest that is none', { digest: 'sha256:abc' }, 'digest must be sha256 and 64 hexadecimal digits'],
  ['a way out of the root', { uri: 'file:///../etc' }, "uri must be a path below the node's model root"],
])('a profile is refused with %s', async (_what, changes, message) => {
  await expect(dryRun(changes)).rejects.toThrow(message);
});

describe('a profile that is there', () => {
  const name = 'crd-test';
  beforeAll(() => cluster.apply(profile(name, {})), 30_000);
  afterAll(() => cluster.kubectl(['delete', 'modelprofile', name]), 30_000);

  test.each<[what: string, changes: object]>([
    ['digest', { digest: `sha256:${'1'.repeat(64)}` }],
    ['product', { product: 'A100' }],
    ['partitioning', { partitioning: { ...spec.partitioning, contexts: 3 } }],
    ['engine', { engine: 'openvino' }],
    ['engineVersion', { engineVersion: '3' }],
    ['batchSizes', { batchSizes: [1] }],
  ])('keeps its %s, which is part of what it is named by', async (field, changes) => {
    await expect(cluster.apply(profile(name, changes))).rejects.toThrow(`${field} cannot be changed`);
  });

  test('is found by the node that measures it', async () => {
    await cluster.apply(profile(name, { node: 'crd-test-node' }));
    const args = ['get', 'mp', '--field-selector=spec.node=crd-test-node', '-o', 'name'];
    expect(await cluster.kubectl(args)).toBe(`modelprofile.daris.dev/${name}\n`);
  });
});
