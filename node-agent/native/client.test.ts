import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SystemClock } from '../../kube/clock.ts';
import { builtInTerms, defaultPolicy, runtimePolicy } from '../policy.ts';
import { observedTask } from '../testing/fixtures.ts';
import { StubRuntime } from '../testing/stub-runtime.ts';
import { NativeClient } from './client.ts';
import type { DesiredState, ObservedState } from './gen/runtime.ts';

const clock = new SystemClock();
const desired: DesiredState = {
  generation: 4,
  policy: runtimePolicy(builtInTerms(defaultPolicy)),
  models: [],
  tasks: [],
};
let runtime: StubRuntime;
let client: NativeClient;
let ended: AbortController;

beforeEach(async () => {
  runtime = new StubRuntime();
  await runtime.start();
  client = new NativeClient({ socketPath: runtime.socketPath, clock, callTimeoutMs: 2_000, inactivityMs: 500 });
  ended = new AbortController();
});

afterEach(async () => {
  ended.abort(new Error('the test is over'));
  client.close();
  await runtime[Symbol.asyncDispose]();
});

test('Info and Apply over the socket', async () => {
  expect((await client.info(ended.signal)).value).toMatchObject({
    instanceId: 'instance-1',
    gpus: [{ uuid: 'cpu-0' }],
  });
  expect(await client.apply(desired, ended.signal)).toEqual({ instanceId: 'instance-1', generation: 4 });
  expect(runtime.applied).toEqual([desired]);
});

test('a refusal carries the words of the runtime', async () => {
  runtime.refusal = 'policy: contexts must be at least 1';
  await expect(client.apply(desired, ended.signal)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'policy: contexts must be at least 1',
  });
});

test('a socket where nobody listens is Unavailable', async () => {
  runtime.kill();
  await expect(client.info(ended.signal)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('an aborted call ends with the reason of its signal', async () => {
  const reason = new Error('enough');
  const call = client.info(ended.signal);
  ended.abort(reason);
  await expect(call).rejects.toBe(reason);
  await expect(client.apply(desired, ended.signal)).rejects.toBe(reason);
});

test('Watch yields states as they come, for longer than its limit of silence, until it is aborted', async () => {
  await client.apply(desired, ended.signal);
  const reason = new Error('enough');
  const seen: ObservedState[] = [];
  const watching = (async () => {
    for await (const { value } of client.watch(100, ended.signal)) {
      seen.push(value);
      if (seen.length === 9) ended.abort(reason);
    }
  })();
  await expect(watching).rejects.toBe(reason);
  expect(seen.map((state) => state.appliedGeneration)).toEqual(Array.from({ length: 9 }, () => 4));
});

test('a Watch whose signal has aborted before fails at once and leaves nothing behind', async () => {
  const reason = new Error('enough');
  ended.abort(reason);
  await expect(client.watch(100, ended.signal).next()).rejects.toBe(reason);
  await expect(client.info(new AbortController().signal)).resolves.toBeDefined();
});

test('a Watch whose runtime dies fails', async () => {
  const watching = (async () => {
    for await (const _ of client.watch(100, ended.signal)) runtime.kill();
  })();
  await expect(watching).rejects.toMatchObject({ name: 'TransientError' });
});

test('a Watch that says nothing is given up', async () => {
  runtime.silent = true;
  await expect(client.watch(100, ended.signal).next()).rejects.toMatchObject({ code: 'Timeout' });
});

test('nonsense about one task leaves the stream and the other tasks alone', async () => {
  runtime.override = (state) => ({
    ...state,
    tasks: [observedTask('bad', { afetUs: -7 }), observedTask('good')],
  });
  const { value } = await client.watch(100, ended.signal).next();
  expect(value).toMatchObject({ value: { tasks: [{ uid: 'good' }] }, problems: [expect.stringContaining('bad')] });
});

test('a state that names no instance fails the stream', async () => {
  runtime.override = (state) => ({ ...state, instanceId: '' });
  await expect(client.watch(100, ended.signal).next()).rejects.toMatchObject({ code: 'BadObservation' });
});

test('a socket that speaks something else fails the call, not the process', async () => {
  runtime.kill();
  const noise = createServer((socket) => socket.on('error', () => undefined).end(Buffer.alloc(4_096, 0xa5)));
  noise.listen(runtime.socketPath);
  await once(noise, 'listening');
  await expect(client.info(ended.signal)).rejects.toMatchObject({ name: 'TransientError' });
  noise.close();
});
