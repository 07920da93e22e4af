import { describe, expect, test } from '@jest/globals';
import { byResult, figuresOf, joined, kindOf } from './collect.ts';
import { middle, type Document, type Figures, type Line, type Tasks, type Times, type Window } from './documents.ts';
import type { BatchedSet } from './sets.ts';

const origin = { machine: { gpu: 'GPU' }, commit: 'c0ffee', engine: 'torch' };
const document = (experiment: string, found: object): Document => ({ ...origin, experiment, ...found });

const times = (p50: number, p99 = p50, max = p99): Times => ({ p50, p99, max });
const tasks = (more: Partial<Tasks> = {}): Tasks => ({
  released: 300,
  admitted: 300,
  rejected: 0,
  skipped: 0,
  ended: 300,
  missed: 0,
  failed: 0,
  missRate: 0,
  onTimeRate: 1,
  migrated: 0,
  responseUs: times(400),
  ...more,
});
const window = (name: string, jobsPerS: number, more: Partial<Window> = {}): Window => ({
  name,
  seconds: 1,
  jobsPerS,
  elementsPerS: jobsPerS * 32,
  high: tasks(),
  low: tasks(),
  ...more,
});

const line = (bed: string, figures: Figures, { run = 'load', stages = 4, batch = 32 } = {}): Line => ({
  bed,
  run,
  partition: { mode: 'Streams', contexts: 1, streamsPerContext: 8, oversubscription: 1, sms: [132] },
  classes: [{ model: 'resnet18', batch, stages, afetUs: [1] }],
  figures,
});
const bare = (bed: string, jobsPerS: number, more: { stages?: number; batch?: number } = {}): Line =>
  line(
    bed,
    { jobsPerS, elementsPerS: jobsPerS * (more.batch ?? 32), jobUs: times(400), failed: 0 },
    { ...more, run: 'bare' },
  );
const load = (bed: string, windows: Window[], more: Partial<Figures> = {}): Line =>
  line(bed, { jobUs: times(410), failed: 0, admission: 'Predicted', windows, ...more });

describe('overhead', () => {
  const found = {
    stageBoundary: [bare('whole', 5000, { stages: 1 }), bare('staged', 4545.4545, { stages: 4 })],
    resident: [20_208, 20_167, 20_168].flatMap((rate, i) => [
      bare('a', rate),
      load('a', [window('all', [9, 19_765, 30_000][i] ?? 0)]),
    ]),
    fine: [],
    copied: [],
  };

  test('a bed is told by its middle rounds', () => {
    expect(figuresOf(document('overhead', found))).toMatchObject({
      runs: [
        {
          bare: { jobsPerS: 20_168 },
          scheduled: { jobsPerS: 19_765 },
          scheduledToBare: 0.98,
          copies: false,
          smsPerContext: 132,
        },
      ],
      stageBoundary: { oneStageUs: 200, stagedUs: 220, addsUs: 6.7 },
    });
  });

  test('beds that failed are no runs, and no rounds are no result', () => {
    const failed: Line = { bed: 'b', error: 'no such partitioning' };
    expect(figuresOf(document('overhead', { ...found, resident: [...found.resident, failed] }))).toHaveProperty(
      'runs.length',
      1,
    );
    expect(() => figuresOf(document('overhead', { ...found, stageBoundary: [] }))).toThrow(RangeError);
  });
});

