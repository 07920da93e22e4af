import { describe, expect, test } from '@jest/globals';
import { type Condition, withTransitionTimes } from '../api/conditions.ts';
import type { Terms } from './desired.ts';
import { MissCause, type ObservedTask, TaskPhase } from './native/gen/runtime.ts';
import type { StoredTask, TaskRuntime, TaskStatus } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';
import { changeOf, type TaskStatement, taskStatement } from './status.ts';
import {
  effective,
  info,
  jobs,
  observedState,
  observedTask,
  placement,
  policy,
  storedTask,
} from './testing/fixtures.ts';

const figures = { coveredMs: 60_000, released: 1_200, admitted: 1_000, missed: 0, onTime: 1_000 };
const terms = new Map<string, Terms>([['u1', { epoch: 1, generation: 1 }]]);

function up(values: Partial<Extract<RuntimeView, { kind: 'up' }>> = {}): RuntimeView {
  return { kind: 'up', info: info(), state: observedState(), terms, policy, applyError: undefined, ...values };
}

const down: RuntimeView = { kind: 'down', message: 'connection refused' };

function statement(
  observed: ObservedTask | undefined,
  options: { status?: Partial<TaskStatus>; view?: RuntimeView; missed?: number } = {},
): TaskStatement | undefined {
  const { status = {}, view = up(), missed = 0 } = options;
  return taskStatement({ task: storedTask('u1', status), view, observed, figures: { ...figures, missed } });
}

function servingOf(of: TaskStatement | undefined): object | undefined {
  return of?.conditions.find(({ type }) => type === 'Serving');
}

function condition(type: string, status: Condition['status'], reason: string): Condition {
  return { type, status, reason, message: 'm', observedGeneration: 1, lastTransitionTime: '2030-01-01T00:00:00Z' };
}

/** The object as it will be once the statement is written. */
function written(task: StoredTask, said: TaskStatement): StoredTask {
  const conditions = withTransitionTimes(said.conditions, task.status?.conditions, 0);
  const runtime = said.runtime === undefined ? {} : { runtime: said.runtime };
  return { ...task, status: { ...task.status, ...runtime, conditions } };
}

test('of a task whose GPU has no runtime that answers, that is said, while others are served', () => {
  const away = info({ nodeGpus: ['cpu-0', 'GPU-b'], lost: new Map([['GPU-b', 'it was killed']]) });
  const on = (gpu: string): object | undefined =>
    servingOf(
      statement(gpu === 'cpu-0' ? observedTask('u1') : undefined, {
        view: up({ info: away }),
        status: { placement: { ...placement, gpu } },
      }),
    );
  expect(on('cpu-0')).toMatchObject({ status: 'True' });
  expect(on('GPU-b')).toMatchObject({
    status: 'Unknown',
    reason: 'RuntimeUnavailable',
    message: 'the runtime of GPU-b of node node-1 does not answer: it was killed',
  });
  expect(on('GPU-c')).toMatchObject({ status: 'Unknown', reason: 'RuntimeUnavailable' });
});

