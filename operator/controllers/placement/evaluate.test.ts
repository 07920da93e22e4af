// What placement can make of one task with its model.
import { describe, expect, test } from '@jest/globals';

import type { StoredModel, StoredTask } from '../../resources.ts';
import {
  conditionOf,
  digestA,
  digestB,
  effective,
  inspectedStatus,
  placement,
  runningStatus,
  storedModel,
  storedTask,
} from '../testing.ts';
import { evaluateTask, type Assumed, type Evaluation } from './evaluate.ts';

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
  want: object;
}

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
    model: storedModel({
      generation: 2,
      digest: digestB,
      status: inspectedStatus({
        package: { digest: digestB, batches: [{ size: 1, stageAfetUs: [5_000] }] },
        conditions: [conditionOf('Inspected', 'True', 'Inspected', { observedGeneration: 2 })],
      }),
    }),
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
};

describe('a task with', () => {
  test.each(Object.entries(cases))('%s', (_name, { task, model, want }) => {
    expect(evaluateTask(task, model, undefined)).toMatchObject(want);
  });

  test('a place that was decided and not written yet stands where its status says nothing', () => {
    const assumed: Assumed = {
      place: { node: 'n2', gpu: 'gpu-1', context: 0 },
      effective: effective(),
      utilizationE9: 200_000_000,
    };
    const found: Evaluation = evaluateTask(storedTask(), ready, assumed);
    expect(found).toMatchObject({ kind: 'Candidate', task: { settled: true, present: assumed.place } });
  });
});