describe('sets', () => {
  const pure = [1000, 1010, 990].map((rate) => bare('pure 32', rate, { stages: 1 }));
  const roof = [bare('pure 256', 200, { stages: 1, batch: 256 })];
  const set = { model: 'resnet18', batch: 32, load: 1.49, period_us: 33_333, ratePerS: 1490 };
  const setsOf = (sweep: Line[], best: Line[]): BatchedSet => {
    const found = figuresOf(
      document('sets-resnet18', { sets: { resnet18: { set, pureBatching: [...pure, ...roof], sweep, best } } }),
    );
    return middle((found as { sets: BatchedSet[] }).sets, () => 0);
  };
  const late = window('all', 1500, { high: tasks({ missed: 1 }) });

  test('throughput is held against pure batching at the same batch, and against the roof', () => {
    const figures = setsOf([load('a', [window('all', 1100)])], [load('a', [window('all', 1200)])]);
    expect(figures).toMatchObject({ againstPure: 1.2, againstRoof: 0.75, pureBatching: { 32: 32_000, 256: 51_200 } });
    expect(figures.best).toMatchObject({ elementsPerS: 38_400, name: 'Streams 1×8_1' });
  });

  test('the best keeps High jobs in time, however fast others are', () => {
    expect(setsOf([load('fast', [late]), load('a', [window('all', 1100)])], []).best.elementsPerS).toBe(35_200);
    expect(setsOf([load('fast', [late])], []).best.high.missed).toBe(1);
  });

  test('what failed and what was not run is told', () => {
    const sweep: Line[] = [load('a', [window('all', 1)]), { bed: 'b', error: 'broke' }, { bed: 'c', notRun: 'late' }];
    expect(setsOf(sweep, [])).toMatchObject({ failed: ['b: broke'], notRun: ['c'] });
  });
});

test('migration is held against the noise of jobs that stay', () => {
  const moved = window('all', 1, { low: tasks({ migrated: 9, migratedUs: times(201), stayedUs: times(200) }) });
  const stayed = [198, 203].map((p50) => load('a', [window('all', 1, { low: tasks({ responseUs: times(p50) }) })]));
  expect(figuresOf(document('migration', { runs: [load('a', [moved]), ...stayed] }))).toMatchObject({
    jobs: 9,
    addsUs: 1,
    noiseUs: 5,
  });
});

test('outputs that differ are counted over all runs', () => {
  const runs = [0, 2].map((different) => load('a', [window('all', 1)], { compared: 100, different }));
  expect(figuresOf(document('identity', { runs, gemm: { passed: true } }))).toMatchObject({
    compared: 200,
    different: 2,
    gemmPassed: true,
  });
});

test('the coming of a second model is held against the time before it', () => {
  const phases = [
    ['before', 400],
    ['load', 450],
    ['otherSlots', 900],
    ['during', 440],
  ] as const;
  const windows = phases.map(([name, us]) => window(name, 1, { high: tasks({ responseUs: times(200, us) }) }));
  const found = figuresOf(document('load-beside', { load: 0.6, runs: [load('a', windows)] }));
  expect(found).toMatchObject({ runs: [{ p99Ratio: 1.1, longest: { phase: 'otherSlots', us: 900 }, missed: 0 }] });
});

test('memory is flat by its last minute, before the process ends', () => {
  const memory = [0, 10, 20, 30, 40, 50, 60, 70, 80].map((atS) => ({
    atS,
    hostMiB: 100 + (atS < 10 ? 0 : 5),
    gpuMiB: atS === 80 ? 0 : 900,
  }));
  const runs = [load('a', [window('all', 5)])];
  expect(figuresOf(document('soak', { runs, memory }))).toMatchObject({
    growth: { hostMiB: 0, gpuMiB: 0 },
    jobsPerS: 5,
  });
});

test('processes that did not come to figures are told apart', () => {
  const lanes = [bare('a', 20_000), load('a', [window('all', 19_900)])];
  const mps = { sharing: 'mps', processes: 12, code: 'eager', copies: false, jobsPerS: 900, jobUs: times(1000) };
  const found = figuresOf(
    document('peers', { resident: lanes, copied: lanes, processes: [mps, { sharing: 'time', error: 'gone' }] }),
  );
  expect(found).toMatchObject({
    processes: [{ jobsPerS: 900 }],
    failed: [{ error: 'gone' }],
    copied: { copies: true },
  });
});

test('documents of single sets become one result, those of no kind none', () => {
  const set = (model: string): Document => document(`sets-${model}`, { sets: { [model]: {} } });
  const results = byResult([set('unet'), set('resnet18'), document('packages', {})]);
  expect([...results.keys()]).toEqual(['gpu-sets']);
  expect(results.get('gpu-sets')).toMatchObject({ sets: { unet: {}, resnet18: {} } });
  expect(kindOf('setsquare')).toBeUndefined();
});

test('documents of other machines or builds are not mixed', () => {
  const other = { ...document('sets-unet', { sets: {} }), commit: 'another' };
  expect(() => joined([document('sets-resnet18', { sets: {} }), other])).toThrow('different machines or builds');
});
