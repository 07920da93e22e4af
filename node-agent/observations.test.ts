import { describe, expect, test } from '@jest/globals';
import type { Terms } from './desired.ts';
import { type Miss, MissCause } from './native/gen/runtime.ts';
import { Observations } from './observations.ts';
import { info, jobs, observedState, observedTask, policy } from './testing/fixtures.ts';

const isNew = (): boolean => true;
const isKnown = (): boolean => false;

function counted(released: number, missed = 0): ReturnType<typeof observedTask> {
  return observedTask('u1', { jobs: jobs({ released, admitted: released, missed }) });
}

describe('view', () => {
  const terms = new Map<string, Terms>([['u1', { epoch: 1, generation: 1 }]]);

  test('is open before the first attempt has ended, and down after a lost connection, with the reason', () => {
    const observations = new Observations();
    expect(observations.view).toEqual({ kind: 'connecting' });
    observations.connected(info());
    observations.observed(observedState(), 0, isNew);
    expect(observations.view).toMatchObject({ kind: 'up' });
    observations.lost('connection refused');
    expect(observations.view).toEqual({ kind: 'down', message: 'connection refused' });
    expect(observations.task('u1')).toBeUndefined();
  });

  test('knows the terms only of a generation that this process asked for', () => {
    const observations = new Observations();
    observations.connected(info());
    observations.asked(7, { terms, policy });
    observations.observed(observedState({ appliedGeneration: 6 }), 0, isNew);
    expect(observations.view).toMatchObject({ terms: undefined });
    observations.observed(observedState({ appliedGeneration: 7 }), 1, isNew);
    expect(observations.view).toMatchObject({ terms, policy });
  });

  test('forgets what another instance was asked for, also under the same number', () => {
    const observations = new Observations();
    observations.connected(info());
    observations.asked(1, { terms, policy });
    observations.lost('gone');
    observations.connected(info({ instanceId: 'instance-2' }));
    observations.observed(observedState({ instanceId: 'instance-2' }), 0, isNew);
    expect(observations.view).toMatchObject({ terms: undefined });
  });

  test('remembers what the same instance was asked for over a broken connection', () => {
    const observations = new Observations();
    observations.connected(info());
    observations.asked(1, { terms, policy });
    observations.lost('gone');
    observations.connected(info());
    observations.observed(observedState(), 0, isNew);
    expect(observations.view).toMatchObject({ terms, policy });
  });
});

describe('counters', () => {
  test('seen ones never go back, over restarts of the runtime too', () => {
    const observations = new Observations();
    const seen: number[] = [];
    for (const released of [10, 20, 0, 5, 25]) {
      observations.observed(observedState({ tasks: [counted(released)] }), 0, isNew);
      seen.push(observations.seen('u1')?.jobs.released ?? -1);
    }
    expect(seen).toEqual([10, 20, 20, 20, 25]);
  });

  test('a new task’s window begins at zero, a known one’s with the first sample', () => {
    const [fresh, known] = [new Observations(), new Observations()];
    fresh.observed(observedState({ tasks: [counted(8, 1)] }), 0, isNew);
    known.observed(observedState({ tasks: [counted(8, 1)] }), 0, isKnown);
    expect(fresh.figures('u1')).toMatchObject({ released: 8, missed: 1 });
    expect(known.figures('u1')).toMatchObject({ released: 0, missed: 0 });
  });

  test('a recreated task (another uid) has nothing of the old one', () => {
    const observations = new Observations();
    observations.observed(observedState({ tasks: [counted(8, 1)] }), 0, isNew);
    expect(observations.seen('u2')).toBeUndefined();
    expect(observations.task('u2')).toBeUndefined();
    expect(observations.figures('u2')).toMatchObject({ released: 0, missed: 0 });
  });

  test('are kept while a task is wanted or runs, and forgotten then', () => {
    const observations = new Observations();
    observations.observed(observedState({ tasks: [counted(8)] }), 0, isNew);
    observations.retain(() => false);
    expect(observations.seen('u1')).toBeDefined();
    observations.observed(observedState({ tasks: [] }), 1, isNew);
    observations.retain((uid) => uid === 'u1');
    expect(observations.seen('u1')).toBeDefined();
    observations.retain(() => false);
    expect(observations.seen('u1')).toBeUndefined();
  });
});

function miss(timeUs: number, cause: Miss['cause']): Miss {
  return { timeUs, lateUs: 1, cause, behind: '' };
}

test('each explained miss is counted once, by its cause', () => {
  const observations = new Observations();
  const { MISS_CAUSE_BLOCKED: blocked, MISS_CAUSE_OVERRUN: overrun } = MissCause;
  const show = (...lastMisses: Miss[]): void =>
    observations.observed(observedState({ tasks: [observedTask('u1', { lastMisses })] }), 0, isNew);
  show(miss(2, overrun), miss(1, blocked));
  show(miss(2, overrun), miss(1, blocked));
  show(miss(3, overrun), miss(2, overrun), miss(1, blocked));
  expect(Object.fromEntries(observations.misses('u1'))).toEqual({ [blocked]: 1, [overrun]: 2 });
  expect(observations.newestMiss('u1')).toEqual(miss(3, overrun));
});
