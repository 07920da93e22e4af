import { beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { FakeClock } from '../kube/clock.ts';
import { TransientError } from '../kube/errors.ts';
import { Applier } from './applier.ts';
import type { DesiredState } from './native/gen/runtime.ts';
import { Observations } from './observations.ts';
import { builtInTerms, defaultPolicy } from './policy.ts';
import type { StoredTask } from './resources.ts';
import { effective, info, jobs, node, observedState, observedTask, storedTask } from './testing/fixtures.ts';

let clock: FakeClock;
let observations: Observations;
let tasks: StoredTask[];
let applied: DesiredState[];
let failure: Error | undefined;
let instance: string;
let applier: Applier;
let warnings: string[];
let acting: boolean;
let certain: boolean;

beforeEach(() => {
  clock = new FakeClock();
  observations = new Observations();
  [tasks, applied, warnings, failure, instance] = [[storedTask('u1')], [], [], undefined, 'instance-1'];
  [acting, certain] = [true, true];
  applier = newApplier();
});

function newApplier(): Applier {
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(line) });
  return new Applier({
    node,
    policy: () => builtInTerms(defaultPolicy),
    observations,
    tasks: () => tasks,
    models: () => [],
    profiles: () => [],
    times: () => [],
    apply: async (state) => {
      if (failure !== undefined) throw failure;
      applied.push(state);
      return Promise.resolve({ instanceId: instance, generation: state.generation });
    },
    attempted: () => undefined,
    acting: () => acting,
    certain: () => certain,
    clock,
    log,
    random: () => 0,
  });
}

/** A runtime answers, with this generation in force. */
function connect(appliedGeneration = 0): void {
  observations.connected(info({ instanceId: instance }));
  applier.reconnected();
  observations.observed(observedState({ instanceId: instance, appliedGeneration }), clock.monotonic(), () => false);
  applier.kick();
}

test('an agent that does not act applies nothing; once it does, everything', async () => {
  acting = false;
  connect(7);
  applier.cachesComplete();
  await clock.advance(60_000);
  expect(applied).toEqual([]);
  acting = true;
  applier.reconnected();
  await clock.advance(1_000);
  expect(applied).toMatchObject([{ generation: 8, tasks: [{ uid: 'u1' }] }]);
});

test('what another agent applied stays in force while it is not certain which of the two acts', async () => {
  connect();
  applier.cachesComplete();
  await clock.advance(1_000);
  const theirs = observedState({ instanceId: instance, appliedGeneration: 9 });
  certain = false;
  observations.observed(theirs, clock.monotonic(), () => false);
  applier.observed(theirs);
  tasks = [];
  applier.kick();
  await clock.advance(60_000);
  expect(applied).toHaveLength(1);
  certain = true;
  applier.reconnected();
  await clock.advance(1_000);
  expect(applied.map(({ generation }) => generation)).toEqual([1, 10]);
});

test('nothing is applied before the caches are complete, however long that takes', async () => {
  connect();
  await clock.advance(600_000);
  expect(applied).toEqual([]);
  applier.cachesComplete();
  await clock.advance(50);
  expect(applied).toMatchObject([{ generation: 1, tasks: [{ uid: 'u1' }] }]);
});

test('nothing is applied before the runtime has said what is in force', async () => {
  applier.cachesComplete();
  await clock.advance(60_000);
  expect(applied).toEqual([]);
  connect(41);
  await clock.advance(50);
  expect(applied).toMatchObject([{ generation: 42 }]);
});

test('changes within the debounce make one Apply, no change makes none', async () => {
  connect();
  applier.cachesComplete();
  tasks = [storedTask('u1'), storedTask('u2')];
  for (let index = 0; index < 10; index++) applier.kick();
  await clock.advance(50);
  expect(applied.map((state) => state.tasks.length)).toEqual([2]);
  applier.kick();
  await clock.advance(1_000);
  expect(applied).toHaveLength(1);
  tasks = [storedTask('u1', { effective: { ...effective, periodUs: 60_000 } })];
  applier.kick();
  await clock.advance(50);
  expect(applied.at(-1)).toMatchObject({ generation: 2, tasks: [{ uid: 'u1', periodUs: 60_000 }] });
});

describe('a restarted runtime', () => {
  test('is applied again, with the counters that were last seen', async () => {
    connect();
    applier.cachesComplete();
    await clock.advance(50);
    const counted = observedTask('u1', { jobs: jobs({ released: 77, missed: 2 }) });
    observations.observed(observedState({ tasks: [counted] }), clock.monotonic(), () => false);
    instance = 'instance-2';
    connect();
    await clock.advance(50);
    expect(applied).toHaveLength(2);
    expect(applied[1]?.tasks[0]?.carried).toMatchObject({ released: 77, missed: 2 });
    expect(applied[1]?.generation).toBeGreaterThan(applied[0]?.generation ?? 0);
  });

  test('is applied again where the answer came from another instance than the one observed', async () => {
    connect();
    instance = 'instance-2';
    applier.cachesComplete();
    await clock.advance(50);
    applier.kick();
    await clock.advance(50);
    expect(applied).toHaveLength(2);
  });
});

test('after a failure it is tried again with backoff, and the reason is kept for the status', async () => {
  failure = new TransientError('contexts: 9 exceed 2 cores', { code: 'INVALID_ARGUMENT' });
  connect();
  applier.cachesComplete();
  await clock.advance(5_000);
  expect(observations.view).toMatchObject({ applyError: 'contexts: 9 exceed 2 cores' });
  expect(warnings.length).toBeGreaterThan(2);
  expect(warnings.length).toBeLessThan(8);
  failure = undefined;
  await clock.advance(10_000);
  expect(applied).toHaveLength(1);
  expect(observations.view).toMatchObject({ applyError: undefined });
});

test('what another process applied later is put right', async () => {
  connect();
  applier.cachesComplete();
  await clock.advance(50);
  applier.observed(observedState({ appliedGeneration: 9 }));
  observations.observed(observedState({ appliedGeneration: 9 }), clock.monotonic(), () => false);
  await clock.advance(50);
  expect(applied.map((state) => state.generation)).toEqual([1, 10]);
});

test('a bad object is told once, not with each look', async () => {
  const bad = storedTask('bad', { effective: { ...effective, periodUs: 0 } });
  tasks = [bad, storedTask('u1')];
  connect();
  applier.cachesComplete();
  for (let index = 0; index < 5; index++) {
    applier.kick();
    await clock.advance(100);
  }
  expect(applied.map((state) => state.tasks.map((task) => task.uid))).toEqual([['u1']]);
  expect(warnings).toEqual([expect.stringContaining('periodUs')]);
});

test('stop leaves no timer and applies nothing more', async () => {
  connect();
  applier.cachesComplete();
  await applier.stop();
  applier.kick();
  await clock.advance(1_000);
  expect(applied).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});
