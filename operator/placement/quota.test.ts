// Quotas of High utilization by namespace, over all nodes of one policy.
import { describe, expect, test } from '@jest/globals';

import { runCycle, type CycleResult } from './cycle.ts';
import { Seeded, seededNodes, seededTasks } from './seeded.ts';
import type { PlacementNode, PlacementTask, Quotas } from './terms.ts';
import { node, task } from './testing.ts';

function quotas(policy: string, limits: Record<string, number>): Quotas {
  return { policy, limitsE9: new Map(Object.entries(limits).map(([name, limit]) => [name, limit * 1e9])) };
}

const edge = quotas('edge', { robots: 0.5 });
const edgeNodes = [node('n1', 2, { quotas: edge }), node('n2', 2, { quotas: edge })];

function of(namespace: string, name: string, afetMs: number, changes: Partial<PlacementTask> = {}): PlacementTask {
  return task(name, { afetMs, periodMs: 100, changes: { key: `${namespace}/${name}`, namespace, ...changes } });
}

function outcomes(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): Record<string, string> {
  const { verdicts } = runCycle(nodes, tasks);
  return Object.fromEntries(
    [...verdicts].map(([key, verdict]) => [key, verdict.kind === 'Refused' ? verdict.reason : verdict.kind]),
  );
}

describe('a quota', () => {
  test('holds over all nodes of the policy together', () => {
    const tasks = [of('robots', 'a', 30), of('robots', 'b', 20), of('robots', 'c', 1)];
    expect(outcomes(edgeNodes, tasks)).toEqual({
      'robots/a': 'Placed',
      'robots/b': 'Placed',
      'robots/c': 'QuotaExceeded',
    });
  });

  test('is of its namespace alone, and of High tasks alone', () => {
    const low = of('robots', 'low', 90, { priority: 'Low' });
    const tasks = [of('robots', 'a', 50), of('cars', 'b', 70), low];
    expect(Object.values(outcomes(edgeNodes, tasks))).toEqual(['Placed', 'Placed', 'Placed']);
  });

  test('is of its policy alone: nodes that follow another one take the task', () => {
    const nodes = [...edgeNodes, node('n3', 1, { quotas: quotas('lab', { robots: 0.2 }) })];
    const tasks = [of('robots', 'a', 45), of('robots', 'b', 15), of('robots', 'c', 6)];
    const { verdicts } = runCycle(nodes, tasks);
    expect(verdicts.get('robots/b')).toMatchObject({ kind: 'Placed', place: { node: 'n3' } });
    expect(verdicts.get('robots/c')).toMatchObject({ kind: 'Refused', reason: 'QuotaExceeded' });
  });

  test('that was lowered ends nothing that runs, and admits nothing new', () => {
    const lowered = [node('n1', 1, { quotas: quotas('edge', { robots: 0.1 }) })];
    const present = { node: 'n1', gpu: 'gpu-0', context: 0 };
    const tasks = [of('robots', 'a', 40, { present, settled: true }), of('robots', 'b', 1)];
    expect(outcomes(lowered, tasks)).toEqual({ 'robots/a': 'Placed', 'robots/b': 'QuotaExceeded' });
  });

  test.each([
    [
      'with the shortest period that fits',
      { robots: 0.5 },
      14,
      'HP utilization of namespace robots 0.42 + 0.14 > quota 0.5 on nodes of policy edge (best of 4 contexts); the shortest period that fits is 175ms',
    ],
    [
      'that leaves nothing',
      { robots: 0.42 },
      14,
      'HP utilization of namespace robots 0.42 + 0.14 > quota 0.42 on nodes of policy edge (best of 4 contexts)',
    ],
  ])('refuses in words, %s', (_what, limits, afetMs, want) => {
    const nodes = ['n1', 'n2'].map((name) => node(name, 2, { quotas: quotas('edge', limits) }));
    const { verdicts } = runCycle(nodes, [of('robots', 'there', 42), of('robots', 'a', afetMs)]);
    expect(verdicts.get('robots/a')).toMatchObject({ reason: 'QuotaExceeded', message: want });
  });
});

interface World {
  readonly nodes: readonly PlacementNode[];
  readonly tasks: readonly PlacementTask[];
  readonly policies: ReadonlyMap<string, Quotas>;
}

/** Nodes of three policies, of which one has no quotas; tasks of ten namespaces, half of which have one. */
function worldOf(seed: number): World {
  const seeded = new Seeded(seed);
  const shape = { nodes: seeded.between(1, 9), gpusPerNode: 1, contextsPerGpu: seeded.between(1, 3) };
  const policies = new Map(
    ['edge', 'lab'].map((name) => {
      const limits = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`ns-${n}`, seeded.next() * 1.5]));
      return [name, quotas(name, limits)] as const;
    }),
  );
  const followed = [policies.get('edge'), policies.get('lab'), undefined];
  const nodes = seededNodes(seeded, shape).map((each, n) => {
    const found = followed[n % followed.length];
    return found === undefined ? each : { ...each, quotas: found };
  });
  const tasks = seededTasks(seeded, { count: seeded.between(1, 80), highShare: 0.8, utilization: 0.25 });
  return { nodes, tasks, policies };
}

/** What High tasks of a namespace have on the nodes of a policy, counted anew from the verdicts. */
function bookedE9({ nodes, tasks }: World, result: CycleResult, policy: string, namespace: string): number {
  const names = new Set(nodes.filter((each) => each.quotas?.policy === policy).map(({ name }) => name));
  return tasks
    .filter((each) => each.priority === 'High' && each.namespace === namespace)
    .filter(({ key }) => {
      const verdict = result.verdicts.get(key);
      return verdict?.kind === 'Placed' && names.has(verdict.place.node);
    })
    .reduce((sum, { demand }) => sum + demand.utilizationE9, 0);
}

describe.each(Array.from({ length: 60 }, (_, n) => n + 1))('seed %i', (seed) => {
  const world = worldOf(seed);
  const result = runCycle(world.nodes, world.tasks);

  test('no namespace books more than its quota', () => {
    for (const { policy, limitsE9 } of world.policies.values()) {
      for (const [namespace, limitE9] of limitsE9) {
        expect(bookedE9(world, result, policy, namespace)).toBeLessThanOrEqual(limitE9);
      }
    }
  });

  test('without quotas QuotaExceeded is never said', () => {
    const free = world.nodes.map(({ quotas: _quotas, ...each }) => each);
    expect(Object.values(outcomes(free, world.tasks))).not.toContain('QuotaExceeded');
  });

  test('what is refused for a quota would exceed it on each node of the policy that it names', () => {
    for (const [key, verdict] of result.verdicts) {
      if (verdict.kind !== 'Refused' || verdict.reason !== 'QuotaExceeded') continue;
      const policy = /policy (\S+)/.exec(verdict.message)?.[1] ?? '';
      const refused = world.tasks.find((each) => each.key === key);
      const namespace = refused?.namespace ?? '';
      const limitE9 = world.policies.get(policy)?.limitsE9.get(namespace) ?? Number.NaN;
      const wantedE9 = bookedE9(world, result, policy, namespace) + (refused?.demand.utilizationE9 ?? 0);
      expect(wantedE9).toBeGreaterThan(limitE9);
    }
  });
});

test('the seeds have quotas that refuse', () => {
  const refused = Array.from({ length: 60 }, (_, n) => worldOf(n + 1)).flatMap(({ nodes, tasks }) =>
    Object.values(outcomes(nodes, tasks)).filter((reason) => reason === 'QuotaExceeded'),
  );
  expect(refused.length).toBeGreaterThan(50);
});
