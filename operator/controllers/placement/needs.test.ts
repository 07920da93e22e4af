// Random clusters and tasks: the profiles that are needed are those of each package on each kind that a task may use.
import { expect, test } from '@jest/globals';

import { gpuKindKey, profileName, type GpuKind } from '../../../api/profiles.ts';
import { Seeded, seededNodes, seededTasks } from '../../placement/seeded.ts';
import { runCycle } from '../../placement/cycle.ts';
import { nodeFilters } from '../../placement/filters.ts';
import type { PlacementNode } from '../../placement/terms.ts';
import type { Evaluation } from './evaluate.ts';
import { effective, otherKind, testKind, undividedKind } from '../testing.ts';
import { neededProfiles } from './needs.ts';

const kinds = [testKind, otherKind, undividedKind];
const byKey = new Map<string, GpuKind>(kinds.map((kind) => [gpuKindKey(kind), kind]));
const digests = ['a', 'b', 'c', 'd'].map((letter) => `sha256:${letter.repeat(64)}`);

function gpuOf(kind: string): { kind: string; engine: string } {
  return { kind, engine: byKey.get(kind)?.engine ?? '' };
}

function world(seed: number) {
  const seeded = new Seeded(seed);
  const keys = [...byKey.keys()];
  const nodes: PlacementNode[] = seededNodes(seeded, { nodes: 8, gpusPerNode: 2, contextsPerGpu: 2 }).map(
    (node, n) => ({
      ...node,
      state: n % 5 === 4 ? 'NotReady' : 'Ready',
      gpus: node.gpus.map((gpu) => ({ ...gpu, ...gpuOf(keys[seeded.between(0, keys.length - 1)] ?? '') })),
    }),
  );
  const tasks = seededTasks(seeded, { count: 60, highShare: 0.3, utilization: 0.1 });
  const evaluations = tasks.map((task): Extract<Evaluation, { kind: 'Candidate' }> => {
    const digest = digests[seeded.between(0, digests.length - 1)] ?? '';
    const profiled = { digest, uri: 'file:///x', batchSizes: [1, 2], stageCount: 3 };
    const unmeasured = { ...task, demands: new Map() };
    return {
      kind: 'Candidate',
      model: { ready: true, reason: '', message: '' },
      effective: effective(),
      task: unmeasured,
      profiled,
    };
  });
  return { nodes, evaluations };
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))('seed %i', (seed) => {
  const { nodes, evaluations } = world(seed);
  const { snapshot, verdicts } = runCycle(
    nodes,
    evaluations.map(({ task }) => task),
  );
  const needs = neededProfiles(evaluations, snapshot, byKey);
  const wanted = new Set<string>();
  for (const { task, profiled } of evaluations) {
    const usable = nodes
      .filter((node) => nodeFilters.every((filter) => filter.passes(task, node)))
      .flatMap(({ gpus, codeNamespaces }) =>
        gpus
          .filter(({ engine }) => task.package?.engines?.includes(engine))
          .filter(({ engine }) => engine !== 'torch' || codeNamespaces?.has(task.namespace)),
      );
    for (const kind of usable.map((gpu) => byKey.get(gpu.kind))) {
      if (kind !== undefined && profiled !== undefined)
        wanted.add(profileName({ ...kind, ...profiled, batchSizes: [1, 2] }));
    }
    expect(verdicts.get(task.key)).toMatchObject({
      kind: 'Refused',
      reason: usable.length > 0 ? 'Profiling' : expect.any(String),
    });
  }
  expect(new Set(needs.keys())).toEqual(wanted);
  for (const [name, { spec }] of needs) expect(profileName(spec)).toBe(name);
  // As if all were measured, the same tasks in another order need the same, and no name stands for two contents.
  const again = neededProfiles(evaluations.toReversed(), snapshot, byKey);
  expect(again).toEqual(needs);
  expect(new Set([...needs.values()].map(({ spec }) => JSON.stringify(spec))).size).toBe(needs.size);
});
