import { describe, expect, test } from '@jest/globals';
import { gpu, info, jobs, observedModel, observedState, observedTask } from '../testing/fixtures.ts';
import { MissCause, type ObservedGpu, type ObservedTask } from './gen/runtime.ts';
import { checkInfo, checkState } from './validate.ts';

test('what is sound passes unchanged and unremarked', () => {
  const response = { boundsUs: [1_000, 2_000], counts: [1, 2, 3], sumUs: 9_000 };
  const lastMisses = [{ timeUs: 5, lateUs: 1, cause: MissCause.MISS_CAUSE_QUEUED, behind: 'a/b' }];
  const state = observedState({
    models: [observedModel()],
    tasks: [observedTask('u1', { response, lastMisses, jobs: jobs({ released: 3 }) })],
  });
  expect(checkState(state)).toEqual({ value: state, problems: [] });
  expect(checkInfo(info())).toEqual({ value: info(), problems: [] });
});

test.each([
  ['Info', () => checkInfo(info({ instanceId: '' }))],
  ['Watch', () => checkState(observedState({ instanceId: '' }))],
])('%s without an instance is refused whole', (_, check) => {
  expect(check).toThrow(expect.objectContaining({ code: 'BadObservation' }));
});

describe('a task that cannot be is left out, the others stay', () => {
  const rows: Record<string, [Partial<ObservedTask>, string]> = {
    'a negative time': [{ mretUs: -1 }, 'mretUs is -1'],
    'a negative counter': [{ jobs: jobs({ missed: -5 }) }, 'missed is -5'],
    'a fraction': [{ utilizationE9: 0.5 }, 'utilizationE9 is 0.5'],
    'not a number': [{ responseP99Us: Number.NaN }, 'responseP99Us is NaN'],
    'beyond what an integer holds': [{ executionUs: 2 ** 60 }, 'executionUs'],
  };
  test.each(Object.entries(rows))('%s', (_, [values, problem]) => {
    const checked = checkState(observedState({ tasks: [observedTask('bad', values), observedTask('good')] }));
    expect(checked.value.tasks.map((task) => task.uid)).toEqual(['good']);
    expect(checked.problems).toEqual([expect.stringContaining(problem)]);
  });

  test('no uid', () => {
    expect(checkState(observedState({ tasks: [observedTask('')] }))).toMatchObject({
      value: { tasks: [] },
      problems: ['a task has no name'],
    });
  });

  test('of one uid told twice the newer epoch counts', () => {
    const tasks = [observedTask('u1', { epoch: 1 }), observedTask('u1', { epoch: 2 })];
    expect(checkState(observedState({ tasks })).value.tasks).toEqual([observedTask('u1', { epoch: 2 })]);
  });
});

test.each([
  ['too few counts', { boundsUs: [1, 2], counts: [1, 2], sumUs: 0 }],
  ['bounds that do not grow', { boundsUs: [2, 2], counts: [1, 2, 3], sumUs: 0 }],
])('a histogram with %s is left out, its task stays', (_, response) => {
  const { value, problems } = checkState(observedState({ tasks: [observedTask('u1', { response })] }));
  expect(value.tasks[0]).toMatchObject({ uid: 'u1', response: undefined });
  expect(problems).toHaveLength(1);
});

test('contexts with impossible figures, and those told twice, are left out', () => {
  const [first] = observedState().gpus;
  const [good] = first?.contexts ?? [];
  if (good === undefined) throw new Error('the fixture has no context');
  const contexts = [good, good, { ...good, index: 7, lowUtilizationE9: -1 }];
  const { value, problems } = checkState(
    observedState({ gpus: [{ uuid: gpu, contexts, partitionFault: '', xids: 0 }] }),
  );
  expect(value.gpus).toEqual([{ uuid: gpu, contexts: [good], partitionFault: '', xids: 0 }]);
  expect(problems).toHaveLength(2);
});

test.each([
  ['execution', { stageAfetUs: [0], stageMretUs: [] }],
  ['MRET', { stageAfetUs: [1], stageMretUs: [0] }],
])('a model with an %s time of nothing is left out', (_, times) => {
  const models = [observedModel({ batches: [{ size: 1, ...times }] })];
  expect(checkState(observedState({ models }))).toMatchObject({ value: { models: [] }, problems: [expect.anything()] });
});

test('texts are cut to what an object may hold', () => {
  const long = 'x'.repeat(100_000);
  const state = observedState({ tasks: [observedTask('u1', { message: long })] });
  expect(checkState(state).value.tasks[0]?.message.length).toBeLessThanOrEqual(32_768);
  expect(checkInfo(info({ runtimeVersion: long })).value.runtimeVersion.length).toBeLessThanOrEqual(63);
});

describe('of a GPU', () => {
  const reading = { memoryUsedBytes: 1, throttling: ['PowerBrake'] };
  const health = {
    reading,
    foreignSharing: { message: 'process 7', processes: 1, hiddenBytes: 0 },
    fault: { reason: 'XidCritical', message: 'Xid 79' },
    lastXid: { code: 79, timeUs: 5 },
  };
  const checked = (values: Partial<ObservedGpu>) =>
    checkState(observedState({ gpus: [{ uuid: gpu, contexts: [], partitionFault: '', xids: 0, ...values }] }));

  test('what is sound passes', () => {
    expect(checked(health)).toMatchObject({ value: { gpus: [health] }, problems: [] });
  });

  test('figures that cannot be go, what keeps work from it stays', () => {
    const { value, problems } = checked({ ...health, reading: { ...reading, powerMilliwatts: -1 } });
    expect(value.gpus[0]).toMatchObject({ ...health, reading: { throttling: ['PowerBrake'] } });
    expect(value.gpus[0]?.reading).not.toHaveProperty('memoryUsedBytes');
    expect(problems).toEqual([expect.stringContaining('powerMilliwatts is -1')]);
  });

  test('lists and texts are cut, and a time before 1970 is none', () => {
    const throttling = [...Array.from({ length: 99 }, (_, at) => `word-${at}`), 'word-1', 'x'.repeat(999)];
    const long = { message: 'x'.repeat(99_999), processes: 1, hiddenBytes: 0 };
    const { value } = checked({ reading: { throttling }, foreignSharing: long, lastXid: { code: 1, timeUs: -1 } });
    const [found] = value.gpus;
    expect(found?.reading?.throttling).toHaveLength(16);
    expect(found?.foreignSharing?.message.length).toBeLessThanOrEqual(32_768);
    expect(found).not.toHaveProperty('lastXid');
  });
});
