// Who measures a profile, and what is said of it.
import { describe, expect, test } from '@jest/globals';

import { gpuKindKey, type GpuKind } from '../../../api/profiles.ts';
import type { StoredProfile } from '../../resources.ts';
import { conditionOf, measuredStatus, otherKind, storedProfile, testKind, undividedKind } from '../testing.ts';
import { assign, decideProfile, type GpuLoad } from './decide.ts';

function gpu(node: string, changes: Partial<GpuLoad> = {}, kind = testKind): GpuLoad {
  const load = { highTasks: 0, totalE9: 0, ...changes };
  return { node, gpu: 'gpu-0', state: 'Ready', message: 'well', kind: gpuKindKey(kind), ...load };
}

const closed = { reason: 'ForeignSharing', message: 'process 7 works on this GPU too' };

describe('measured by', () => {
  test.each<[what: string, kind: GpuKind, gpus: GpuLoad[], want: string | undefined]>([
    ['a GPU of its kind', testKind, [gpu('n1', {}, otherKind), gpu('n2', {}, undividedKind), gpu('n3')], 'n3'],
    ['none that is not ready', testKind, [gpu('n1', { state: 'NotReady' }), gpu('n2', { state: 'Lost' })], undefined],
    ['the one without High tasks', testKind, [gpu('n1', { highTasks: 2 }), gpu('n2', { totalE9: 9 })], 'n2'],
    ['the least booked', testKind, [gpu('n1', { totalE9: 9 }), gpu('n2', { totalE9: 8 })], 'n2'],
    ['the first by name among equals', testKind, [gpu('n2'), gpu('n1')], 'n1'],
    ['nobody on a GPU that takes nothing new', testKind, [gpu('n1', { closed })], undefined],
    ['one beside High tasks, where there is no other', testKind, [gpu('n1', { highTasks: 3 })], 'n1'],
  ])('%s', (_what, kind, gpus, want) => {
    const { spec } = storedProfile({ kind });
    expect(assign(spec, gpus).node).toBe(want);
    expect(assign(spec, gpus.toReversed()).node).toBe(want);
  });

  test('nobody, where an estimate is given', () => {
    expect(assign(storedProfile({ spec: { estimate: { stageAfet: ['1ms'] } } }).spec, [gpu('n1')])).toEqual({});
  });
});

const onN1 = { node: 'n1', gpu: 'gpu-0' };
const failed = { conditions: [conditionOf('Measured', 'False', 'NotFound', { observedGeneration: 1 })] };

describe('who measures', () => {
  test.each<[what: string, profile: StoredProfile, gpus: GpuLoad[], want: string | undefined]>([
    [
      'stays, even where another is idler now',
      storedProfile({ spec: onN1 }),
      [gpu('n1', { highTasks: 1 }), gpu('n2')],
      'n1',
    ],
    ['stays while it is not ready', storedProfile({ spec: onN1 }), [gpu('n1', { state: 'NotReady' }), gpu('n2')], 'n1'],
    ['is another where it was lost', storedProfile({ spec: onN1 }), [gpu('n1', { state: 'Lost' }), gpu('n2')], 'n2'],
    ['is another where others use its GPU', storedProfile({ spec: onN1 }), [gpu('n1', { closed }), gpu('n2')], 'n2'],
    ['is another where it is gone', storedProfile({ spec: onN1 }), [gpu('n2')], 'n2'],
    [
      'is another where its GPU was divided anew',
      storedProfile({ spec: onN1 }),
      [gpu('n1', {}, undividedKind), gpu('n2')],
      'n2',
    ],
    ['is nobody where all are gone', storedProfile({ spec: onN1 }), [], undefined],
    ['stays where it failed', storedProfile({ spec: onN1, status: failed }), [gpu('n1'), gpu('n2')], 'n1'],
    ['is another where it failed and is lost', storedProfile({ spec: onN1, status: failed }), [gpu('n2')], 'n2'],
    [
      'stays named when all is done and it is gone',
      storedProfile({ spec: onN1, status: measuredStatus() }),
      [gpu('n2')],
      'n1',
    ],
    [
      'is nobody any more once an estimate is given',
      storedProfile({ spec: { ...onN1, estimate: { stageAfet: ['1ms'] } } }),
      [gpu('n1')],
      undefined,
    ],
  ])('%s', (_what, profile, gpus, want) => {
    expect(decideProfile(profile, gpus, undefined).assignment.node).toBe(want);
  });
});

describe('a profile', () => {
  test.each<[what: string, profile: StoredProfile, gpus: GpuLoad[], want: string[]]>([
    [
      'measured',
      storedProfile({ spec: onN1, status: measuredStatus() }),
      [],
      ['Ready=True Measured: AFET 4ms at batch size 1, measured on node n1'],
    ],
    [
      'estimated',
      storedProfile({ spec: { estimate: { stageAfet: ['1ms', '2ms', '500us'] } } }),
      [],
      ['Ready=True Estimated: AFET 3.5ms at batch size 1, by spec.estimate'],
    ],
    [
      'estimated for another number of stages',
      storedProfile({ spec: { estimate: { stageAfet: ['1ms'] } } }),
      [],
      ['Ready=False EstimateMismatch', 'Stalled=True EstimateMismatch'].map(
        (state) => `${state}: spec.estimate has 1 stages, the package has 3; write one duration for each stage`,
      ),
    ],
    [
      'that failed',
      storedProfile({ spec: onN1, status: failed }),
      [gpu('n1')],
      ['Ready=False NotFound: NotFound message', 'Stalled=True NotFound: NotFound message'],
    ],
    [
      'that failed on a node that is lost, and is tried on another',
      storedProfile({ spec: onN1, status: failed }),
      [gpu('n2')],
      ['Ready=False NotFound: NotFound message', 'Reconciling=True NotFound: NotFound message'],
    ],
    [
      'under way',
      storedProfile({ spec: onN1 }),
      [gpu('n1')],
      ['Ready=False Profiling: profiling on node n1', 'Reconciling=True Profiling: profiling on node n1'],
    ],
    [
      'whose node is away',
      storedProfile({ spec: onN1 }),
      [gpu('n1', { state: 'NotReady', message: 'the runtime does not answer' })],
      ['Ready=False NodeNotReady', 'Reconciling=True NodeNotReady'].map(
        (state) => `${state}: node n1 was to measure it, but is not ready: the runtime does not answer`,
      ),
    ],
    [
      'of GPUs that others use',
      storedProfile({ spec: onN1 }),
      [gpu('n1', { closed })],
      ['Ready=False ForeignSharing', 'Reconciling=True ForeignSharing'].map(
        (state) => `${state}: gpu-0 of node n1: process 7 works on this GPU too`,
      ),
    ],
    [
      'without a GPU',
      storedProfile(),
      [],
      ['Ready=False NoGpu', 'Reconciling=True NoGpu'].map(
        (state) => `${state}: no ready node has a GPU of this kind (test, 2 contexts of 1 stream)`,
      ),
    ],
  ])('%s', (_what, profile, gpus, want) => {
    const { conditions, observedGeneration } = decideProfile(profile, gpus, 3).status;
    expect(conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)).toEqual(
      want,
    );
    expect(observedGeneration).toBe(1);
  });

  test('shows which times count, and the AFET', () => {
    const measured = decideProfile(storedProfile({ status: measuredStatus() }), [], 3).status;
    expect(measured).toMatchObject({ source: 'Measured', afetUs: 4_000 });
    expect(decideProfile(storedProfile(), [], 3).status).not.toHaveProperty('source');
  });
});
