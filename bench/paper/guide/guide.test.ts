import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { Served } from '../../gpu/sets.ts';
import { readResults } from '../results.ts';
import { readMeasured, runOf, setsOf, titleOf, type MeasuredGpu, type MeasuredSet } from './measured.ts';
import { guideOf } from './page.ts';

const results = readResults();
const gpu = readMeasured();

/** The same measurements, but for some runs. */
function changed(change: (run: Served, set: MeasuredSet) => Served): MeasuredGpu {
  const each = (set: MeasuredSet): MeasuredSet => ({ ...set, sweep: set.sweep.map((run) => change(run, set)) });
  return { ...gpu, singles: gpu.singles.map(each), batches: gpu.batches.map(each) };
}

test('every set that was measured is in the guide, with no figure missing', () => {
  const page = guideOf(gpu, results);
  for (const set of setsOf(gpu)) expect(page).toContain(titleOf(set));
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('the guide says what the committed page says', () => {
  expect(readFileSync('docs/choosing.md', 'utf8')).toBe(guideOf(gpu, results));
});

test('where results no longer bear the advice out, there is no guide', () => {
  const slowStreams = changed((run) =>
    run.name.startsWith('Streams') ? { ...run, elementsPerS: run.elementsPerS / 2 } : run,
  );
  expect(() => guideOf(slowStreams, results)).toThrow('within an eighth of the best partitioning');
  const lateHigh = changed((run) => ({ ...run, high: { ...run.high, missed: run.high.missed + 1 } }));
  expect(() => guideOf(lateHigh, results)).toThrow('no number of streams keeps the bounds');
});

test('of runs of one partitioning the longest counts, then that under the default test', () => {
  const set = setsOf(gpu).find(({ network, batch }) => network === 'resnet18' && batch === 32);
  if (set === undefined) throw new Error('resnet18 was not measured in batches');
  expect(runOf(set, 'Streams 1×2_1')).toMatchObject({ seconds: set.best.seconds, admission: 'Predicted' });
  expect(runOf(set, 'Streams 1×2_1', 'Utilization')).toMatchObject({ admission: 'Utilization' });
  expect(runOf(set, 'Streams 1×3_1')).toBeUndefined();
});
