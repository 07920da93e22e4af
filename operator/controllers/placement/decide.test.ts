// The operator's share of a status: placement, epoch, endpoint and conditions.
import { describe, expect, test } from '@jest/globals';

import type { Verdict } from '../../placement/cycle.ts';
import { conditionOf, digestB, effective, nodeView, placement, runningStatus, storedTask } from '../testing.ts';
import { decideTask, type DecisionInput, type TaskDecision } from './decide.ts';
import type { Evaluation, ModelReadiness } from './evaluate.ts';
import { gpuClassOf } from '../../placement/tolerations.ts';

const modelReady: ModelReadiness = { ready: true, reason: 'Ready', message: 'it is ready' };

function candidate(terms = effective(), model = modelReady): Evaluation {
  const task = {
    namespace: 'vision',
    key: 'vision/lane',
    priority: terms.priority,
    periodUs: terms.periodUs,
    deadlineUs: terms.deadlineUs,
    demand: { afetUs: 4_000, longestStageUs: 2_000, utilizationE9: 200_000_000 },
    nodeSelector: {},
    tolerations: [],
    gpuClass: gpuClassOf({ nodeSelector: {}, tolerations: [], namespace: 'vision' }),
    suspended: false,
    settled: false,
  };
  return { kind: 'Candidate', model, effective: terms, task };
}

const at = (context: number, node = 'n1'): Verdict => ({
  kind: 'Placed',
  place: { node, gpu: 'gpu-0', context },
  gpuProduct: 'test',
  utilizationE9: 200_000_000,
});

function decide(changes: Partial<DecisionInput>): TaskDecision {
  return decideTask({
    task: storedTask(),
    evaluation: candidate(),
    verdict: at(1),
    node: nodeView('n1'),
    endpoint: {},
    leaderTransitions: 0,
    ...changes,
  });
}

/** `Ready=True Serving: message`, one line a condition. */
function lines({ conditions }: TaskDecision): string[] {
  return conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);
}

const serving = runningStatus({
  runtime: { epoch: 3 },
  conditions: [conditionOf('Serving', 'True', 'Serving', { observedGeneration: 1 })],
});

