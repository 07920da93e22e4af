import { describe, expect, test } from '@jest/globals';
import { type DesiredInput, desiredState, fingerprint, type Seen } from './desired.ts';
import { LateJobs, Priority, Release } from './native/gen/runtime.ts';
import { builtInTerms, defaultPolicy, runtimePolicy } from './policy.ts';
import type { StoredModel, StoredTask, TaskStatus } from './resources.ts';
import {
  digest,
  effective,
  jobs,
  node,
  otherDigest,
  placement,
  storedModel,
  storedProfile,
  storedTask,
} from './testing/fixtures.ts';

const policy = runtimePolicy(builtInTerms(defaultPolicy));

function desired(input: Partial<DesiredInput>): ReturnType<typeof desiredState> {
  const none = { tasks: [], models: [], profiles: [], times: () => [], seen: () => undefined };
  return desiredState({ node, policy, ...none, ...input });
}

test('a placed task is handed on with its effective terms, its placement and nothing of its spec', () => {
  const terms = {
    ...effective,
    priority: 'High',
    release: 'OnRequest',
    releaseJitterUs: 25_000,
    lateJobs: 'Drop',
  } as const;
  const task = storedTask(
    'u1',
    { effective: { ...terms, generation: 7 }, placement: { ...placement, epoch: 4 } },
    'front',
  );
  const result = desired({ tasks: [task] });
  expect(result.state.tasks).toEqual([
    {
      uid: 'u1',
      namespace: 'default',
      name: 'front',
      epoch: 4,
      modelDigest: digest,
      gpuUuid: 'cpu-0',
      context: 1,
      priority: Priority.PRIORITY_HIGH,
      periodUs: 50_000,
      deadlineUs: 40_000,
      release: Release.RELEASE_ON_REQUEST,
      releaseJitterUs: 25_000,
      offsetUs: 0,
      batchSize: 1,
      lateJobs: LateJobs.LATE_JOBS_DROP,
      carried: jobs({}),
      stageAfetUs: [],
      carriedMigrations: 0,
    },
  ]);
  expect(result.terms.get('u1')).toEqual({ epoch: 4, generation: 7 });
  expect(result.state.models).toEqual([
    { digest, uri: 'file:///detector', measure: false, batches: [], namespaces: ['default'] },
  ]);
});

test.each<[what: string, booked: number[], handedOn: number[]]>([
  ['are handed on', [1_500, 2_000], [1_500, 2_000]],
  ['are measured by the runtime where one is no time', [1_500, 0], []],
  ['are measured by the runtime where one is less than nothing', [-1, 2_000], []],
])('the AFETs by which a task was booked %s', (_, stageAfetUs, handedOn) => {
  const result = desired({ tasks: [storedTask('u1', { placement: { ...placement, stageAfetUs } })] });
  expect(result.state.tasks.map((task) => task.stageAfetUs)).toEqual([handedOn]);
  expect(result.skipped).toEqual([]);
});

describe('times of all batch sizes', () => {
  const joining = runtimePolicy({ ...builtInTerms(defaultPolicy), joining: 'On' });
  const tasks = [storedTask('u1')];
  const known = [
    { size: 4, stageAfetUs: [3_000, 6_000] },
    { size: 1, stageAfetUs: [1_000, 2_000] },
  ];
  const told = (batches: typeof known, by = joining) =>
    desired({ tasks, policy: by, times: (of) => (of === digest ? batches : []) });

  test('are told where the policy joins, ascending, and nowhere else', () => {
    expect(told(known).state.models[0]?.batches).toEqual([
      { size: 1, stageAfetUs: [1_000, 2_000], stageMretUs: [] },
      { size: 4, stageAfetUs: [3_000, 6_000], stageMretUs: [] },
    ]);
    expect(told(known, policy).state.models[0]?.batches).toEqual([]);
  });

  test.each([
    ['a time of nothing', { size: 2, stageAfetUs: [0, 5_000] }],
    ['a size of nothing', { size: 0, stageAfetUs: [1, 1] }],
    ['another number of stages', { size: 2, stageAfetUs: [1_000] }],
  ])('%s is left out by itself', (_, odd) => {
    expect(told([...known, odd]).state.models[0]?.batches.map(({ size }) => size)).toEqual([1, 4]);
  });

  test('are part of what is applied', () => {
    const slower = known.map(({ size, stageAfetUs }) => ({ size, stageAfetUs: stageAfetUs.map((us) => us + 1) }));
    expect(fingerprint(told(slower))).not.toBe(fingerprint(told(known)));
    expect(fingerprint(told(known.toReversed()))).toBe(fingerprint(told(known)));
  });
});

