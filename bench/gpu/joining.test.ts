import { describe, expect, test } from '@jest/globals';
import { figuresOf } from './collect.ts';
import type { Line, Tasks, Window } from './documents.ts';
import { joiningFigures, type JoiningDocument } from './joining.ts';

const tasks = (p99: number, more: Partial<Tasks> = {}): Tasks => ({
  released: 100,
  admitted: 100,
  rejected: 0,
  skipped: 0,
  ended: 100,
  missed: 0,
  failed: 0,
  missRate: 0,
  onTimeRate: 1,
  migrated: 0,
  unitJobs: 7.5,
  responseUs: { p50: 500, p99, max: p99 },
  ...more,
});

const line = (bed: string, run: string, jobsPerS: number, more: Partial<Window> = {}): Line => ({
  bed,
  run,
  partition: { mode: 'Streams', contexts: 1, streamsPerContext: 2, oversubscription: 1, sms: [132] },
  classes: [{ model: 'resnet18', batch: 1, stages: 4, afetUs: [1] }],
  figures: {
    jobUs: { p50: 1, p99: 1, max: 1 },
    failed: 0,
    dispatcher: { busyUsPerJob: 1.25, launchUsPerJob: 0.5 },
    windows: [
      { name: 'all', seconds: 3, jobsPerS, elementsPerS: jobsPerS, high: tasks(900), low: tasks(2000), ...more },
    ],
  },
});

const pure = (batch: number, rates: readonly number[]): Line[] =>
  rates.map((rate) => ({
    bed: `pure ${batch}`,
    run: 'bare',
    classes: [{ model: 'resnet18', batch, stages: 1, afetUs: [] }],
    figures: { jobsPerS: rate, elementsPerS: rate * batch, jobUs: { p50: 1, p99: 1, max: 1 }, failed: 0 },
  }));

const documentWith = (lines: JoiningDocument['models'][string], mixed: Line[] = []): JoiningDocument => ({
  machine: { gpu: 'GPU' },
  commit: 'c0ffee',
  engine: 'torch',
  experiment: 'joining',
  models: { resnet18: { quick: 'squeezenet', roofPerS: 80_000, ...lines }, unet: { roofPerS: 13_000 } },
  mixed,
});

const rows = [
  line('joined', '0.8', 64_000),
  line('joined', '0.3', 24_000),
  line('free lanes', '0.8', 63_999),
  line('joined beside', 'beside', 65_000, { groups: [tasks(1), tasks(2), tasks(800, { missed: 3 })] }),
  line('free lanes beside', 'beside', 65_000, { groups: [tasks(1), tasks(2), tasks(1800, { missed: 30 })] }),
];

describe('joining', () => {
  test('each load has both who served it, by the load', () => {
    const [model] = joiningFigures(documentWith({ rows })).models;
    expect(model?.rows.map(({ offered }) => offered)).toEqual([0.3, 0.8]);
    expect(model?.rows[1]).toMatchObject({ joined: { jobsPerS: 64_000 }, freeLanes: { jobsPerS: 63_999 } });
    expect(model?.rows[0]).not.toHaveProperty('freeLanes');
    expect(model?.rows[1]?.joined).toMatchObject({
      name: 'Streams 1×2_1',
      dispatcher: { busyUsPerJob: 1.25 },
      high: { unitJobs: 7.5 },
    });
  });

  test('the task of another model is told apart', () => {
    const [model] = joiningFigures(documentWith({ rows })).models;
    expect(model?.beside).toMatchObject({ quick: 'squeezenet', joined: { missed: 3 }, freeLanes: { missed: 30 } });
  });

  test('pure batching is that of the middle round of each batch', () => {
    const pureBatching = [...pure(256, [300, 310, 200]), ...pure(32, [1000])];
    expect(joiningFigures(documentWith({ rows, pureBatching })).models[0]?.pureBatching).toEqual({
      32: 32_000,
      256: 76_800,
    });
  });

  test('runs of Triton’s rule are told by load and delay', () => {
    const byTriton = ([run, rate]: readonly [string, number]): Line => {
      const served = line('free lanes', run, rate);
      return { ...served, figures: { jobUs: null, failed: 0, ...served.figures, rule: 'Triton' } };
    };
    const triton = (
      [
        ['0.8 500', 63_000],
        ['0.95 0', 70_000],
      ] as const
    ).map(byTriton);
    const [model] = joiningFigures(documentWith({ rows: [...rows, ...triton] })).models;
    expect(model?.triton).toMatchObject([
      { offered: 0.8, delayUs: 500, jobsPerS: 63_000 },
      { offered: 0.95, delayUs: 0 },
    ]);
    expect(model?.rows.map(({ offered }) => offered)).toEqual([0.3, 0.8]);
  });

  test('copies, the mix and processes are there where they were run', () => {
    const copied = [line('joined copied', '0.8', 63_500)];
    const mixed = [line('joined mixed', 'mixed', 30_000), line('free lanes mixed', 'mixed', 29_000)];
    const complete = { sharing: 'mps', processes: 12, code: 'compiled', copies: false, jobsPerS: 19_000 };
    const processes = [
      { ...complete, jobUs: { p50: 1, p99: 2, max: 3 }, rounds: [1] },
      { sharing: 'mps', error: 'gone' },
    ];
    const figures = figuresOf(documentWith({ rows, copied, processes }, mixed));
    expect(figures).toMatchObject({
      models: [{ copied: { joined: { jobsPerS: 63_500 } }, processes: [{ jobsPerS: 19_000 }] }],
      mixed: { models: ['resnet18', 'unet'], joined: { jobsPerS: 30_000 } },
    });
    const bare = joiningFigures(documentWith({ rows }));
    expect(bare).not.toHaveProperty('mixed');
    expect(bare.models[0]).not.toHaveProperty('copied');
  });

  test('what failed and what was not run is told, and no model at all is no result', () => {
    const tried: Line[] = [
      { bed: 'trial', error: 'broke' },
      { bed: 'triton', notRun: 'the time was over' },
    ];
    expect(joiningFigures(documentWith({ rows, tried })).models[0]).toMatchObject({
      failed: ['trial: broke'],
      notRun: ['triton'],
    });
    expect(() => joiningFigures(documentWith({ roofPerS: null }))).toThrow(RangeError);
  });
});
