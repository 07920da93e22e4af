// Which policy a node follows, what its GpuNode says of that, and what the policies say.
import { describe, expect, test } from '@jest/globals';

import type { GpuNodeStatus, PolicySpec, StoredPolicy } from '../../resources.ts';
import { conditionOf } from '../testing.ts';
import { decideGpuNode, decidePolicy, type LabelledNode } from './decide.ts';

const partitioning = { mode: 'Streams', contexts: 1, streamsPerContext: 2 };

function policy(
  name: string,
  spec: PolicySpec = {},
  generation = 1,
  more: Partial<StoredPolicy['metadata']> = {},
): StoredPolicy {
  const metadata = { name, uid: name, resourceVersion: '1', generation, ...more };
  return { apiVersion: 'daris.dev/v1alpha1', kind: 'GpuSchedulingPolicy', metadata, spec };
}

function node(name: string, labels: Record<string, string> = {}, status: GpuNodeStatus = {}): LabelledNode {
  const metadata = { name, uid: name, resourceVersion: '1' };
  return { labels, gpuNode: { apiVersion: 'daris.dev/v1alpha1', kind: 'GpuNode', metadata, status } };
}

function states(of: { conditions: readonly { type: string; status: string; reason: string; message: string }[] }) {
  return of.conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);
}

const zoneA = { nodeSelector: { zone: 'a' } };
const conflict =
  'node n1 is selected by the policies edge and lab: none of them is applied there; narrow a nodeSelector';

describe('a node follows', () => {
  test.each<[what: string, policies: StoredPolicy[], labels: Record<string, string>, name: string]>([
    ['the built-in default where there is no policy', [], {}, 'default'],
    ['the built-in default where none selects it', [policy('edge', zoneA)], { zone: 'b' }, 'default'],
    [
      'the policy whose labels it has',
      [policy('edge', zoneA), policy('lab', { nodeSelector: { zone: 'b' } })],
      { zone: 'b' },
      'lab',
    ],
    ['a policy without selector', [policy('edge')], {}, 'edge'],
    [
      'no policy that needs one label more',
      [policy('edge', { nodeSelector: { zone: 'a', gpu: 'yes' } })],
      { zone: 'a' },
      'default',
    ],
  ])('%s', (_what, policies, labels, name) => {
    const { policy: followed, conditions } = decideGpuNode(node('n1', labels), policies);
    expect(followed.name).toBe(name);
    expect(conditions).toEqual([]);
  });

  test('the terms of the policy, without selector and quotas', () => {
    const highPriorityQuotas = [{ namespace: 'robots', utilization: '0.5' }];
    const spec: PolicySpec = { ...zoneA, partitioning, mretWindow: 7, onPartition: 'Stop', highPriorityQuotas };
    const { policy: followed } = decideGpuNode(node('n1', { zone: 'a' }), [policy('edge', spec, 4)]);
    expect(followed).toEqual({ name: 'edge', generation: 4, partitioning, mretWindow: 7, onPartition: 'Stop' });
  });

  test('no policy that is being deleted', () => {
    const leaving = policy('edge', {}, 1, { deletionTimestamp: new Date(0) });
    expect(decideGpuNode(node('n1'), [leaving]).policy.name).toBe('default');
  });
});

describe('two policies on one node', () => {
  const both = [policy('lab'), policy('edge', { partitioning }, 2)];

  test('neither is applied, both are named, and what was in force stays as it was', () => {
    const former = { name: 'edge', generation: 1 };
    const decision = decideGpuNode(node('n1', {}, { policy: former }), both);
    expect(decision.policy).toEqual(former);
    expect(states(decision)).toEqual([`Stalled=True PolicyConflict: ${conflict}; policy edge stays in force`]);
  });

  test('a node that had none keeps the built-in default', () => {
    expect(decideGpuNode(node('n1'), both).policy).toEqual({ name: 'default' });
  });

  test('both say so', () => {
    for (const each of both) {
      expect(states(decidePolicy(each, both, [node('n1')]))).toEqual([
        `Ready=False PolicyConflict: ${conflict}`,
        `Stalled=True PolicyConflict: ${conflict}`,
      ]);
    }
  });
});

describe('a policy', () => {
  const edge = policy('edge', zoneA, 3);
  const said = (status: 'True' | 'False', reason: string, generation = 3): GpuNodeStatus => ({
    observedPolicy: { name: 'edge', generation },
    conditions: [conditionOf('PolicyApplied', status, reason)],
  });
  const at = (name: string, status?: GpuNodeStatus): LabelledNode => node(name, { zone: 'a' }, status);

  test.each<[what: string, nodes: LabelledNode[], counts: [matched: number, applied: number], want: string[]]>([
    [
      'that no node matches is ready',
      [node('n1', { zone: 'b' })],
      [0, 0],
      ['Ready=True NoNode: no node has the labels of its nodeSelector and an agent; it is applied as soon as one does'],
    ],
    ['in force everywhere', [at('n1', said('True', 'Applied'))], [1, 1], ['Ready=True Applied: in force on 1 node']],
    [
      'that a node has yet to apply',
      [at('n1', said('True', 'Applied')), at('n2', said('True', 'Applied', 2)), at('n3')],
      [3, 1],
      ['Ready=False Applying', 'Reconciling=True Applying'].map(
        (state) => `${state}: node n2 has not applied generation 3 yet; and so 1 node more`,
      ),
    ],
    [
      'that a node cannot carry',
      [at('n1', said('False', 'TooManyContexts')), at('n2')],
      [2, 0],
      ['Ready=False TooManyContexts', 'Stalled=True TooManyContexts'].map(
        (state) => `${state}: node n1: TooManyContexts message`,
      ),
    ],
  ])('%s', (_what, nodes, [matchedNodes, appliedNodes], want) => {
    const decision = decidePolicy(edge, [edge], nodes);
    expect(decision).toMatchObject({ matchedNodes, appliedNodes, observedGeneration: 3 });
    expect(states(decision)).toEqual(want);
  });

  test('counts all of its nodes and names as many as a status should hold', () => {
    const many = Array.from({ length: 40 }, (_, n) => at(`n${n}`, said('True', 'Applied')));
    const decision = decidePolicy(edge, [edge], many);
    expect(decision).toMatchObject({ matchedNodes: 40, appliedNodes: 40 });
    expect(decision.nodes).toHaveLength(32);
  });
});
