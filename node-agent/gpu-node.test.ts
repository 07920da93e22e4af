import { describe, expect, test } from '@jest/globals';
import { withTransitionTimes } from '../api/conditions.ts';
import type { ObservedGpu } from './native/gen/runtime.ts';
import { mergeInfo, mergeStates } from './native/node-state.ts';
import { advertised, gpuNodeChange, type GpuNodeInput, gpuNodeStatement } from './gpu-node.ts';
import type { Ruling } from './policy-in-force.ts';
import type { StoredGpuNode } from './resources.ts';
import type { RuntimeUp, RuntimeView } from './runtime-view.ts';
import { gpu, info, node, observedState, policy } from './testing/fixtures.ts';

const up: RuntimeUp = {
  kind: 'up',
  info: info(),
  state: observedState(),
  terms: new Map(),
  policy,
  applyError: undefined,
};
const byDefault: Ruling = { terms: policy, wanted: { name: 'default' }, flaw: undefined };
const down: RuntimeView = { kind: 'down', message: 'connection refused' };

function statement(input: Partial<GpuNodeInput>): NonNullable<ReturnType<typeof gpuNodeStatement>> {
  const said = gpuNodeStatement({
    present: undefined,
    view: up,
    ruling: byDefault,
    advertiseAddress: undefined,
    nowMs: 0,
    ...input,
  });
  if (said === undefined) throw new Error('nothing was said');
  return said;
}

function object(said: ReturnType<typeof statement>): StoredGpuNode {
  const conditions = withTransitionTimes(said.conditions, undefined, 0);
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'GpuNode',
    metadata: { name: node, uid: 'n', resourceVersion: '1' },
    status: { ...said, conditions },
  };
}

const ready = statement({});

test('a runtime with its policy in force is Ready, with its GPUs and contexts', () => {
  expect(ready).toEqual({
    observedPolicy: { name: 'default' },
    appliedPolicy: {
      name: 'default',
      contexts: 2,
      streamsPerContext: 1,
      oversubscription: '1',
      mretWindow: 5,
      mretAging: true,
      joining: 'Off',
      highPriorityAdmission: false,
      onPartition: 'Serve',
    },
    admission: 'Predicted',
    highPriorityUtilizationLimit: '0.75',
    address: '127.0.0.1:43121',
    runtimeVersion: '0.1.0',
    gpus: [
      {
        uuid: gpu,
        product: 'CPU',
        sms: 2,
        memoryBytes: 1_000_000_000,
        engine: 'openvino',
        engineVersion: '2025.3',
        contexts: [0, 1].map((index) => ({
          index,
          sms: 1,
          wantedSms: 1,
          streams: 1,
          highUtilization: '0',
          lowUtilization: '0.125',
          activeUtilization: '0',
        })),
      },
    ],
    conditions: [
      { type: 'Ready', status: 'True', reason: 'Serving', message: 'the runtime answers and takes tasks' },
      { type: 'PolicyApplied', status: 'True', reason: 'Applied', message: 'policy default is in force' },
    ],
  });
});

test('an engine that computes nothing is said aloud', () => {
  const simulated = { ...up.info, gpus: up.info.gpus.map((each) => ({ ...each, engine: 'sim' })) };
  expect(statement({ view: { ...up, info: simulated } }).conditions[0]).toMatchObject({
    status: 'True',
    message: 'the runtime answers and takes tasks; its engine sim computes nothing',
  });
});

describe('a partitioning that only trying proves impossible', () => {
  const undivided = observedState({
    gpus: [{ uuid: gpu, contexts: [], partitionFault: 'this machine has no MPS', xids: 0 }],
  });
  const view = { ...up, state: undivided };

  test('of the policy of the node itself is a node that is not Ready, in the words of the engine', () => {
    expect(statement({ view, present: object(ready).status })).toMatchObject({
      gpus: ready.gpus,
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'PartitionFailed',
          message: 'policy default cannot be had here: this machine has no MPS',
        },
        { type: 'PolicyApplied', status: 'True' },
      ],
    });
  });

  test('of another policy is not spoken of until the former one is in force again', () => {
    const flaw = { reason: 'PartitionFailed', message: 'this machine has no MPS' };
    const ruling: Ruling = { terms: policy, wanted: { name: 'edge' }, flaw };
    expect(
      gpuNodeStatement({ present: undefined, view, ruling, advertiseAddress: undefined, nowMs: 0 }),
    ).toBeUndefined();
    expect(statement({ ruling }).conditions).toMatchObject([{ status: 'True' }, { reason: 'PartitionFailed' }]);
  });
});

test('what eq. 9 asks for stands beside what the hardware granted', () => {
  const granted = observedState();
  for (const context of granted.gpus[0]?.contexts ?? []) [context.sms, context.wantedSms] = [40, 34];
  const said = statement({ view: { ...up, state: granted } });
  expect(said.gpus?.[0]?.contexts).toMatchObject([
    { sms: 40, wantedSms: 34 },
    { sms: 40, wantedSms: 34 },
  ]);
});

