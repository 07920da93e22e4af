// What the operator makes of a node.
import { expect, test } from '@jest/globals';

import type { GpuNode } from '../api/resources.ts';
import { conditionOf } from './controllers/testing.ts';
import { viewNode, type NodeFacts } from './nodes.ts';

function gpuNode(status: GpuNode['status']): GpuNode {
  return { apiVersion: 'daris.dev/v1alpha1', kind: 'GpuNode', metadata: { name: 'n1' }, ...(status && { status }) };
}

const ready = conditionOf('Ready', 'True', 'Serving', { message: 'takes tasks' });
const facts: NodeFacts = {
  gpuNode: gpuNode({ conditions: [ready] }),
  node: { metadata: { name: 'n1' } },
  lost: undefined,
};

test.each<[what: string, facts: Partial<NodeFacts>, state: string, message: string]>([
  ['ready', {}, 'Ready', 'takes tasks'],
  ['without Node', { node: undefined }, 'Lost', 'there is a GpuNode of this name but no Node'],
  ['lost', { lost: 'silent' }, 'Lost', 'silent'],
  [
    'being deleted',
    { node: { metadata: { name: 'n1', deletionTimestamp: '2030-01-01T00:00:00Z' } } },
    'NotReady',
    'it is being deleted',
  ],
  ['without a report', { gpuNode: gpuNode(undefined) }, 'NotReady', 'its agent has not reported yet'],
  [
    'whose runtime is away',
    { gpuNode: gpuNode({ conditions: [conditionOf('Ready', 'False', 'RuntimeUnavailable', { message: 'away' })] }) },
    'NotReady',
    'away',
  ],
  [
    'with a limit that is none',
    { gpuNode: gpuNode({ conditions: [ready], highPriorityUtilizationLimit: 'most' }) },
    'NotReady',
    'its highPriorityUtilizationLimit "most" is not a decimal like 0.75',
  ],
])('a node %s', (_what, changes, state, message) => {
  expect(viewNode({ ...facts, ...changes }).placement).toMatchObject({ name: 'n1', state, message });
});

test('requests reach a GPU at its own address, or else at that of its node', () => {
  const gpu = { product: 'X', sms: 1, memoryBytes: 1, engine: 'sim' };
  const gpus = [
    { ...gpu, uuid: 'a', address: '10.1.2.3:8001' },
    { ...gpu, uuid: 'b', address: '10.1.2.3:8002' },
    { ...gpu, uuid: 'c' },
  ];
  const { addressOf } = viewNode({
    ...facts,
    gpuNode: gpuNode({ conditions: [ready], address: '10.1.2.3:8000', gpus }),
  });
  expect(['a', 'b', 'c', 'unknown'].map(addressOf)).toEqual([
    '10.1.2.3:8001',
    '10.1.2.3:8002',
    '10.1.2.3:8000',
    '10.1.2.3:8000',
  ]);
});

test.each([
  ['has no conditions', [], undefined],
  ['is sound and alone', [conditionOf('Healthy', 'True', 'NoFault', {})], undefined],
  [
    'is shared',
    [
      conditionOf('Healthy', 'True', 'NoFault', {}),
      conditionOf('ForeignSharing', 'True', 'P', { message: 'process 7' }),
    ],
    { reason: 'ForeignSharing', message: 'process 7' },
  ],
  [
    'has a fault, and is shared',
    [
      conditionOf('ForeignSharing', 'True', 'P', { message: 'process 7' }),
      conditionOf('Healthy', 'False', 'XidCritical', { message: 'Xid 79' }),
    ],
    { reason: 'Unhealthy', message: 'Xid 79' },
  ],
])('a GPU that %s', (_what, conditions, closed) => {
  const gpus = [{ uuid: 'g', product: 'p', sms: 2, memoryBytes: 1, engine: 'e', conditions }];
  const view = viewNode({ ...facts, gpuNode: gpuNode({ conditions: [ready], gpus }) });
  expect(view.placement.gpus[0]?.closed).toEqual(closed);
});

test('contexts without streams are none, and the limit is 0.75 where nothing is said', () => {
  const contexts = [
    { index: 0, sms: 1, streams: 0 },
    { index: 1, sms: 1, streams: 2 },
  ];
  const gpus = [{ uuid: 'g', product: 'p', sms: 2, memoryBytes: 1, engine: 'e', contexts }];
  const view = viewNode({ ...facts, gpuNode: gpuNode({ conditions: [ready], gpus }) });
  expect(view.placement.highLimitE9).toBe(750_000_000);
  const [kind] = view.kinds.keys();
  const known = { uuid: 'g', product: 'p', engine: 'e', memoryBytes: 1, kind };
  expect(view.placement.gpus).toEqual([{ ...known, contexts: [{ index: 1, streams: 2 }] }]);
  expect([...view.kinds.values()]).toMatchObject([
    { product: 'p', partitioning: { contexts: 1, streamsPerContext: 2 } },
  ]);
});

test('whose compiled code it loads is what the policy says that it is to follow', () => {
  const following = (policy: NonNullable<GpuNode['status']>['policy']) =>
    viewNode({ ...facts, gpuNode: gpuNode({ conditions: [ready], ...(policy && { policy }) }) }).placement;
  expect(following({ name: 'edge', compiledCode: { namespaces: ['vision'] } })).toMatchObject({
    policy: 'edge',
    codeNamespaces: new Set(['vision']),
  });
  expect(following({ name: 'default' })).not.toHaveProperty('codeNamespaces');
  expect(following(undefined)).not.toHaveProperty('policy');
});

test.each([
  ['where the policy in force joins', 'On', ['p', 'p'], true],
  ['not where it does not', 'Off', ['p', 'p'], undefined],
  ['not on GPUs of two kinds, of which one set of times cannot hold', 'On', ['p', 'other'], undefined],
] as const)('jobs go together %s', (_what, joining, products, want) => {
  const contexts = [{ index: 0, sms: 1, streams: 1 }];
  const rest = { sms: 2, memoryBytes: 1, engine: 'e', contexts };
  const gpus = products.map((product, n) => ({ uuid: `g${n}`, product, ...rest }));
  const appliedPolicy = { name: 'edge', contexts: 1, streamsPerContext: 1, oversubscription: '1', joining };
  const status = { conditions: [ready], gpus, appliedPolicy, policy: { name: 'edge', joining: 'On' as const } };
  const view = viewNode({ ...facts, gpuNode: gpuNode(status) });
  expect(view.placement.gpus.map(({ joins }) => joins)).toEqual([want, want]);
});
