// What placement can make of one task with its model.
import { describe, expect, test } from '@jest/globals';

import { gpuKindKey } from '../../../api/profiles.ts';
import type { StoredModel, StoredTask } from '../../resources.ts';
import {
  conditionOf,
  digestA,
  digestB,
  effective,
  inspectedStatus,
  measuredStatus,
  measurementsOf,
  otherKind,
  placement,
  runningStatus,
  storedModel,
  storedProfile,
  storedTask,
  testKind,
  undividedKind,
} from '../testing.ts';
import type { Assumed, Measurements } from './demands.ts';
import { evaluateTask, type Evaluation } from './evaluate.ts';

const ready = storedModel({ status: inspectedStatus() });
/** Edited to another digest, which nobody has looked at yet. */
const edited = storedModel({ generation: 2, digest: digestB, status: inspectedStatus() });
const refusedModel = storedModel({
  generation: 2,
  digest: digestB,
  status: inspectedStatus({
    conditions: [conditionOf('Inspected', 'False', 'NotFound', { message: 'no such folder', observedGeneration: 2 })],
  }),
});
const running = storedTask({ status: runningStatus() });

interface Case {
  task: StoredTask;
  model: StoredModel | undefined;
  /** Absent: both packages are measured on every GPU. */
  measurements?: Measurements;
  want: object;
}

const measured = [
  storedProfile({ status: measuredStatus() }),
  storedProfile({ digest: digestB, status: measuredStatus([5_000]) }),
];
const everything = measurementsOf(measured);
const goodPackage = storedModel({
  generation: 2,
  digest: digestB,
  status: inspectedStatus({
    package: { digest: digestB, batchSizes: [1] },
    conditions: [conditionOf('Inspected', 'True', 'Inspected', { observedGeneration: 2 })],
  }),
});
const profilingOnN1 = storedProfile({
  spec: { node: 'n1', gpu: 'gpu-0' },
  status: {
    progress: { stage: 2, of: 6 },
    conditions: [conditionOf('Measured', 'Unknown', 'Profiling', { observedGeneration: 1 })],
  },
});
const [here, there, undivided] = [testKind, otherKind, undividedKind].map(gpuKindKey);

