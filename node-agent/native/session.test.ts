import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { SystemClock } from '../../kube/clock.ts';
import { eventually } from '../../kube/testing/eventually.ts';
import { builtInTerms, defaultPolicy, runtimePolicy } from '../policy.ts';
import { StubRuntime } from '../testing/stub-runtime.ts';
import { NativeClient } from './client.ts';
import { Session } from './session.ts';

const clock = new SystemClock();
const log = pino({ level: 'silent' });
const empty = { generation: 1, policy: runtimePolicy(builtInTerms(defaultPolicy)), models: [], tasks: [] };
let runtime: StubRuntime;
let session: Session;
let connected: string[];
let observed: string[];
let lost: string[];

beforeEach(() => {
  runtime = new StubRuntime();
  [connected, observed, lost] = [[], [], []];
  session = new Session({
    open: () => new NativeClient({ socketPath: runtime.socketPath, clock, inactivityMs: 400 }),
    listener: {
      connected: (info) => connected.push(info.instanceId),
      observed: (state) => observed.push(state.instanceId),
      lost: (message) => lost.push(message),
    },
    intervalMs: 100,
    clock,
    log,
  });
});

afterEach(async () => {
  await session.stop();
  await runtime[Symbol.asyncDispose]();
});

test('waits for a runtime that starts later, and follows it from one instance to the next', async () => {
  session.start();
  await eventually('the absence to be told', () => lost.length > 0);
  await expect(session.apply(empty)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await runtime.start();
  await eventually('the first instance', () => observed.includes('instance-1'));
  expect(await session.apply(empty)).toMatchObject({ instanceId: 'instance-1' });
  lost.length = 0;
  runtime.kill();
  await eventually('the loss to be told', () => lost.length > 0);
  await expect(session.apply(empty)).rejects.toThrow('no runtime is connected');
  await runtime.start();
  await eventually('the second instance', () => observed.includes('instance-2'));
  expect(connected).toEqual(['instance-1', 'instance-2']);
});

test('a runtime that stalls is left and found again', async () => {
  await runtime.start();
  session.start();
  await eventually('a state', () => observed.length > 0);
  runtime.silent = true;
  await eventually('the silence to be told', () => lost.length > 0);
  runtime.silent = false;
  observed.length = 0;
  await eventually('states again', () => observed.length > 0);
  expect(new Set(connected)).toEqual(new Set(['instance-1']));
});

test('stop ends the Watch and leaves the runtime as it is', async () => {
  await runtime.start();
  session.start();
  await eventually('a state', () => observed.length > 0);
  await session.apply(empty);
  await session.stop();
  await eventually('the Watch to end', () => runtime.watchers === 0);
  expect(runtime.inForce).toEqual(empty);
  expect(lost).toEqual([]);
});