describe('a node of two GPUs', () => {
  const nodeGpus = ['GPU-a', 'GPU-b'];
  const parts = nodeGpus.map((uuid, at) => {
    const gpus = info().gpus.map((each) => ({ ...each, uuid }));
    const inferenceAddress = `[::]:${8001 + at}`;
    const divided = observedState().gpus.map((each) => ({ ...each, uuid }));
    return { info: info({ nodeGpus, gpus, inferenceAddress }), state: observedState({ gpus: divided }) };
  });
  const whole = (of: typeof parts): RuntimeUp => ({
    ...up,
    info: mergeInfo(of, () => 'it was killed'),
    state: mergeStates(of),
  });
  const both = statement({ view: whole(parts), advertiseAddress: '10.1.2.3' });
  const one = statement({
    view: whole(parts.slice(1)),
    present: object(both).status,
    advertiseAddress: '10.1.2.3',
    nowMs: 9_000,
  });

  test('tells of both, each at the address of its runtime', () => {
    expect(both.gpus).toMatchObject([
      { uuid: 'GPU-a', address: '10.1.2.3:8001' },
      { uuid: 'GPU-b', address: '10.1.2.3:8002' },
    ]);
    expect(both.address).toBe('10.1.2.3:8001');
    expect(both.gpus?.every(({ conditions }) => conditions === undefined)).toBe(true);
  });

  test('keeps the one whose runtime is away as it was, but takes nothing new for it', () => {
    const message = 'the runtime of this GPU does not answer: it was killed';
    const [away, there] = one.gpus ?? [];
    expect(away).toEqual({
      ...both.gpus?.[0],
      conditions: [
        {
          type: 'Healthy',
          status: 'False',
          reason: 'RuntimeUnavailable',
          message,
          lastTransitionTime: '1970-01-01T00:00:09Z',
        },
      ],
    });
    expect(there).toEqual(both.gpus?.[1]);
    expect(one.conditions).toMatchObject([
      { type: 'Ready', status: 'True', message: expect.stringContaining('the runtime of GPU-a does not answer') },
      { type: 'PolicyApplied', status: 'True' },
    ]);
    expect(gpuNodeChange(object(both), one)).toBe('transition');
  });

  test('says that it is sound again once it is back', () => {
    const back = statement({ view: whole(parts), present: object(one).status, advertiseAddress: '10.1.2.3' });
    expect(back).toEqual(both);
    expect(gpuNodeChange(object(one), back)).toBe('transition');
  });

  test('no longer tells of a GPU that has no runtime any more', () => {
    const alone = parts.slice(1).map((each) => ({ ...each, info: { ...each.info, nodeGpus: [] } }));
    const said = statement({ view: whole(alone), present: object(both).status });
    expect(said.gpus?.map(({ uuid }) => uuid)).toEqual(['GPU-b']);
  });
});

describe('nothing is said, so what status says stays, while', () => {
  const rows: Record<string, Partial<RuntimeUp> | { kind: 'connecting' }> = {
    'the first connection is being made': { kind: 'connecting' },
    'the first state is on its way': { state: undefined, terms: undefined },
    'our Apply is on its way': { terms: undefined, policy: undefined },
    'contexts are being made': { state: observedState({ gpus: [] }) },
  };
  test.each(Object.entries(rows))('%s', (_, values) => {
    const input = { present: undefined, ruling: byDefault, advertiseAddress: undefined, nowMs: 0 };
    expect(
      gpuNodeStatement({
        ...input,
        view: values.kind === 'connecting' ? { kind: 'connecting' } : { ...up, ...values },
      }),
    ).toBeUndefined();
  });
});

test('a runtime that is away is not Ready; its GPUs stay, since placements rest on them', () => {
  const said = statement({ view: down, present: object(ready).status });
  expect(said).toMatchObject({
    gpus: ready.gpus,
    address: ready.address,
    conditions: [
      { status: 'False', reason: 'RuntimeUnavailable', message: expect.stringContaining('refused') },
      { type: 'PolicyApplied', status: 'True' },
    ],
  });
  expect(statement({ view: down })).not.toHaveProperty('gpus');
});

test('a runtime that takes no desired state is not Ready, in its words', () => {
  const view = { ...up, terms: undefined, policy: undefined, applyError: 'contexts: 9 exceed 2 cores' };
  expect(statement({ view }).conditions).toMatchObject([
    { status: 'False', reason: 'ApplyFailed', message: expect.stringContaining('9 exceed 2') },
  ]);
});

