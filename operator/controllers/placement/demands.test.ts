// With which others the jobs of a task may go together, by the profiles of its package; and what a share means alone.
import { describe, expect, test } from '@jest/globals';

import { gpuKindKey } from '../../../api/profiles.ts';
import { conditionOf, digestA, effective, measurementsOf, storedProfile, testKind } from '../testing.ts';
import { aloneE9, demandsOf } from './demands.ts';

const key = gpuKindKey(testKind);

function joinsOf(sizes: Readonly<Record<number, readonly number[]>>, batchSize = 1): unknown {
  const batches = Object.entries(sizes).map(([size, stages]) => ({
    size: Number(size),
    afetUs: stages.reduce((sum, us) => sum + us, 0),
    stageAfetUs: [...stages],
  }));
  const batchSizes = batches.map(({ size }) => size);
  const status = { batches, conditions: [conditionOf('Measured', 'True', 'Measured')] };
  const profiles = measurementsOf([storedProfile({ spec: { batchSizes }, status })]).of(digestA);
  return demandsOf(profiles, effective({ batchSize }), undefined).known.get(key)?.joins;
}

const unit = (jobs: number, afetUs: number, longestStageUs: number) => ({ jobs, afetUs, longestStageUs });

describe('units of a class', () => {
  test('are those of the batch sizes that hold several of its jobs', () => {
    expect(joinsOf({ 4: [3, 5], 1: [1, 2], 2: [2, 3] })).toEqual({
      key: `${digestA}/1`,
      units: [unit(1, 3, 2), unit(2, 5, 3), unit(4, 8, 5)],
    });
    expect(joinsOf({ 1: [1, 2], 2: [2, 3], 3: [9, 9], 4: [3, 5] }, 2)).toEqual({
      key: `${digestA}/2`,
      units: [unit(1, 5, 3), unit(2, 8, 5)],
    });
  });

  test('are at most 16, none of more than 256 jobs', () => {
    const sizes = Object.fromEntries([...Array(20).keys(), 299].map((n) => [n + 1, [n + 1]]));
    expect(joinsOf(sizes)).toMatchObject({ units: { length: 16, 15: unit(16, 16, 16) } });
    expect(joinsOf({ 1: [1], 256: [2], 257: [3] })).toMatchObject({ units: [unit(1, 1, 1), unit(256, 2, 2)] });
  });

  test.each([
    ['there is no larger batch size', { 1: [1, 2] }],
    ['one has another number of stages', { 1: [1, 2], 2: [2] }],
    ['a time is none', { 1: [1, 2], 2: [0, 3] }],
    ['its own time is none', { 1: [0, 2], 2: [2, 3] }],
  ])('are none where %s', (_, sizes) => {
    expect(joinsOf(sizes)).toBeUndefined();
  });

  test('take as many times as long by an estimate', () => {
    const profiles = measurementsOf([storedProfile({ spec: { estimate: { stageAfet: ['1ms', '2ms'] } } })]).of(digestA);
    expect(demandsOf(profiles, effective(), undefined).known.get(key)?.joins?.units).toEqual([
      unit(1, 3_000, 2_000),
      unit(2, 6_000, 4_000),
    ]);
  });
});

test.each([
  ['a booking alone is what it says', {}, 200_000_000],
  ['a share is one of what a job alone takes', { capacity: 4, stageAfetUs: [3_000, 7_000] }, 500_000_000],
  ['a share without times is all that is known', { capacity: 4 }, 200_000_000],
])('%s', (_, booked, want) => {
  expect(aloneE9({ utilizationE9: 200_000_000, ...booked }, { deadlineUs: 20_000, periodUs: 25_000 })).toBe(want);
});