describe('Serving', () => {
  const { TASK_PHASE_LOADING: loading, TASK_PHASE_REFUSED: refused, TASK_PHASE_UNSPECIFIED: none } = TaskPhase;
  const rows: Record<string, [Partial<ObservedTask>, object]> = {
    'True while it is served': [{}, { status: 'True', reason: 'Serving', message: 'jobs run on cpu-0' }],
    'True with what the runtime remarks': [
      { message: 'stage-2 runs on the whole GPU' },
      { status: 'True', message: 'jobs run on cpu-0; stage-2 runs on the whole GPU' },
    ],
    'False while its model is loaded': [{ phase: loading }, { status: 'False', reason: 'Loading' }],
    'False with the words of the runtime': [
      { phase: refused, reason: 'Overcommitted', message: '0.61 + 0.14 > 0.75' },
      { status: 'False', reason: 'Overcommitted', message: '0.61 + 0.14 > 0.75' },
    ],
    'False with a reason that a condition can hold': [
      { phase: refused, reason: 'no such context!', message: '' },
      { status: 'False', reason: 'Refused', message: expect.stringContaining('refuses') },
    ],
    'Unknown in a phase of a newer runtime': [{ phase: none }, { status: 'Unknown', reason: 'UnknownPhase' }],
  };
  test.each(Object.entries(rows))('is %s', (_, [observed, expected]) => {
    expect(servingOf(statement(observedTask('u1', observed)))).toMatchObject({ ...expected, observedGeneration: 1 });
  });

  test('speaks for the generation that the runtime has taken over, not for a newer one', () => {
    const status = { effective: { ...effective, generation: 2 } };
    expect(servingOf(statement(observedTask('u1'), { status }))).toMatchObject({ observedGeneration: 1 });
  });

  const present = [condition('Serving', 'True', 'Serving'), condition('DeadlinesMet', 'False', 'TooManyMisses')];
  const runtime: TaskRuntime = { epoch: 1, jobs: jobs({ released: 5 }) };
  const silent: Record<string, Parameters<typeof statement>> = {
    'before the first connection of this process': [undefined, { view: { kind: 'connecting' } }],
    'before the first Apply of this process': [observedTask('u1'), { view: up({ terms: undefined }) }],
    'of a task whose new epoch is on its way': [
      observedTask('u1'),
      { status: { placement: { ...placement, epoch: 2 } } },
    ],
    'of a task that the runtime does not tell of yet': [undefined, {}],
    'of a task that the runtime still tells of under its old epoch': [
      observedTask('u1', { epoch: 1 }),
      {
        status: { placement: { ...placement, epoch: 2 } },
        view: up({ terms: new Map([['u1', { epoch: 2, generation: 1 }]]) }),
      },
    ],
  };
  test.each(Object.entries(silent))('nothing new is said %s', (_, [observed, options = {}]) => {
    expect(statement(observed, options)).toBeUndefined();
    const task = storedTask('u1', { ...options.status, conditions: present, runtime });
    const said = taskStatement({ task, view: options.view ?? up(), observed, figures });
    expect(said === undefined ? 'none' : said.conditions[0]).toMatchObject({ status: 'True', reason: 'Serving' });
  });

  test('is Unknown while the runtime is away; figures and DeadlinesMet are kept', () => {
    const said = statement(undefined, { view: down, status: { conditions: present, runtime } });
    expect(said?.conditions).toMatchObject([
      { type: 'Serving', status: 'Unknown', reason: 'RuntimeUnavailable', message: expect.stringContaining('refused') },
      { type: 'DeadlinesMet', status: 'False' },
    ]);
    expect(said?.runtime).toEqual(runtime);
  });
});

/** A miss so many seconds after 2023-11-14T22:13:20Z. */
function missAt(second: number): ObservedTask['lastMisses'][number] {
  const timeUs = (1_700_000_000 + second) * 1_000_000;
  return { timeUs, lateUs: 500, cause: MissCause.MISS_CAUSE_BLOCKED, behind: 'default/other' };
}

function reversed<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).toReversed()) as T;
}

describe('runtime', () => {
  const counted = jobs({
    released: 100,
    rejected: 5,
    rejectedByUtilization: 5,
    admitted: 90,
    completed: 88,
    missed: 3,
    onTime: 86,
  });

  test('tells timing, counters, rates, the window and the context', () => {
    const migrations = { count: 4, lastFrom: 0, lastTo: 1, lastTimeUs: 1_700_000_000_123_000 };
    const said = statement(observedTask('u1', { jobs: counted, migrations }), { missed: 2 });
    expect(said?.runtime).toEqual({
      epoch: 1,
      context: 1,
      timing: { afetUs: 4_000, mretUs: 5_000, utilization: '0.125', responseP50Us: 6_000, responseP99Us: 9_000 },
      jobs: counted,
      deadlineMissRate: '0.0333',
      onTimeRate: '0.86',
      window: { seconds: 60, released: 1_200, missed: 2, deadlineMissRate: '0.002', onTimeRate: '0.8333' },
      migrations: { count: 4, last: '2023-11-14T22:13:20.123Z from 0 to 1' },
      lastMisses: [],
    });
  });

  test('no rate is told of nothing', () => {
    const said = statement(observedTask('u1', { responseP50Us: 0, responseP99Us: 0 }));
    expect(said?.runtime).not.toHaveProperty('deadlineMissRate');
    expect(said?.runtime?.timing).not.toHaveProperty('responseP99Us');
  });

  test('counters never go back, also where a restarted runtime knows less', () => {
    const runtime: TaskRuntime = { epoch: 1, jobs: counted, migrations: { count: 9, last: 'earlier' } };
    const less = observedTask('u1', { jobs: jobs({ released: 7, missed: 1 }) });
    const said = statement(less, { status: { runtime } });
    expect(said?.runtime).toMatchObject({ jobs: counted, migrations: { count: 9, last: 'earlier' } });
  });

  test('misses are the newest ten of what the runtime and status know, each once', () => {
    const before = statement(observedTask('u1', { lastMisses: [8, 7, 6, 5, 4, 3, 2, 1].map(missAt) }))?.runtime;
    const after = statement(observedTask('u1', { lastMisses: [12, 11, 10, 8].map(missAt) }), {
      status: before === undefined ? {} : { runtime: before },
    })?.runtime;
    expect(after?.lastMisses).toHaveLength(10);
    expect(after?.lastMisses?.map(({ time }) => new Date(time ?? '').getTime() / 1000 - 1_700_000_000)).toEqual([
      12, 11, 10, 8, 7, 6, 5, 4, 3, 2,
    ]);
    expect(after?.lastMisses?.[0]).toEqual({
      time: '2023-11-14T22:13:32.000Z',
      lateUs: 500,
      cause: 'Blocked',
      behind: 'default/other',
    });
  });
});