function fingerprintOf(task: StoredTask): string {
  return fingerprint(desired({ tasks: [task] }));
}

describe('carried counters', () => {
  const refused = { rejected: 7, rejectedByUtilization: 4, rejectedByPrediction: 3 };
  const kept = {
    epoch: 1,
    jobs: { released: 100, admitted: 90, missed: 2, onTime: 85, ...refused },
    migrations: { count: 3 },
  };
  const rows: [string, Seen | undefined, object, number][] = [
    ['come from status after a restart of the agent', undefined, { released: 100, missed: 2, ...refused }, 3],
    [
      'are the later ones where the agent saw more than status says',
      { jobs: jobs({ released: 120, missed: 4 }), migrations: 5 },
      { released: 120, missed: 4, admitted: 90 },
      5,
    ],
    [
      'are those of status where the runtime lags behind it',
      { jobs: jobs({ released: 10 }), migrations: 0 },
      { released: 100, missed: 2 },
      3,
    ],
  ];
  test.each(rows)('%s', (_, seen, expected, migrations) => {
    const [task] = desired({ tasks: [storedTask('u1', { runtime: kept })], seen: () => seen }).state.tasks;
    expect(task?.carried).toMatchObject(expected);
    expect(task?.carriedMigrations).toBe(migrations);
  });

  test('do not count as a change of the desired state, everything else does', () => {
    const before = fingerprintOf(storedTask('u1'));
    expect(fingerprintOf(storedTask('u1', { runtime: kept }))).toBe(before);
    expect(fingerprintOf(storedTask('u1', { effective: { ...effective, periodUs: 60_000 } }))).not.toBe(before);
    expect(fingerprintOf(storedTask('u1', { placement: { ...placement, epoch: 2 } }))).not.toBe(before);
    expect(fingerprintOf(storedTask('u2'))).not.toBe(before);
  });
});

describe('a bad object is left out with its reason, and harms no other', () => {
  const noModel = { ...effective, model: { uri: 'file:///x', digest: 'sha256:short' } };
  const rows: Record<string, [TaskStatus, string]> = {
    'no effective terms': [{ placement }, 'status.effective is missing'],
    'a digest that is none': [{ placement, effective: noModel }, 'digest'],
    'period 0': [{ placement, effective: { ...effective, periodUs: 0 } }, 'periodUs'],
    'a deadline above the period': [{ placement, effective: { ...effective, deadlineUs: 50_001 } }, 'deadlineUs'],
    'an offset of a whole period': [{ placement, effective: { ...effective, offsetUs: 50_000 } }, 'offsetUs'],
    'a negative jitter': [{ placement, effective: { ...effective, releaseJitterUs: -1 } }, 'releaseJitterUs'],
    'batch 0': [{ placement, effective: { ...effective, batchSize: 0 } }, 'batchSize'],
    'a rate that is no number': [{ placement, effective: { ...effective, maxMissRate: 'few' } }, 'maxMissRate'],
    'epoch 0': [{ effective, placement: { ...placement, epoch: 0 } }, 'epoch'],
    'a negative context': [{ effective, placement: { ...placement, context: -1 } }, 'context'],
    'no GPU': [{ effective, placement: { ...placement, gpu: '' } }, 'gpu'],
  };
  test.each(Object.entries(rows))('%s', (_, [status, why]) => {
    const bad: StoredTask = { ...storedTask('bad'), status };
    const result = desired({ tasks: [bad, storedTask('good')] });
    expect(result.state.tasks.map((task) => task.uid)).toEqual(['good']);
    expect(result.skipped).toEqual([{ key: 'default/bad', uid: 'bad', why: expect.stringContaining(why) }]);
    expect(result.terms.has('bad')).toBe(false);
  });
});