const cases: Record<string, Case> = {
  'a ready model': {
    task: storedTask(),
    model: ready,
    want: {
      kind: 'Candidate',
      model: { ready: true, reason: 'Ready', message: 'InferenceModel vision/detector is ready' },
      effective: effective(),
      task: {
        key: 'vision/lane',
        demand: { afetUs: 4_000, longestStageUs: 2_000, utilizationE9: 200_000_000 },
        settled: false,
        suspended: false,
      },
    },
  },
  'another batch size': {
    task: storedTask({ spec: { batchSize: 2 } }),
    model: ready,
    want: { kind: 'Candidate', task: { demand: { afetUs: 8_000, longestStageUs: 4_000, utilizationE9: 400_000_000 } } },
  },
  'a batch size that the package lacks': {
    task: storedTask({ spec: { batchSize: 3 } }),
    model: ready,
    want: { kind: 'BatchNotInPackage', message: 'package detector has no artifacts of batch size 3; it has 1, 2' },
  },
  'no model': {
    task: storedTask(),
    model: undefined,
    want: { kind: 'Waiting', model: { ready: false, reason: 'ModelNotFound' }, suspended: false },
  },
  'a model that nobody has looked at': {
    task: storedTask(),
    model: storedModel(),
    want: {
      kind: 'Waiting',
      model: {
        reason: 'ModelNotReady',
        message: 'InferenceModel vision/detector is not ready: NoInspector: no node inspects the package yet',
      },
    },
  },
  'a spec that cannot be read': {
    task: storedTask({ spec: { period: 'soon' } }),
    model: ready,
    want: { kind: 'Invalid', message: 'spec.period: "soon" is not a duration; write one with a unit, like 33ms' },
  },
  'nothing at all in it': {
    task: { ...storedTask(), spec: undefined } as unknown as StoredTask,
    model: ready,
    want: { kind: 'Invalid' },
  },
  'running as its spec says': {
    task: running,
    model: ready,
    want: {
      kind: 'Candidate',
      task: { settled: true, present: { node: 'n1', gpu: 'gpu-0', context: 1 } },
    },
  },
  'running, measured anew: what was booked stays booked': {
    task: storedTask({ status: runningStatus({ placement: placement({ bookedUtilization: '0.123456789' }) }) }),
    model: ready,
    want: { kind: 'Candidate', task: { settled: true, demand: { afetUs: 4_000, utilizationE9: 123_456_789 } } },
  },
  'running, its spec edited': {
    task: storedTask({ generation: 2, spec: { period: '40ms' }, status: runningStatus() }),
    model: ready,
    want: {
      kind: 'Candidate',
      effective: effective({ generation: 2, periodUs: 40_000, deadlineUs: 40_000, releaseJitterUs: 20_000 }),
      task: { settled: false, present: { context: 1 }, demand: { utilizationE9: 100_000_000 } },
    },
  },
  'running, its model edited and not looked at yet': {
    task: running,
    model: edited,
    want: {
      kind: 'Candidate',
      model: { ready: true, reason: 'PreviousPackage' },
      effective: { model: { digest: digestA } },
      task: { settled: true, demand: { longestStageUs: 2_000 } },
    },
  },
  'running, its model edited to a bad package': {
    task: running,
    model: refusedModel,
    want: {
      kind: 'Candidate',
      model: {
        reason: 'PreviousPackage',
        message: `runs on with package ${digestA}; InferenceModel vision/detector is not ready: NotFound: no such folder`,
      },
      task: { settled: true },
    },
  },
  'running, its model edited to a good package': {
    task: running,
    model: goodPackage,
    want: {
      kind: 'Candidate',
      effective: { model: { digest: digestB } },
      task: { settled: false, demand: { afetUs: 5_000 }, present: { context: 1 } },
    },
  },
  'running, its model deleted': {
    task: running,
    model: undefined,
    want: {
      kind: 'Candidate',
      model: { ready: false, reason: 'ModelNotFound' },
      effective: { model: { digest: digestA } },
      task: { settled: true, demand: { afetUs: 4_000, longestStageUs: 2_000, utilizationE9: 200_000_000 } },
    },
  },
  'running, its model and its profile deleted': {
    task: running,
    model: undefined,
    measurements: measurementsOf([]),
    want: {
      kind: 'Candidate',
      effective: { model: { digest: digestA } },
      // As its stages are not known any more, all that was booked counts as one.
      task: { settled: true, demand: { afetUs: 4_000, longestStageUs: 4_000, utilizationE9: 200_000_000 } },
    },
  },
  'running without a package, its period edited': {
    task: storedTask({ generation: 2, spec: { period: '10ms' }, status: runningStatus() }),
    model: undefined,
    want: { kind: 'Candidate', effective: { periodUs: 10_000 }, task: { demand: { utilizationE9: 400_000_000 } } },
  },
  'running without a package, its batch size edited: the old terms': {
    task: storedTask({ generation: 2, spec: { batchSize: 2 }, status: runningStatus() }),
    model: undefined,
    measurements: measurementsOf([]),
    want: { kind: 'Candidate', effective: { generation: 1, batchSize: 1 } },
  },
  'running, what was booked cannot be read': {
    task: storedTask({ status: runningStatus({ placement: placement({ bookedUtilization: 'much' }) }) }),
    model: ready,
    want: { kind: 'Candidate', task: { settled: false, demand: { utilizationE9: 200_000_000 } } },
  },
  'suspended, its model gone: nothing runs on': {
    task: storedTask({ spec: { suspend: true }, status: runningStatus() }),
    model: undefined,
    want: { kind: 'Waiting', suspended: true },
  },
  'no profile yet: what is to be profiled': {
    task: storedTask(),
    model: ready,
    measurements: measurementsOf([]),
    want: {
      kind: 'Candidate',
      task: { demands: new Map(), unmeasured: new Map() },
      profiled: { digest: digestA, uri: 'file:///detector', batchSizes: [1, 2] },
    },
  },
  'a profile under way': {
    task: storedTask(),
    model: ready,
    measurements: measurementsOf([profilingOnN1]),
    want: {
      task: {
        demands: new Map(),
        unmeasured: new Map([[here, { reason: 'Profiling', message: 'profiling on node n1: 2 of 6 stages' }]]),
      },
    },
  },
  'a profile that failed': {
    task: storedTask(),
    model: ready,
    measurements: measurementsOf([
      storedProfile({
        status: { conditions: [conditionOf('Measured', 'False', 'NotFound', { observedGeneration: 1 })] },
      }),
    ]),
    want: {
      task: {
        unmeasured: new Map([
          [here, { reason: 'ProfileFailed', message: 'its profile failed: NotFound: NotFound message' }],
        ]),
      },
    },
  },
  'an estimate on another kind of GPU': {
    task: storedTask(),
    model: ready,
    measurements: measurementsOf([
      ...measured,
      storedProfile({ kind: otherKind, spec: { estimate: { stageAfet: ['3ms', '3ms'] } } }),
    ]),
    want: { task: { demand: { afetUs: 4_000 }, demands: { size: 2 } } },
  },
  'running, its new package not measured yet: the old one': {
    task: running,
    model: goodPackage,
    measurements: measurementsOf([storedProfile({ status: measuredStatus() })]),
    want: {
      kind: 'Candidate',
      model: { ready: true, reason: 'PreviousPackage', message: expect.stringContaining('not measured yet') },
      effective: { model: { digest: digestA } },
      task: { settled: true },
      profiled: { digest: digestB, batchSizes: [1] },
    },
  },
  'running, its batch size edited and not measured yet: the old terms': {
    task: storedTask({ generation: 2, spec: { batchSize: 2 }, status: runningStatus() }),
    model: ready,
    measurements: measurementsOf([storedProfile({ spec: { batchSizes: [1] }, status: measuredStatus() })]),
    want: { kind: 'Candidate', model: { reason: 'Profiling' }, effective: { generation: 1, batchSize: 1 } },
  },
  'running on a GPU that was divided anew: by what was measured before': {
    task: storedTask({ generation: 2, spec: { period: '40ms' }, status: runningStatus() }),
    model: ready,
    measurements: measurementsOf(measured, undividedKind, [otherKind]),
    want: {
      effective: { generation: 2 },
      task: { settled: false, demand: { afetUs: 4_000, longestStageUs: 2_000, utilizationE9: 100_000_000 } },
    },
  },
};

