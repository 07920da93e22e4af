import { describe, expect, test } from '@jest/globals';
import { candidateStep, sight, timingProblem, type Step } from './election.ts';
import type { Lease } from './lease.ts';
import type { Stored } from './resource.ts';

type Spec = NonNullable<Lease['spec']>;

function lease(spec: Spec, resourceVersion = '1'): Stored<Lease> {
  const metadata = { name: 'leader', namespace: 'lab', uid: 'u', resourceVersion };
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
}

const others = { holderIdentity: 'other', leaseDurationSeconds: 15, leaseTransitions: 4 };
const acquire = (transitions: number): Step => ({ kind: 'Acquire', transitions });

describe('what a candidate does', () => {
  test.each<[name: string, spec: Spec | undefined, forMs: number, step: Step]>([
    ['there is no Lease', undefined, 0, acquire(1)],
    ['nobody has led yet', {}, 0, acquire(1)],
    ['it was released', { ...others, holderIdentity: '' }, 0, acquire(5)],
    ['held, and just seen', others, 0, { kind: 'Wait', holder: 'other', remainingMs: 15_000 }],
    ['held, and seen for a while', others, 14_999, { kind: 'Wait', holder: 'other', remainingMs: 1 }],
    ['it has stood still for its duration', others, 15_000, acquire(5)],
    [
      'its duration is not named: ours counts',
      { holderIdentity: 'other' },
      9_999,
      { kind: 'Wait', holder: 'other', remainingMs: 1 },
    ],
    ['ours: the answer to our write was lost', { ...others, holderIdentity: 'me' }, 0, acquire(4)],
  ])('%s', (_name, spec, forMs, step) => {
    const seen = sight(undefined, spec && lease(spec), 1_000);
    expect(candidateStep(seen, 'me', 10_000, 1_000 + forMs)).toEqual(step);
  });
});

describe('how long a Lease has stood', () => {
  const first = sight(undefined, lease(others, '7'), 1_000);

  test('unchanged: since it was first seen', () => {
    expect(sight(first, lease(others, '7'), 5_000).sinceMs).toBe(1_000);
  });

  test('changed in any way: since now, whatever its times say', () => {
    expect(sight(first, lease({ ...others, renewTime: '1999-01-01T00:00:00.000000Z' }, '8'), 5_000).sinceMs).toBe(
      5_000,
    );
  });

  test('deleted: its holder is waited for all the same, and its number is not used again', () => {
    const gone = sight(first, undefined, 5_000);
    expect(candidateStep(gone, 'me', 10_000, 15_999)).toEqual({ kind: 'Wait', holder: 'other', remainingMs: 1 });
    expect(candidateStep(gone, 'me', 10_000, 16_000)).toEqual(acquire(5));
  });
});

test.each([
  [15_000, 10_000, 2_000, undefined],
  [10_000, 10_000, 2_000, 'leaseDuration'],
  [15_000, 10_000, 8_400, 'renewDeadline'],
  [15_000, 10_000, 8_300, undefined],
])('times %d, %d, %d: %s', (leaseDurationMs, renewDeadlineMs, retryPeriodMs, problem) => {
  expect(timingProblem({ leaseDurationMs, renewDeadlineMs, retryPeriodMs })).toBe(problem);
});