describe('change', () => {
  const base = storedTask('u1');
  const observed = observedTask('u1', { jobs: jobs({ released: 10, admitted: 10 }) });
  const first = statement(observed);
  if (first === undefined) throw new Error('the fixture says nothing');
  const said = written(base, first);

  function changeTo(next: ObservedTask | undefined, view: RuntimeView = up(), missed = 0, task = said): string {
    const now = taskStatement({ task, view, observed: next, figures: { ...figures, missed } });
    return now === undefined ? 'silent' : changeOf(task, now);
  }

  test('the first statement is a transition', () => expect(changeOf(base, first)).toBe('transition'));
  test('saying the same again is none, in whatever order the server keeps fields', () => {
    const status = reversed({ ...said.status, runtime: reversed(said.status?.runtime ?? { epoch: 0 }) });
    const task: StoredTask = { ...said, status };
    expect(changeTo(observed, up(), 0, task)).toBe('none');
  });
  test('counters are figures', () => expect(changeTo({ ...observed, jobs: jobs({ released: 11 }) })).toBe('figures'));
  test('a migration is a figure', () => expect(changeTo({ ...observed, context: 0 })).toBe('figures'));
  test('a miss beyond the limit is a transition', () => expect(changeTo(observed, up(), 1)).toBe('transition'));
  test('a lost runtime is a transition', () => expect(changeTo(undefined, down)).toBe('transition'));
  test('a refusal is a transition', () => {
    expect(changeTo({ ...observed, phase: TaskPhase.TASK_PHASE_REFUSED, reason: 'X' })).toBe('transition');
  });
  test('other terms in force are a transition', () => {
    expect(changeTo(observed, up({ terms: new Map([['u1', { epoch: 1, generation: 2 }]]) }))).toBe('transition');
  });
  test('another epoch is a transition', () => {
    const moved: StoredTask = { ...said, status: { ...said.status, placement: { ...placement, epoch: 2 } } };
    const view = up({ terms: new Map([['u1', { epoch: 2, generation: 1 }]]) });
    expect(changeTo({ ...observed, epoch: 2 }, view, 0, moved)).toBe('transition');
  });
});

describe('jobs that go together', () => {
  test.each<[what: string, observed: Partial<ObservedTask>, want: object | undefined]>([
    ['nothing where each has gone alone', { startedJobs: 9, unitJobs: 9, capacity: 1 }, undefined],
    ['nothing of a runtime that does not tell', { startedJobs: 0, unitJobs: 0, capacity: 0 }, undefined],
    ['mean and capacity', { startedJobs: 3, unitJobs: 10, capacity: 4 }, { capacity: 4, meanUnitSize: '3.33' }],
    ['the capacity before any job', { startedJobs: 0, unitJobs: 0, capacity: 4 }, { capacity: 4 }],
    ['the mean where none are counted so now', { startedJobs: 2, unitJobs: 3 }, { capacity: 1, meanUnitSize: '1.5' }],
  ])('%s', (_, observed, want) => {
    expect(statement(observedTask('u1', observed))?.runtime?.joining).toEqual(want);
  });
});