test('tasks and models of other nodes, and tasks without a placement, are not ours', () => {
  const { placement: _, ...unplaced } = storedTask('u2').status ?? {};
  const elsewhere = storedModel('m', { uri: 'file:///m', digest: otherDigest }, { inspector: { node: 'node-2' } });
  const tasks = [
    storedTask('u1', { placement: { ...placement, node: 'node-2' } }),
    { ...storedTask('u2'), status: unplaced },
  ];
  expect(desired({ tasks, models: [elsewhere] })).toMatchObject({ state: { tasks: [], models: [] }, skipped: [] });
});

test('the model of a profile is loaded, by the address that others give where they give one', () => {
  const profiles = [storedProfile({ uri: 'file:///from-profile' })];
  expect(desired({ profiles }).state.models).toMatchObject([{ digest, uri: 'file:///from-profile' }]);
  const models = [storedModel('a', { uri: 'file:///from-model', digest })];
  expect(desired({ profiles, models }).state.models).toMatchObject([{ digest, uri: 'file:///from-model' }]);
});

test('a model is measured for a profile that is not measured yet', () => {
  const measuredState = { type: 'Measured', status: 'True', reason: 'Measured', message: '' } as const;
  const status = {
    batches: [{ size: 1, afetUs: 3, stageAfetUs: [1, 2] }],
    conditions: [{ ...measuredState, lastTransitionTime: '' }],
  };
  const measureOf = (profiles: DesiredInput['profiles']): unknown =>
    desired({ profiles, tasks: [storedTask('u1')] }).state.models.map(({ measure }) => measure);
  expect(measureOf([])).toEqual([false]);
  expect(measureOf([storedProfile()])).toEqual([true]);
  expect(measureOf([storedProfile({}, status)])).toEqual([false]);
  expect(measureOf([storedProfile({}, status), storedProfile()])).toEqual([true]);
});

describe('the address of a digest that several objects name', () => {
  const good = { uri: 'file:///good', digest };
  const bad = { uri: 'file:///bad', digest };
  const inspected = [
    { type: 'Inspected', status: 'True', reason: 'Inspected', message: '', lastTransitionTime: '' } as const,
  ];
  const old = new Date('2030-01-01T00:00:00Z');
  const young = new Date('2030-01-02T00:00:00Z');
  const running = storedTask('u1', { effective: { ...effective, model: good } });
  const rows: Record<string, Partial<DesiredInput>> = {
    'a running task wins over any model': { tasks: [running], models: [storedModel('a', bad, {}, old)] },
    'an inspected model wins over one that is not': {
      models: [storedModel('a', bad, {}, old), storedModel('b', good, { conditions: [...inspected] }, young)],
    },
    'the older one wins otherwise': { models: [storedModel('a', bad, {}, young), storedModel('b', good, {}, old)] },
  };
  test.each(Object.entries(rows))('%s', (_, input) => {
    expect(desired(input).state.models).toMatchObject([{ ...good, measure: false }]);
  });
});

describe('the namespaces that name a digest', () => {
  const inNamespace = (name: string, namespace: string): StoredModel => {
    const model = storedModel(name, { uri: `file:///${name}`, digest }, { inspector: { node: 'another' } });
    model.metadata.namespace = namespace;
    return model;
  };
  const models = [inNamespace('b', 'robots'), inNamespace('a', 'lab'), inNamespace('c', 'lab')];
  const of = (namespaces: string[]): unknown => {
    const lists = { ...policy, compiledCodeNamespaces: namespaces };
    return desired({ tasks: [storedTask('u1')], models, policy: lists }).state.models[0]?.namespaces;
  };

  test('are those of all models, also of those inspected elsewhere, and of the tasks', () => {
    expect(of([])).toEqual(['default', 'lab', 'robots']);
  });

  test('are the listed ones where the policy lists any of them', () => {
    expect(of(['robots', 'elsewhere'])).toEqual(['robots']);
    expect(of(['elsewhere'])).toEqual(['default', 'lab', 'robots']);
  });

  test('are the same for a model that is only to be measured', () => {
    const profiles = [storedProfile()];
    expect(desired({ models, profiles }).state.models).toMatchObject([
      { measure: true, namespaces: ['lab', 'robots'] },
    ]);
  });
});
