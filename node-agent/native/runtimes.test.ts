import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { SystemClock } from '../../kube/clock.ts';
import { eventually } from '../../kube/testing/eventually.ts';
import { builtInTerms, defaultPolicy, runtimePolicy } from '../policy.ts';
import { info, node, placement, storedTask } from '../testing/fixtures.ts';
import { StubRuntime } from '../testing/stub-runtime.ts';
import { desiredState } from '../desired.ts';
import type { DesiredState } from './gen/runtime.ts';
import type { NodeInfo, NodeState } from './node-state.ts';
import { Runtimes } from './runtimes.ts';

const nodeGpus = ['GPU-a', 'GPU-b'];
const policy = runtimePolicy(builtInTerms(defaultPolicy));

let first: StubRuntime;
let second: StubRuntime;
let runtimes: Runtimes;
let connected: NodeInfo[];
let state: NodeState | undefined;
let lost: string[];
let broken: number;

beforeEach(() => {
  first = new StubRuntime();
  second = new StubRuntime({ dir: first.dir, number: 1 });
  for (const [at, stub] of [first, second].entries()) {
    const [gpu] = info().gpus;
    stub.name = nodeGpus[at] ?? '';
    stub.info = info({ nodeGpus, gpus: gpu === undefined ? [] : [{ ...gpu, uuid: stub.name }] });
  }
  [connected, state, lost, broken] = [[], undefined, [], 0];
  runtimes = new Runtimes({
    socketPath: first.socketPath,
    listener: {
      connected: (said) => connected.push(said),
      observed: (said) => (state = said),
      lost: (message) => lost.push(message),
      broke: () => (broken += 1),
    },
    intervalMs: 100,
    inactivityMs: 2_000,
    clock: new SystemClock(),
    log: pino({ level: 'silent' }),
  });
});

afterEach(async () => {
  await runtimes.stop();
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
});

/** A task on each GPU. */
function desired(generation: number): DesiredState {
  const tasks = nodeGpus.map((gpu) => storedTask(`on-${gpu}`, { placement: { ...placement, gpu } }));
  const input = { node, policy, tasks, models: [], profiles: [], times: () => [], seen: () => undefined };
  return { ...desiredState(input).state, generation };
}

function gpusNow(): string[] {
  return connected.at(-1)?.gpus.map(({ uuid }) => uuid) ?? [];
}

async function bothUp(): Promise<void> {
  await first.start();
  await second.start();
  runtimes.start();
  await eventually('both', () => gpusNow().length === 2);
}

test('two that are there from the start are told of together, and of none that it is lost', async () => {
  await bothUp();
  expect(connected.every(({ lost: away }) => away.size === 0)).toBe(true);
  expect(connected[0]?.instanceId).toBe('GPU-a-1+GPU-b-1');
  expect(lost).toEqual([]);
});

test('each is told its own tasks, and the answer comes once both have them', async () => {
  await bothUp();
  expect(await runtimes.apply(desired(3), new Map())).toEqual({ instanceId: 'GPU-a-1+GPU-b-1', generation: 3 });
  expect(first.inForce?.tasks.map(({ uid }) => uid)).toEqual(['on-GPU-a']);
  expect(second.inForce?.tasks.map(({ uid }) => uid)).toEqual(['on-GPU-b']);
  await eventually('the generation', () => state?.appliedGeneration === 3);
  expect(state?.tasks.map(({ uid }) => uid).sort()).toEqual(['on-GPU-a', 'on-GPU-b']);
});

test('one that dies takes nothing from the other, and is told of anew when it is back', async () => {
  await bothUp();
  await runtimes.apply(desired(1), new Map());
  second.kill();
  await eventually('the loss', () => connected.at(-1)?.lost.has('GPU-b') === true);
  expect(gpusNow()).toEqual(['GPU-a']);
  expect(lost).toEqual([]);
  expect(broken).toBeGreaterThan(0);
  expect(await runtimes.apply(desired(2), new Map())).toEqual({ instanceId: 'GPU-a-1', generation: 2 });
  await eventually('the other alone', () => state?.tasks.length === 1);
  await second.start();
  await eventually('both again', () => gpusNow().length === 2);
  expect(connected.at(-1)?.instanceId).toBe('GPU-a-1+GPU-b-2');
  expect(state?.appliedGeneration).toBe(0);
  expect(state?.newestGeneration).toBe(2);
});

test('one that starts later is found', async () => {
  await first.start();
  runtimes.start();
  await eventually('the first', () => gpusNow().length === 1);
  expect([...(connected[0]?.lost.values() ?? [])]).toEqual(['it has not started yet']);
  await second.start();
  await eventually('both', () => gpusNow().length === 2);
});

test('a runtime beside the first that knows of no other is none of this node', async () => {
  for (const stub of [first, second]) stub.info = { ...stub.info, nodeGpus: [] };
  await first.start();
  await second.start();
  runtimes.start();
  await eventually('the first', () => gpusNow().length === 1);
  await eventually('the second to be watched', () => second.watchers === 1);
  const all = desired(1);
  expect(await runtimes.apply(all, new Map())).toEqual({ instanceId: 'GPU-a-1', generation: 1 });
  expect(first.inForce?.tasks).toEqual(all.tasks);
  expect(second.applied).toEqual([]);
});

test('a GPU that two runtimes call theirs is that of the first', async () => {
  second.info = { ...second.info, gpus: first.info.gpus };
  await first.start();
  await second.start();
  runtimes.start();
  await eventually('the second to be watched', () => second.watchers === 1);
  await eventually('the first', () => gpusNow().length > 0);
  expect(gpusNow()).toEqual(['GPU-a']);
});

test('only where none is left the node has lost its runtime', async () => {
  await bothUp();
  first.kill();
  await eventually('the loss of one', () => gpusNow().length === 1);
  expect(lost).toEqual([]);
  second.kill();
  await eventually('the loss of both', () => lost.length > 0);
  await expect(runtimes.apply(desired(1), new Map())).rejects.toThrow('no runtime is connected');
});

test('a refusal names the GPU whose runtime refuses', async () => {
  await bothUp();
  second.refusal = 'no such policy';
  await expect(runtimes.apply(desired(1), new Map())).rejects.toThrow(/^runtime of GPU-b: .*no such policy/);
});

test('a trace is that of one GPU, which has to be named', async () => {
  await bothUp();
  second.trace = ['of the second'];
  const { signal } = new AbortController();
  const request = { seconds: 1, format: 1 as const };
  expect(() => runtimes.trace(request, undefined, signal)).toThrow('write gpu=UUID, one of GPU-a, GPU-b');
  expect(() => runtimes.trace(request, 'GPU-c', signal)).toThrow('gpu=GPU-c: no runtime answers for it');
  const chunks: string[] = [];
  for await (const chunk of runtimes.trace(request, 'GPU-b', signal)) chunks.push(Buffer.from(chunk).toString());
  expect(chunks.join('')).toContain('of the second');
});
