import { expect, test } from '@jest/globals';

import { MissCause } from '../../node-agent/native/gen/runtime.ts';
import { Checks } from './act.ts';
import { noJobs, type TaskWindow, type Window } from './counters.ts';
import { checkHighTasks, checkMonotone, judgeOverload, judgeSteady } from './judge.ts';
import { high, low } from './observed.ts';

function highTask(jobs: Partial<TaskWindow['jobs']> = {}): TaskWindow {
  const done = { released: 400, admitted: 400, completed: 400, onTime: 400, ...jobs };
  return {
    ...high,
    jobs: { ...noJobs, ...done },
    executionUs: 4_000_000,
    afetUs: 10_000,
    migrations: 0,
    lastMisses: [],
  };
}

function lowTask(jobs: Partial<TaskWindow['jobs']> = {}, migrations = 0): TaskWindow {
  const done = { released: 200, admitted: 200, completed: 200, onTime: 200, ...jobs };
  return { ...low, jobs: { ...noJobs, ...done }, executionUs: 8_000_000, afetUs: 40_000, migrations, lastMisses: [] };
}

function window(...tasks: TaskWindow[]): Window {
  return { seconds: 10, tasks };
}

// 400 × 10 ms + 200 × 40 ms in 10 s on 2 streams is a load of 0.6.
const demand = { streams: 2, high: 1, low: 1, seconds: 10, load: 0.6, lowOnTimeRate: 0.95 };

test('a steady window passes, and its figures are the measured ones', () => {
  const { figures, failures } = judgeSteady(window(highTask(), lowTask({ onTime: 190 })), demand);
  expect(failures).toEqual([]);
  expect(figures).toMatchObject({ offeredLoad: 0.6, highReleased: 400, highMissed: 0, lowOnTimeRate: 0.95 });
});

test.each([
  ['a High miss', window(highTask({ missed: 1 }), lowTask()), 'jobs of front-camera missed is 1, wanted 0'],
  ['a High job skipped', window(highTask({ skipped: 1 }), lowTask()), 'jobs of front-camera skipped is 1, wanted 0'],
  [
    'late Low jobs',
    window(highTask(), lowTask({ onTime: 189 })),
    'onTimeRate of Low tasks is 0.945, wanted at least 0.95',
  ],
  ['too little load', window(highTask(), lowTask({ released: 199 })), 'offered load is 0.598, wanted at least 0.6'],
  ['a missing task', window(highTask()), 'number of Low tasks is 0, wanted 1'],
  ['an engine error', window(highTask(), lowTask({ failed: 1 })), 'jobs ended by an engine error is 1, wanted 0'],
  [
    'a short time',
    { ...window(highTask(), lowTask()), seconds: 9 },
    'measured time in seconds is 9, wanted at least 10',
  ],
])('%s fails a steady window', (_name, measured, failure) => {
  expect(judgeSteady(measured, demand).failures).toContain(failure);
});

test('what was skipped while a GPU was divided is no fault, a miss is', () => {
  const checks = new Checks();
  checkHighTasks(checks, window(highTask({ skipped: 3 })), { paused: true });
  expect(checks.failures).toEqual([]);
  checkHighTasks(checks, window(highTask({ missed: 1 })), { paused: true });
  expect(checks.failures).toHaveLength(1);
});

test('a High miss says when it was, how late and why', () => {
  const miss = {
    timeUs: 3_723_004_000,
    lateUs: 1_500,
    cause: MissCause.MISS_CAUSE_QUEUED,
    behind: 'default/sign-reader',
  };
  const checks = new Checks();
  checkHighTasks(checks, window({ ...highTask({ missed: 1 }), lastMisses: [miss] }));
  const words = 'at 01:02:03.004 late by 1.5 ms, QUEUED behind default/sign-reader';
  expect(checks.failures).toEqual([`jobs of front-camera missed (${words}) is 1, wanted 0`]);
});

test('a High task that did nothing does not count as one without misses', () => {
  const checks = new Checks();
  checkHighTasks(checks, window(highTask({ completed: 0 })));
  expect(checks.failures).toEqual(['jobs of front-camera completed is 0, wanted at least 1']);
});

const refused = { released: 700, rejected: 500, rejectedByUtilization: 350, rejectedByPrediction: 150 };
const overloaded = window(highTask(), lowTask({ ...refused, onTime: 190 }, 3));

test('an overload passes that is refused in part while as much is served', () => {
  const { figures, failures } = judgeOverload(window(highTask(), lowTask()), overloaded, 2);
  expect(failures).toEqual([]);
  expect(figures).toMatchObject({ offeredLoad: 1.6, lowRefusedShare: 0.7143, lowThroughputShare: 1, migrations: 3 });
});

test.each([
  ['no migration', window(highTask(), lowTask(refused)), 'migrations between contexts is 0'],
  [
    'little refused',
    window(highTask(), lowTask({ released: 700, rejected: 100 }, 1)),
    'share of Low jobs refused is 0.1429',
  ],
  [
    'less served',
    window(highTask(), lowTask({ ...refused, completed: 150 }, 1)),
    'throughput of Low tasks against before is 0.75',
  ],
  [
    'a refusal without a reason',
    window(highTask(), lowTask({ ...refused, rejectedByPrediction: 149 }, 1)),
    'Low jobs refused for a known reason is 499, wanted 500',
  ],
  ['no overload', window(highTask(), lowTask({ released: 200, rejected: 100 }, 1)), 'offered load is 0.6'],
])('%s fails an overload', (_name, during, failure) => {
  const { failures } = judgeOverload(window(highTask(), lowTask()), during, 2);
  expect(failures.join('\n')).toContain(failure);
});

test('an overload is not judged against nothing', () => {
  const idle = window(highTask(), lowTask({ completed: 0 }));
  expect(judgeOverload(idle, window(highTask(), lowTask({ completed: 0, released: 0 })), 2).failures).toEqual(
    expect.arrayContaining([
      'share of Low jobs refused is NaN, wanted at least 0.2',
      'throughput of Low tasks against before is NaN, wanted at least 0.8',
    ]),
  );
});

test('counters that fall and tasks that vanish are named', () => {
  const checks = new Checks();
  const before = new Map([
    ['a', { released: 5 }],
    ['b', { released: 5 }],
    ['c', { released: 5 }],
  ]);
  checkMonotone(
    checks,
    'status',
    before,
    new Map([
      ['a', { released: 5 }],
      ['b', { released: 4 }],
    ]),
  );
  expect(checks.failures).toEqual(['status of b: released fell from 5 to 4', 'status of c: gone']);
});