test.each([
  ['unchanged without a host to show', '127.0.0.1:80', undefined, '127.0.0.1:80'],
  ['the host is replaced', '0.0.0.0:43121', 'node-1.example', 'node-1.example:43121'],
  ['an IPv6 host gets brackets', '[::]:43121', '2001:db8::1', '[2001:db8::1]:43121'],
  ['an IPv6 host keeps its brackets', '[::]:43121', '[2001:db8::1]', '[2001:db8::1]:43121'],
  ['no port, no address', 'nonsense', 'node-1.example', ''],
])('address: %s', (_, address, host, expected) => {
  expect(advertised(address, host)).toBe(expected);
});

describe('a policy', () => {
  const wanted = { name: 'edge', generation: 3 };
  const edge = { ...policy, ...wanted, contexts: 1, streamsPerContext: 2 };

  test('on its way is not spoken of: what was said stays', () => {
    const ruling: Ruling = { terms: edge, wanted, flaw: undefined };
    expect(statement({ ruling, present: object(ready).status })).toEqual(ready);
  });

  test('in force is told with its terms', () => {
    const said = statement({ ruling: { terms: edge, wanted, flaw: undefined }, view: { ...up, policy: edge } });
    expect(said).toMatchObject({
      observedPolicy: wanted,
      appliedPolicy: { ...wanted, contexts: 1, streamsPerContext: 2 },
      conditions: [{}, { status: 'True', reason: 'Applied', message: 'policy edge, generation 3, is in force' }],
    });
  });

  test('that the hardware cannot carry is refused in words, and the former one stays in force', () => {
    const flaw = { reason: 'TooManyContexts', message: 'it is too much' };
    const said = statement({ ruling: { terms: policy, wanted, flaw } });
    expect(said).toMatchObject({
      observedPolicy: wanted,
      appliedPolicy: { name: 'default' },
      conditions: [
        { type: 'Ready', status: 'True' },
        {
          type: 'PolicyApplied',
          status: 'False',
          reason: 'TooManyContexts',
          message: 'policy edge, generation 3, cannot be had here: it is too much; policy default stays in force',
        },
      ],
    });
  });

  test('that the operator has not named yet is not spoken of', () => {
    const said = statement({ ruling: { terms: policy, wanted: undefined, flaw: undefined } });
    expect(said).not.toHaveProperty('observedPolicy');
    expect(said.conditions.map(({ type }) => type)).toEqual(['Ready']);
  });
});

test('the words of the operator in the same status are no change of ours', () => {
  const present = object(ready);
  const conditions = [...(present.status?.conditions ?? [])];
  conditions.push({ type: 'Stalled', status: 'True', reason: 'R', message: '', lastTransitionTime: '' });
  const status = { ...present.status, policy: { name: 'edge' }, conditions };
  expect(gpuNodeChange({ ...present, status }, ready)).toBe('none');
});

describe('change', () => {
  const busy = observedState();
  for (const context of busy.gpus[0]?.contexts ?? []) context.activeUtilizationE9 = 500_000_000;
  test.each([
    ['the same', ready, 'none'],
    ['utilizations move', statement({ view: { ...up, state: busy } }), 'figures'],
    [
      'another context layout',
      statement({
        view: {
          ...up,
          state: observedState({
            gpus: [{ uuid: gpu, contexts: (busy.gpus[0]?.contexts ?? []).slice(1), partitionFault: '', xids: 0 }],
          }),
        },
      }),
      'transition',
    ],
    ['another address', statement({ advertiseAddress: 'other' }), 'transition'],
    ['the runtime is lost', statement({ view: down, present: object(ready).status }), 'transition'],
  ])('%s', (_, said, expected) => {
    expect(gpuNodeChange(object(ready), said)).toBe(expected);
  });
  const reading = { smClockMhz: 1_980, throttling: [] };
  const told = (values: Partial<ObservedGpu>, present?: StoredGpuNode): ReturnType<typeof statement> => {
    const [first] = observedState().gpus;
    const gpus = first === undefined ? [] : [{ ...first, reading, ...values }];
    return statement({ view: { ...up, state: observedState({ gpus }) }, present: present?.status, nowMs: 9_000 });
  };
  const foreignSharing = { message: 'process 4242', processes: 1, hiddenBytes: 0 };

  test('who else works on a GPU is a transition, who exactly and its clocks are figures', () => {
    const alone = object(told({}));
    expect(gpuNodeChange(alone, told({}, alone))).toBe('none');
    const shared = told({ foreignSharing }, alone);
    expect(gpuNodeChange(alone, shared)).toBe('transition');
    const other = told({ foreignSharing: { ...foreignSharing, message: 'process 4243' } }, object(shared));
    expect(gpuNodeChange(object(shared), other)).toBe('figures');
    expect(gpuNodeChange(object(shared), told({}, object(shared)))).toBe('transition');
    expect(gpuNodeChange(alone, told({ reading: { ...reading, smClockMhz: 300 } }, alone))).toBe('figures');
  });
  test('the first word', () => expect(gpuNodeChange(undefined, ready)).toBe('transition'));
});