const conditions: Record<string, { input: Partial<DecisionInput>; want: string[] }> = {
  'placed, not reported on yet': {
    input: {},
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=False Starting: node n1 has not reported on epoch 1 yet',
      'Reconciling=True Starting: node n1 has not reported on epoch 1 yet',
    ],
  },
  served: {
    input: { task: storedTask({ status: serving }) },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=True Serving: served by node n1',
    ],
  },
  'served under an older epoch': {
    input: { task: storedTask({ status: { ...serving, runtime: { epoch: 2 } } }) },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=False Starting: node n1 has not reported on epoch 3 yet',
      'Reconciling=True Starting: node n1 has not reported on epoch 3 yet',
    ],
  },
  'served by older terms': {
    input: {
      task: storedTask({ generation: 2, status: serving }),
      evaluation: candidate(effective({ generation: 2, periodUs: 30_000 })),
    },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=False Starting: node n1 has not reported on epoch 3 yet',
      'Reconciling=True Starting: node n1 has not reported on epoch 3 yet',
    ],
  },
  'refused by the runtime': {
    input: {
      task: storedTask({
        status: {
          ...serving,
          conditions: [
            conditionOf('Serving', 'False', 'Overcommitted', { message: 'no stream is free', observedGeneration: 1 }),
          ],
        },
      }),
    },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=False Overcommitted: node n1: no stream is free',
      'Reconciling=True Overcommitted: node n1: no stream is free',
    ],
  },
  'on a node that is lost': {
    input: { task: storedTask({ status: serving }), node: nodeView('n1', 'Lost', 'silent for 10 s') },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=Unknown NodeLost: Serving is Unknown (NodeLost): node n1: silent for 10 s',
      'Reconciling=True NodeLost: Serving is Unknown (NodeLost): node n1: silent for 10 s',
    ],
  },
  'served with a model that was deleted': {
    input: {
      task: storedTask({ status: serving }),
      evaluation: candidate(effective(), { ready: false, reason: 'ModelNotFound', message: 'gone' }),
    },
    want: [
      'ModelReady=False ModelNotFound: gone',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=False ModelNotFound: gone',
      'Reconciling=True ModelNotFound: gone',
    ],
  },
  'refused for now': {
    input: { verdict: { kind: 'Refused', never: false, reason: 'HighPriorityLimit', message: 'full' } },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=False HighPriorityLimit: full',
      'Ready=False HighPriorityLimit: full',
      'Reconciling=True HighPriorityLimit: full',
    ],
  },
  'waiting for a profile': {
    input: { verdict: { kind: 'Refused', never: false, reason: 'Profiling', message: 'profiling on node n1' } },
    want: [
      'ModelReady=False Profiling: profiling on node n1',
      'Placed=False Profiling: profiling on node n1',
      'Ready=False Profiling: profiling on node n1',
      'Reconciling=True Profiling: profiling on node n1',
    ],
  },
  'without hope for a profile': {
    input: { verdict: { kind: 'Refused', never: false, reason: 'ProfileFailed', message: 'no such folder' } },
    want: [
      'ModelReady=False ProfileFailed: no such folder',
      'Placed=False ProfileFailed: no such folder',
      'Ready=False ProfileFailed: no such folder',
      'Stalled=True ProfileFailed: no such folder',
    ],
  },
  'refused for ever': {
    input: { verdict: { kind: 'Refused', never: true, reason: 'NeverFits', message: 'too slow' } },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=False NeverFits: too slow',
      'Ready=False NeverFits: too slow',
      'Stalled=True NeverFits: too slow',
    ],
  },
  suspended: {
    input: { verdict: { kind: 'Suspended', fits: true, message: 'would fit' } },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=False Suspended: would fit',
      'Ready=True Suspended: suspended by spec.suspend; it runs nowhere',
    ],
  },
  'suspended without a model': {
    input: {
      evaluation: {
        kind: 'Waiting',
        suspended: true,
        model: { ready: false, reason: 'ModelNotFound', message: 'none' },
      },
      verdict: undefined,
    },
    want: [
      'ModelReady=False ModelNotFound: none',
      'Placed=False Suspended: would not fit: none',
      'Ready=True Suspended: suspended by spec.suspend; it runs nowhere',
    ],
  },
  'without a model': {
    input: {
      evaluation: {
        kind: 'Waiting',
        suspended: false,
        model: { ready: false, reason: 'ModelNotFound', message: 'none' },
      },
      verdict: undefined,
    },
    want: [
      'ModelReady=False ModelNotFound: none',
      'Placed=False ModelNotFound: none',
      'Ready=False ModelNotFound: none',
      'Reconciling=True ModelNotFound: none',
    ],
  },
  'of a batch size that is not there': {
    input: {
      evaluation: { kind: 'BatchNotInPackage', suspended: false, model: modelReady, message: 'it has 1' },
      verdict: undefined,
    },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=False BatchNotInPackage: it has 1',
      'Ready=False BatchNotInPackage: it has 1',
      'Stalled=True BatchNotInPackage: it has 1',
    ],
  },
  unreadable: {
    input: { evaluation: { kind: 'Invalid', message: 'spec.period' }, verdict: undefined },
    want: [
      'Placed=False InvalidSpec: spec.period',
      'Ready=False InvalidSpec: spec.period',
      'Stalled=True InvalidSpec: spec.period',
    ],
  },
  'served, its Service name taken': {
    input: { task: storedTask({ status: serving }), endpoint: { conflict: 'Service vision/lane exists' } },
    want: [
      'ModelReady=True Ready: it is ready',
      'Placed=True Placed: context 1 of gpu-0 of node n1, utilization 0.2',
      'Ready=True Serving: served by node n1',
      'EndpointConflict=True ServiceExists: Service vision/lane exists',
    ],
  },
};

describe('conditions of a task that is', () => {
  test.each(Object.entries(conditions))('%s', (_name, { input, want }) => {
    expect(lines(decide(input))).toEqual(want);
  });

  test('all carry the generation that they speak of', () => {
    const { conditions: found, observedGeneration } = decide({ task: storedTask({ generation: 4 }) });
    expect(observedGeneration).toBe(4);
    expect(found.map((condition) => condition.observedGeneration)).toEqual(found.map(() => 4));
  });
});

const epochs: Record<string, { input: Partial<DecisionInput>; want: number | undefined }> = {
  'first placement': { input: {}, want: 1 },
  'same place': { input: { task: storedTask({ status: runningStatus() }) }, want: 3 },
  'new terms at the same place': {
    input: {
      task: storedTask({ generation: 2, status: runningStatus() }),
      evaluation: candidate(effective({ generation: 2, periodUs: 40_000 })),
    },
    want: 3,
  },
  'another context': { input: { task: storedTask({ status: runningStatus() }), verdict: at(0) }, want: 4 },
  'another node': { input: { task: storedTask({ status: runningStatus() }), verdict: at(1, 'n2') }, want: 4 },
  'another package': {
    input: {
      task: storedTask({ status: runningStatus() }),
      evaluation: candidate(effective({ model: { uri: 'file:///detector', digest: digestB } })),
    },
    want: 4,
  },
  'after it was placed nowhere: later than what ran last': {
    input: { task: storedTask({ status: { effective: effective(), runtime: { epoch: 5 } } }) },
    want: 6,
  },
  refused: {
    input: {
      task: storedTask({ status: runningStatus() }),
      verdict: { kind: 'Refused', never: false, reason: 'NoNode', message: '' },
    },
    want: undefined,
  },
};

