import { describe, expect, test } from '@jest/globals';
import { withTransitionTimes } from '../api/conditions.ts';
import { advertised, gpuNodeChange, type GpuNodeInput, gpuNodeStatement } from './gpu-node.ts';
import { defaultPolicy } from './policy.ts';
import type { StoredGpuNode } from './resources.ts';
import type { RuntimeUp, RuntimeView } from './runtime-view.ts';
import { gpu, info, node, observedState } from './testing/fixtures.ts';

const up: RuntimeUp = { kind: 'up', info: info(), state: observedState(), terms: new Map(), applyError: undefined };
const down: RuntimeView = { kind: 'down', message: 'connection refused' };

function statement(input: Partial<GpuNodeInput>): NonNullable<ReturnType<typeof gpuNodeStatement>> {
  const said = gpuNodeStatement({
    present: undefined,
    view: up,
    policy: defaultPolicy,
    advertiseAddress: undefined,
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
    policy: 'built-in',
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
          streams: 1,
          highUtilization: '0',
          lowUtilization: '0.125',
          activeUtilization: '0',
        })),
      },
    ],
    conditions: [{ type: 'Ready', status: 'True', reason: 'Serving', message: 'the runtime answers and takes tasks' }],
  });
});

describe('nothing is said, so what status says stays, while', () => {
  const rows: Record<string, Partial<RuntimeUp> | { kind: 'connecting' }> = {
    'the first connection is being made': { kind: 'connecting' },
    'the first state is on its way': { state: undefined, terms: undefined },
    'our Apply is on its way': { terms: undefined },
    'contexts are being made': { state: observedState({ gpus: [] }) },
  };
  test.each(Object.entries(rows))('%s', (_, values) => {
    const input = { present: undefined, policy: defaultPolicy, advertiseAddress: undefined };
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
    conditions: [{ status: 'False', reason: 'RuntimeUnavailable', message: expect.stringContaining('refused') }],
  });
  expect(statement({ view: down })).not.toHaveProperty('gpus');
});

test('a runtime that takes no desired state is not Ready, in its words', () => {
  const view = { ...up, terms: undefined, applyError: 'contexts: 9 exceed 2 cores' };
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
          state: observedState({ gpus: [{ uuid: gpu, contexts: (busy.gpus[0]?.contexts ?? []).slice(1) }] }),
        },
      }),
      'transition',
    ],
    ['another address', statement({ advertiseAddress: 'other' }), 'transition'],
    ['the runtime is lost', statement({ view: down, present: object(ready).status }), 'transition'],
  ])('%s', (_, said, expected) => {
    expect(gpuNodeChange(object(ready), said)).toBe(expected);
  });
  test('the first word', () => expect(gpuNodeChange(undefined, ready)).toBe('transition'));
});
