import { expect, test } from '@jest/globals';
import { renderTable } from './benchmark-table.ts';
import { gpuRows } from './gpu-rows.ts';

const times = (p50: number, p99: number): object => ({ p50, p99, max: p99 });
const rate = (jobsPerS: number, p99 = 448): object => ({ jobsPerS, jobUs: times(396, p99) });
const tasks = (more: object = {}): object => ({
  released: 1000,
  missed: 0,
  skipped: 0,
  failed: 0,
  missRate: 0.01,
  onTimeRate: 0.6,
  responseUs: times(2000, 4000),
  ...more,
});

const tableOf = (results: object): string => renderTable(gpuRows({ gpu: 'NVIDIA H200', ...results }));

const saturated = (contexts: number, scheduledToBare: number, copies: boolean): object => ({
  model: 'resnet18',
  batch: 1,
  stages: 4,
  mode: 'GreenContexts',
  contexts,
  streamsPerContext: 1,
  smsPerContext: 40,
  copies,
  scheduledToBare,
  bare: rate(20_168),
  scheduled: rate(20_136),
});

test('experiments that were not run have no rows', () => {
  expect(gpuRows({ gpu: 'GPU' })).toEqual([]);
});

test('each partitioning has a row, and is held to the bare loop', () => {
  const runs = [saturated(1, 0.97, false), saturated(2, 0.9699, false), saturated(4, 0.95, true)];
  const table = tableOf({ overhead: { runs, stageBoundary: { oneStageUs: 171, stagedUs: 189.6, addsUs: 6.2 } } });
  expect(table).toContain(
    'on one NVIDIA H200, 1 context of 1 stream on 40 SMs, mode GreenContexts | ≥ 0.97 × | 0.970 ×',
  );
  expect(table).toContain(
    '20,136 a second (p50 396 µs, p99 448 µs) against 20,168 a second (p50 396 µs, p99 448 µs) |',
  );
  expect(table).toContain(
    '| the same, 4 contexts of 1 stream on 40 SMs, mode GreenContexts, inputs and outputs copied | ≥ 0.95 × | 0.950 ×',
  );
  expect(table).toContain('| ≥ 0.97 ×, **not reached** | 0.970 ×');
  expect(table).toContain('| ≤ 7 µs | 6.2 µs: a job takes 189.6 µs in four stages, 171 µs in one |');
});

test('lanes are held against the fastest of the processes, in jobs and in tail', () => {
  const process = (sharing: string, code: string, processes: number, jobsPerS: number): object => ({
    sharing,
    code,
    processes,
    copies: false,
    ...rate(jobsPerS, 500),
  });
  const table = (p99: number): string =>
    tableOf({
      peers: {
        resident: { ...saturated(1, 0.99, false), scheduled: rate(22_000, p99) },
        copied: saturated(1, 0.94, true),
        processes: [
          process('mps', 'graph', 12, 13_000),
          process('mps', 'compiled', 8, 19_600),
          process('mps', 'compiled', 12, 21_000),
          process('time', 'compiled', 8, 3_400),
        ],
      },
    });
  expect(table(400)).toContain('| ≥ 1.6 × | 1.69 ×:');
  expect(table(400)).toContain('| ≥ 1 × at ≤ 0.8 of the p99 | 1.05 × at 0.80 of the p99:');
  expect(table(400)).toContain('(12 processes, the best of 8, 12)');
  expect(table(401)).toContain('| ≥ 1 × at ≤ 0.8 of the p99, **not reached** |');
  expect(table(400)).toContain('| ≥ 6 × | 6.47 ×:');
  expect(table(400)).toContain('| ≥ 0.95 ×, **not reached** | 0.940 ×');
});

const batched = (best: object, againstPure = 1.2): object => ({
  model: 'resnet18',
  batch: 32,
  load: 1.49,
  againstPure,
  againstRoof: 0.82,
  pureBatching: { 32: 56_960, 256: 82_944 },
  best: { name: 'Streams 1×2_1', admission: 'Predicted', elementsPerS: 68_000, high: tasks(), low: tasks(), ...best },
});

test('a set has to keep throughput, deadlines and tails, each in its row', () => {
  const good = tableOf({ sets: { sets: [batched({ high: tasks({ responseUs: times(700, 2000) }) })] } });
  expect(good).toContain(
    '| ≥ 1.15 × | 1.20 × (0.82 of the roof): 68,000 images a second against 56,960, by Streams 1×2_1',
  );
  expect(good).toContain('| 0; < 2 %; shown | 0 of 1,000; 1 %; 60 % |');
  expect(good).toContain('| ≤ 0.5 × | 0.50 ×:');
  expect(good).not.toContain('not reached');
  const bad = tableOf({
    sets: { sets: [batched({ high: tasks({ skipped: 1 }), low: tasks({ missRate: 0.02 }) }, 1.1)] },
  });
  expect(bad.match(/not reached/g)).toHaveLength(3);
  expect(bad).toContain('| 1 of 1,000; 2 %; 60 % |');
});

test('single jobs, moves, outputs, a second model and a soak have their rows', () => {
  const best = { name: 'Streams 1×8_1', admission: 'Predicted', elementsPerS: 20_000, high: tasks(), low: tasks() };
  const unbatched = {
    sets: [{ model: 'unet', load: 1.38, best, againstBare: 0.9, bareLoop: { name: 'a', elementsPerS: 22_000 } }],
  };
  const phases = [
    { name: 'before', responseUs: times(400, 500) },
    { name: 'during', responseUs: times(400, 560) },
  ];
  const beside = {
    name: 'a',
    second: 'resnet50',
    phases,
    missed: 0,
    p99Ratio: 1.12,
    longest: { phase: 'load', us: 5300 },
  };
  const table = tableOf({
    unbatched,
    migration: { jobs: 600, migratedUs: times(200, 210), stayedUs: times(199, 211), addsUs: 1, noiseUs: 1 },
    identity: { compared: 5000, different: 0, gemmPassed: true },
    loadBeside: { load: 0.6, runs: [beside] },
    soak: {
      seconds: 300,
      jobsPerS: 9000,
      high: tasks(),
      low: tasks(),
      memory: [{}],
      growth: { hostMiB: 0.1, gpuMiB: 2 },
    },
  });
  expect(table).toContain('| ≥ 0.9 ×; 0; < 2 % | 0.90 ×: 20,000 a second');
  expect(table).toContain('| no more than noise | 1 µs at p50, noise 1 µs');
  expect(table).toContain('| all; all | 0 of 5,000 differ; none differs |');
  expect(table).toContain('| 0; ≤ 1.1 ×, **not reached** | 0; 1.12 ×');
  expect(table).toContain('the longest response, 5.3 ms, in load |');
  expect(table).toContain(
    'for 5 minutes: growth of memory in the last minute; High late | none; 0, **not reached** | host 0.1 MiB, GPU 2 MiB',
  );
});
