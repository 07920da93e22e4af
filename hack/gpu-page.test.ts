import { expect, test } from '@jest/globals';
import type { Served } from '../bench/gpu/sets.ts';
import { figuresOf, pageOf } from './gpu-page.ts';
import type { GpuResults } from './gpu-rows.ts';

const tasks = (missed: number): object => ({
  released: 100,
  missed,
  rejected: 40,
  skipped: 0,
  failed: 0,
  missRate: missed / 100,
  onTimeRate: 0.5,
  responseUs: missed === 0 ? { p50: 1500, p99: 2500, max: 3000 } : null,
});

const served = (name: string, elementsPerS: number, missed = 0): Served =>
  ({ name, admission: 'Predicted', sms: 132, seconds: 10, elementsPerS, high: tasks(missed), low: tasks(0) }) as Served;

const best = served('Streams 1×2_1', 68_000);
const results = {
  gpu: 'GPU',
  sets: {
    sets: [
      {
        model: 'resnet18',
        batch: 32,
        load: 1.49,
        pureBatching: { 32: 56_960, 256: 82_944 },
        againstPure: 1.194,
        againstRoof: 0.82,
        best,
        sweep: [served('GreenContexts 4×2_2', 40_000, 1), best],
        failed: ['GC 10x1_1: no'],
        notRun: ['GC 5x2_5'],
      },
    ],
  },
} as unknown as GpuResults;

test('each partitioning has its row, the fastest first, and what was left out is said', () => {
  const page = pageOf(results);
  expect(page).toContain('Pure batching, images a second by batch: 32: 56,960, 256: 82,944.');
  const rows = page.split('\n').filter((line) => line.includes('| 132 | Predicted |'));
  expect(rows).toEqual([
    '| Streams 1×2_1 | 132 | Predicted | 10.0 | 68,000 | 1.19 | 0 | 40.0 % | 0.0 % | 50.0 % | 1.50, 2.50 | 1.50, 2.50 |',
    '| GreenContexts 4×2_2 | 132 | Predicted | 10.0 | 40,000 | 0.70 | 1 | 40.0 % | 0.0 % | 50.0 % | none | 1.50, 2.50 |',
  ]);
  expect(page).toContain('Failed: GC 10x1_1: no.');
  expect(page).toContain('The time was too short for: GC 5x2_5.');
  expect(page).toContain('![gpu-sets.svg](figures/gpu-sets.svg)');
});

test('a drawing has a point for each run, hollow where a bound was not kept', () => {
  const drawing = figuresOf(results)['gpu-sets.svg'] ?? '';
  expect(drawing.match(/<circle[^>]*><title>[^<]/g)).toHaveLength(2);
  expect(drawing).toMatch(/fill="none"><title>GreenContexts 4×2_2 Predicted: 0.70</);
  expect(drawing).not.toMatch(/NaN|undefined/);
});

test('experiments that were not run have no drawing', () => {
  expect(figuresOf({ gpu: 'GPU' })).toEqual({});
});
