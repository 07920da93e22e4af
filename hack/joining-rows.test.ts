import { expect, test } from '@jest/globals';
import type { Tasks } from '../bench/gpu/documents.ts';
import type { JoinedModel, Served } from '../bench/gpu/joining.ts';
import { renderTable } from './benchmark-table.ts';
import { joiningPart } from './joining-page.ts';
import { joiningRows } from './joining-rows.ts';

const tasks = (p99: number, more: Partial<Tasks> = {}): Tasks => ({
  released: 1000,
  admitted: 1000,
  rejected: 0,
  skipped: 0,
  ended: 1000,
  missed: 0,
  failed: 0,
  missRate: 0,
  onTimeRate: 1,
  migrated: 0,
  unitJobs: 20,
  responseUs: { p50: 500, p99, max: p99 },
  ...more,
});

const served = (jobsPerS: number, highP99: number, more: Partial<Served> = {}): Served => ({
  name: 'Streams 1×2_1',
  seconds: 3,
  jobsPerS,
  high: tasks(highP99),
  low: tasks(6000),
  ...more,
});

const model = (more: Partial<JoinedModel> = {}): JoinedModel => ({
  model: 'resnet18',
  roofPerS: 80_000,
  pureBatching: { 32: 50_000, 256: 80_000 },
  tried: [],
  rows: [],
  triton: [],
  processes: [],
  failed: [],
  notRun: [],
  ...more,
});

const tableOf = (more: Partial<JoinedModel>): string => renderTable(joiningRows({ models: [model(more)] }));

test('at little load both priorities are held against free lanes', () => {
  const at = (us: number): string =>
    tableOf({ rows: [{ offered: 0.3, joined: served(24_000, us), freeLanes: served(24_000, 600) }] });
  expect(at(660)).toContain('| ≤ 1.1 × | 1.10 ×, 1.00 ×:');
  expect(at(661)).toContain('| ≤ 1.1 ×, **not reached** |');
});

test('at 0.8 nobody is late, and next to nobody is refused', () => {
  const at = (joined: Served): string => tableOf({ rows: [{ offered: 0.8, joined }] });
  expect(at(served(64_000, 3000))).toContain('| 0; ≤ 1 %; ≤ 3 ms | 0 of 2,000; 0 %;');
  expect(at(served(64_000, 3001))).toContain('**not reached**');
  expect(at(served(64_000, 900, { low: tasks(900, { missed: 1 }) }))).toContain('**not reached**');
  expect(at(served(64_000, 900, { low: tasks(900, { rejected: 21 }) }))).toContain(
    '**not reached** | 0 of 2,000; 1.1 %',
  );
});

test('at full load the roof is reached and High jobs are in time', () => {
  const at = (offered: number, joined: Served): string => tableOf({ rows: [{ offered, joined }] });
  expect(at(0.95, served(74_400, 4000))).toContain(
    '| ≥ 0.93 of the roof; 0; < 2 % | 0.930 of the roof, 74,400 a second;',
  );
  expect(at(0.95, served(74_000, 4000))).toContain('**not reached**');
  expect(at(0.95, served(75_000, 4000, { high: tasks(4000, { skipped: 1 }) }))).toContain('**not reached**');
  expect(at(1.5, served(75_000, 3600))).toContain('| ≥ 0.93 of the roof; 0; < 2 %; ≤ 0.6 × |');
  expect(at(1.5, served(75_000, 3601))).toContain('≤ 0.6 ×, **not reached**');
});

test('the task of another model is late when it is refused, too', () => {
  const at = (joined: Tasks): string =>
    tableOf({ beside: { quick: 'squeezenet', joined, freeLanes: tasks(1800, { missed: 7 }) } });
  expect(at(tasks(800))).toContain('| 0 | 0 of 1,000, p50 500 µs, p99 800 µs; free lanes: 7,');
  expect(at(tasks(800, { rejected: 2 }))).toContain('| 0, **not reached** | 2 of 1,000');
});

test('copies are held against the same load without them', () => {
  const at = (joined: Served): string =>
    tableOf({ rows: [{ offered: 0.8, joined: served(64_000, 1000) }], copied: { joined } });
  expect(at(served(63_900, 1200))).toContain('| as many; ≤ 1.2 × | 0.998 ×; 1.20 ×:');
  expect(at(served(60_000, 1000))).toContain('as many; ≤ 1.2 ×, **not reached**');
});

test('against Triton’s rule: the best delay at the same rate, and the rate at its tail', () => {
  const triton = [
    { offered: 0.8, delayUs: 0, ...served(63_900, 4000) },
    { offered: 0.8, delayUs: 2000, ...served(50_000, 100) }, // too slow to compare with
    { offered: 0.95, delayUs: 500, ...served(70_000, 5000) },
  ];
  const rows = [
    { offered: 0.8, joined: served(64_000, 2000) },
    { offered: 0.95, joined: served(75_000, 5500) },
  ];
  const table = tableOf({ rows, triton });
  expect(table).toContain('at 0.8 of the roof against Triton’s rule with its best delay: High p99 | ≤ 1 × | 0.50 ×:');
  expect(table).not.toContain('at 0.95 of the roof against Triton');
  expect(table).toContain('| ≥ 1 ×, **not reached** | 0.914 ×: 64,000 a second against 70,000 (delay 0.5 ms at 0.95');
});

test('processes, the mix and the dispatcher have a row each', () => {
  const process = { sharing: 'mps', processes: 12, code: 'compiled', copies: false };
  const rows = [
    { offered: 0.95, joined: served(76_000, 4000, { dispatcher: { busyUsPerJob: 1.5, launchUsPerJob: 0.4 } }) },
  ];
  const processes = [{ ...process, jobsPerS: 20_000, jobUs: { p50: 1, p99: 1, max: 1 } }];
  const models = [model({ rows, processes })];
  const mixed = { models: ['resnet18', 'unet'], joined: served(30_000, 900) };
  const table = renderTable(joiningRows({ models, mixed }));
  expect(table).toContain('in 12 processes under MPS | ≥ 3 × | 3.80 ×: 76,000 a second against 20,000 |');
  expect(table).toContain('| resnet18, unet joined, each at 0.2 of its roof, Streams 1×2_1: late | 0 | 0 of 2,000;');
  expect(table).toContain(
    '≤ 2 µs at 75,000 jobs a second | 1.50 µs at 76,000 jobs a second, 0.40 µs of it to launch |',
  );
});

test('the page has a line for each load and who served it', () => {
  const rows = [{ offered: 0.8, joined: served(64_000, 2000), freeLanes: served(63_000, 1900) }];
  const triton = [{ offered: 0.8, delayUs: 500, ...served(63_900, 4000) }];
  const page = joiningPart({ models: [model({ rows, triton, notRun: ['joined copied'] })] }).join('\n');
  expect(page).toContain(
    '| 0.8 | joined | Streams 1×2_1 | 3.0 | 64,000 | 0 | 0 % | 0 % | 0.50, 2.00 | 0.50, 6.00 | 20, 20 |',
  );
  expect(page).toContain('| 0.8 | Triton’s rule, delay 0.5 ms | Streams 1×2_1 | 3.0 | 63,900 |');
  expect(page).toContain('The time was too short for: joined copied.');
});
