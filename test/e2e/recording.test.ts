import { expect, test } from '@jest/globals';

import { Recording, samplesOf, upOf } from './recording.ts';

const target = { job: 'daris-agent', instance: 'node-1' };

test('what a target answers, with the labels that a Prometheus adds', () => {
  const text = '# HELP daris_a Words.\ndaris_a 1\ndaris_b{task="x",namespace="n"} 2.5\nother 3\ndaris_c +Inf\n';
  const samples = samplesOf(text, target, (metric) => metric.startsWith('daris_'));
  expect(Object.fromEntries(samples)).toEqual({
    'daris_a{job="daris-agent",instance="node-1"}': 1,
    'daris_b{job="daris-agent",instance="node-1",task="x",namespace="n"}': 2.5,
    'daris_c{job="daris-agent",instance="node-1"}': Number.POSITIVE_INFINITY,
  });
  expect([...upOf(target, false)]).toEqual([['up{job="daris-agent",instance="node-1"}', 0]]);
});

test('values in the notation of promtool: runs, gaps, and what ended', () => {
  const recording = new Recording();
  const add = (samples: Record<string, number>): void => recording.add(new Map(Object.entries(samples)));
  add({ a: 1 });
  add({ a: 1, b: 7 });
  add({ a: 1, b: 8 });
  add({ a: 2 });
  add({ a: 2 });
  add({ a: 2, b: 9 });
  add({ a: Infinity });
  add({ a: Infinity });
  expect(recording.scrapes).toBe(8);
  expect(recording.values()).toEqual({ a: '1x2 2x2 Inf Inf', b: '_ 7 8 stale _ 9 stale _' });
});