test.each(Object.entries(epochs))('epoch: %s', (_name, { input, want }) => {
  expect(decide(input).placement?.epoch).toBe(want);
});

test('a new placement carries the terms of its booking', () => {
  const verdict: Verdict = {
    kind: 'Placed',
    place: { node: 'n2', gpu: 'gpu-1', context: 0 },
    gpuProduct: 'H200',
    utilizationE9: 123_456_789,
  };
  expect(decide({ verdict, leaderTransitions: 7 }).placement).toEqual(
    placement({
      node: 'n2',
      gpu: 'gpu-1',
      context: 0,
      gpuProduct: 'H200',
      epoch: 1,
      bookedUtilization: '0.123456789',
      leaderTransitions: 7,
    }),
  );
});

describe('AFETs of a placement', () => {
  const running = (stageAfetUs?: number[]) =>
    storedTask({ status: runningStatus({ placement: placement(stageAfetUs === undefined ? {} : { stageAfetUs }) }) });
  const verdict = (context: number, stageAfetUs?: number[]): Verdict => {
    return { ...at(context), ...(stageAfetUs === undefined ? {} : { stageAfetUs }) };
  };
  const known = [1_000, 3_000];
  const batch2 = candidate(effective({ batchSize: 2 }));
  const packageB = candidate(effective({ model: { uri: 'file:///detector', digest: digestB } }));
  test.each<[what: string, input: Partial<DecisionInput>, want: number[] | undefined]>([
    ['are those of its booking', { verdict: verdict(1, known) }, known],
    ['are none where nothing was measured', { verdict: verdict(1) }, undefined],
    ['are the known ones where it stays', { task: running([1, 2]), verdict: verdict(1, known) }, known],
    ['are the former ones where it stays and none are known', { task: running(known), verdict: verdict(1) }, known],
    ['are none where it moves and none are known', { task: running(known), verdict: verdict(0) }, undefined],
    [
      'are not those of another batch size',
      { task: running(known), verdict: verdict(1), evaluation: batch2 },
      undefined,
    ],
    [
      'are not those of another package',
      { task: running(known), verdict: verdict(1), evaluation: packageB },
      undefined,
    ],
  ])('%s', (_what, input, want) => expect(decide(input).placement?.stageAfetUs).toEqual(want));
});

const endpoints: Record<string, { input: Partial<DecisionInput>; want: object }> = {
  placed: { input: {}, want: { model: 'lane.vision', address: '10.1.2.3:8001' } },
  'placed, with a Service': {
    input: { endpoint: { service: 'lane.vision.svc:8001' } },
    want: { model: 'lane.vision', address: '10.1.2.3:8001', service: 'lane.vision.svc:8001' },
  },
  'placed on a node without address': {
    input: { node: { ...nodeView('n1'), addressOf: () => undefined } },
    want: { model: 'lane.vision' },
  },
  'suspended: the Service stays': {
    input: {
      verdict: { kind: 'Suspended', fits: true, message: '' },
      endpoint: { service: 'lane.vision.svc:8001' },
    },
    want: { model: 'lane.vision', service: 'lane.vision.svc:8001' },
  },
};

test.each(Object.entries(endpoints))('endpoint: %s', (_name, { input, want }) => {
  expect(decide(input).endpoint).toEqual(want);
});

describe('a booking as one of several that go together', () => {
  const together: Verdict = { ...at(1), utilizationE9: 50_000_000, capacity: 16 } as Verdict;
  const task = storedTask({ status: runningStatus({ placement: placement({ capacity: 8 }) }) });

  test('stands in the placement and in words', () => {
    const decision = decide({ task, verdict: together });
    expect(decision.placement).toMatchObject({ capacity: 16, bookedUtilization: '0.05', epoch: 3 });
    expect(lines(decision).find((line) => line.startsWith('Placed='))).toBe(
      'Placed=True Placed: context 1 of gpu-0 of node n1, 5 % of a stream as one of 16 that go together',
    );
  });

  test('is forgotten where each goes alone', () => {
    expect(decide({ task, verdict: at(1) }).placement).not.toHaveProperty('capacity');
  });
});
