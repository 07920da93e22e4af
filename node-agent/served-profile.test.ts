// MRETs in service, as a measured profile shows them.
import { describe, expect, test } from '@jest/globals';
import type { ObservedModel } from './native/gen/runtime.ts';
import { timesOn } from './profile-times.ts';
import type { GpuNodeStatus, StoredProfile } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';
import { servedChange, servedStatement } from './served-profile.ts';
import {
  digest,
  gpu,
  info,
  node,
  observedModel,
  observedState,
  otherDigest,
  storedProfile,
} from './testing/fixtures.ts';

const measured = {
  type: 'Measured',
  status: 'True',
  reason: 'Measured',
  message: '2 stages at batch sizes 1, 4',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
} as const;

const batches = [
  { size: 1, afetUs: 3_000, stageAfetUs: [1_000, 2_000] },
  { size: 4, afetUs: 9_000, stageAfetUs: [3_000, 6_000] },
];
const status = { conditions: [measured], batches, measuredAt: '2026-01-01T00:00:00Z' };

function viewOf(models: ObservedModel[]): RuntimeView {
  const state = observedState({ models });
  return { kind: 'up', info: info(), state, terms: undefined, policy: undefined, applyError: undefined };
}

const served = observedModel({
  batches: [
    { size: 1, stageAfetUs: [1_000, 2_000], stageMretUs: [] },
    { size: 4, stageAfetUs: [3_000, 6_000], stageMretUs: [3_100, 6_400] },
  ],
});

function said(profile: StoredProfile, models = [served]): ReturnType<typeof servedStatement> {
  return servedStatement(profile, { node, view: viewOf(models), now: '' });
}

test('MRETs stand beside the AFETs of their batch size, and all else stays as it was said', () => {
  const [one, four] = batches;
  expect(said(storedProfile({}, status))).toEqual({
    conditions: [measured],
    batches: [one, { ...four, stageMretUs: [3_100, 6_400] }],
    measuredAt: status.measuredAt,
  });
});

test.each<[what: string, profile: StoredProfile, models: ObservedModel[]]>([
  ['a profile that another node measured', storedProfile({ node: 'other' }, status), [served]],
  ['one that is not measured', storedProfile({}, { batches }), [served]],
  ['an estimate', storedProfile({ estimate: { stageAfet: ['1ms', '2ms'] } }, status), [served]],
  ['another model', storedProfile({ digest: otherDigest }, status), [served]],
  ['a model none of whose units has run', storedProfile({}, status), [observedModel()]],
])('nothing is said of %s', (_, profile, models) => {
  expect(said(profile, models)).toBeUndefined();
});

describe('what is worth a write', () => {
  const before = {
    ...status,
    batches: [...batches.slice(0, 1), ...batches.slice(1).map((batch) => ({ ...batch, stageMretUs: [3_100, 6_400] }))],
  };
  const withMret = (stageMretUs: number[]) =>
    observedModel({ batches: [{ size: 4, stageAfetUs: [3_000, 6_000], stageMretUs }] });
  test.each([
    ['the first', status, [3_100, 6_400], 'figures'],
    ['the same', before, [3_100, 6_400], 'none'],
    ['a little more', before, [3_200, 6_600], 'none'],
    ['a tenth and more', before, [3_100, 7_100], 'figures'],
  ] as const)('%s', (_, present, mret, want) => {
    const profile = storedProfile({}, { ...present, conditions: [measured], batches: [...present.batches] });
    const statement = said(profile, [withMret([...mret])]);
    expect(statement && servedChange(profile, statement)).toBe(want);
  });
});

describe('times on the GPUs of a node', () => {
  const contexts = [0, 1].map((index) => ({ index, sms: 1, streams: 1 }));
  const cpu = {
    uuid: gpu,
    product: 'CPU',
    sms: 2,
    memoryBytes: 1,
    engine: 'openvino',
    engineVersion: '2025.3',
    contexts,
  };
  const nodeStatus: GpuNodeStatus = { gpus: [cpu] };
  const ready = storedProfile({}, status);

  test('are those that were measured on their kind', () => {
    expect(timesOn(nodeStatus, [ready], digest)).toBe(batches);
    expect(timesOn(nodeStatus, [ready], otherDigest)).toEqual([]);
    expect(timesOn({ gpus: [{ ...cpu, product: 'other' }] }, [ready], digest)).toEqual([]);
    expect(timesOn(undefined, [ready], digest)).toEqual([]);
  });

  test('are an estimate too, as many times as the batch is large', () => {
    const estimate = storedProfile({ estimate: { stageAfet: ['1ms', '2ms'] } });
    expect(timesOn(nodeStatus, [estimate], digest)).toEqual([
      { size: 1, stageAfetUs: [1_000, 2_000] },
      { size: 4, stageAfetUs: [4_000, 8_000] },
    ]);
  });

  test('are none where the GPUs are of two kinds', () => {
    const two = { gpus: [cpu, { ...cpu, uuid: 'other', product: 'other' }] };
    expect(timesOn(two, [ready], digest)).toEqual([]);
  });
});
