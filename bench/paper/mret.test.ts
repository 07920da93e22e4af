import { expect, test } from '@jest/globals';
import { mretFigures } from './mret.ts';
import { factors, meanFactor, variationOf } from './variation.ts';

const complete = (task: string, stage: number, exec: number, mret: number): string =>
  JSON.stringify({ t: 0, e: 'complete', task, job: 0, stage, exec, missed: false, mret });

test('a stage and its job are held against the MRETs before it, not against those that it made', () => {
  const lines = [0, 1, 2, 3].map((stage) => complete('a', stage, 10, 10));
  const next = [complete('a', 0, 12, 12), complete('a', 1, 9, 10), complete('a', 2, 10, 10), complete('a', 3, 8, 10)];
  const figures = mretFigures([...lines, ...next, '{"t":0,"e":"finish","task":"a"}', ''].join('\n'), 'a');
  expect(figures).toEqual({ exceeded: 0, jobs: 1, stagesExceeded: 1, stages: 4, series: [[39, 40]] });
});

test('varied times have the mean that they vary about, and the same seed the same times', () => {
  const variation = variationOf({ p50: 100, p99: 120, p999: 150, max: 200 });
  expect(meanFactor(variation)).toBeCloseTo(1 + 0.49 * 0.1 + 0.009 * 0.35 + 0.001 * 0.75, 12);
  const times = factors(variation, 3, 50_000);
  expect(times.reduce((all, time) => all + time, 0) / times.length).toBeCloseTo(1, 2);
  expect(Math.max(...times) / Math.min(...times)).toBeGreaterThan(1.5);
  expect(factors(variation, 3, 10)).toEqual(times.slice(0, 10));
});