describe('a task with', () => {
  test.each(Object.entries(cases))('%s', (_name, { task, model, measurements = everything, want }) => {
    expect(evaluateTask(task, model, undefined, measurements)).toMatchObject(want);
  });

  test('no times of another product is nobody to stand in for it', () => {
    const found = evaluateTask(running, ready, undefined, measurementsOf(measured, undividedKind, [otherKind]));
    const kinds = found.kind === 'Candidate' ? [...(found.task.demands?.keys() ?? [])] : [];
    expect(new Set(kinds)).toEqual(new Set([here, undivided]));
    expect(found.kind === 'Candidate' && found.task.standIns).toEqual(new Set([undivided]));
    expect(kinds).not.toContain(there);
  });

  test.each<[what: string, spec: { memory?: string }, digest: string, want: object]>([
    ['measured by its inspector', {}, digestA, { memoryBytes: 7_000, engines: ['torch'] }],
    ['as spec says', { memory: '3Mi' }, digestA, { memoryBytes: 3_145_728, engines: ['torch'] }],
    ['not known of the package that it runs on with', { memory: '3Mi' }, digestB, {}],
  ])('memory and engines %s', (_what, spec, wanted, want) => {
    const inspected = { digest: wanted, batchSizes: [1], memoryBytes: 7_000, engines: ['torch'] };
    const model = storedModel({ digest: wanted, status: inspectedStatus({ package: inspected }) });
    const onlyA = measurementsOf([storedProfile({ status: measuredStatus() })]);
    const found = evaluateTask(running, { ...model, spec: { ...model.spec, ...spec } }, undefined, onlyA);
    expect(found.kind === 'Candidate' && found.task.package).toEqual({ digest: digestA, ...want });
  });

  test('an estimate that does not fit the package says so', () => {
    const model = storedModel({
      status: inspectedStatus({ package: { ...inspectedStatus().package, digest: digestA, stageCount: 3 } }),
    });
    const estimate = storedProfile({ spec: { estimate: { stageAfet: ['1ms'] } } });
    const found = evaluateTask(storedTask(), model, undefined, measurementsOf([estimate]));
    expect(found).toMatchObject({
      task: {
        unmeasured: new Map([
          [here, { reason: 'ProfileFailed', message: expect.stringContaining('the package has 3') }],
        ]),
      },
    });
  });

  const stagesAt = (task: StoredTask, kind: string | undefined, from: Measurements): unknown => {
    const found = evaluateTask(task, ready, undefined, from);
    return found.kind === 'Candidate' && found.task.demands?.get(kind ?? '')?.stageAfetUs;
  };

  test('the stages of a profile is placed by them', () => {
    expect(stagesAt(storedTask(), here, everything)).toEqual([1_000, 2_000, 1_000]);
    expect(stagesAt(storedTask({ spec: { batchSize: 2 } }), here, everything)).toEqual([2_000, 4_000, 2_000]);
  });

  test('times that only stand in for others has none of its stages', () => {
    const booked = measurementsOf([], undividedKind);
    expect(stagesAt(running, undivided, booked)).toBeUndefined();
    expect(stagesAt(running, undivided, measurementsOf(measured, undividedKind))).toBeUndefined();
  });

  test('a place keeps the AFETs by which that was booked', () => {
    const demandOf = (stageAfetUs?: number[]): unknown => {
      const at = placement(stageAfetUs === undefined ? {} : { stageAfetUs });
      const found = evaluateTask(
        storedTask({ status: runningStatus({ placement: at }) }),
        ready,
        undefined,
        everything,
      );
      return found.kind === 'Candidate' && found.task.settled && found.task.demand.stageAfetUs;
    };
    expect(demandOf([500, 600, 700])).toEqual([500, 600, 700]);
    expect(demandOf()).toEqual([1_000, 2_000, 1_000]);
  });

  test('a place that was decided and not written yet stands where its status says nothing', () => {
    const assumed: Assumed = {
      place: { node: 'n2', gpu: 'gpu-1', context: 0 },
      effective: effective(),
      utilizationE9: 200_000_000,
    };
    const found: Evaluation = evaluateTask(storedTask(), ready, assumed, everything);
    expect(found).toMatchObject({ kind: 'Candidate', task: { settled: true, present: assumed.place } });
  });
});
