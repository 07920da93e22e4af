// What spec leaves out, and what it gets wrong.
import { describe, expect, test } from '@jest/globals';

import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import { storedTask } from '../testing.ts';
import { resolveTerms, type Terms } from './terms.ts';

const defaults: Terms = {
  generation: 1,
  priority: 'High',
  periodUs: 20_000,
  deadlineUs: 20_000,
  release: 'OnRequest',
  releaseJitterUs: 10_000,
  offsetUs: 0,
  batchSize: 1,
  lateJobs: 'Finish',
  maxMissRate: '0',
};

type Spec = Partial<RealtimeInferenceTask['spec']>;

const resolved: Record<string, { spec: Spec; want: Partial<Terms> }> = {
  'nothing but what must be said': { spec: {}, want: {} },
  'a deadline': { spec: { deadline: '15.5ms' }, want: { deadlineUs: 15_500 } },
  'an odd period has half of it, rounded down, as jitter': {
    spec: { period: '16667us' },
    want: { periodUs: 16_667, deadlineUs: 16_667, releaseJitterUs: 8_333 },
  },
  everything: {
    spec: {
      period: '1m30s',
      deadline: '1s',
      priority: 'Low',
      release: 'Periodic',
      offset: '2ms',
      batchSize: 8,
      lateJobs: 'Drop',
      maxMissRate: '0.01',
      releaseJitter: '0ms',
    },
    want: {
      periodUs: 90_000_000,
      deadlineUs: 1_000_000,
      priority: 'Low',
      release: 'Periodic',
      releaseJitterUs: 0,
      offsetUs: 2_000,
      batchSize: 8,
      lateJobs: 'Drop',
      maxMissRate: '0.01',
    },
  },
};

describe('terms', () => {
  test.each(Object.entries(resolved))('of %s', (_name, { spec, want }) => {
    expect(resolveTerms(storedTask({ spec }))).toEqual({ ...defaults, ...want });
  });

  test('carry the generation that they come from', () => {
    expect(resolveTerms(storedTask({ generation: 7 })).generation).toBe(7);
  });
});

const refused: Record<string, { spec: object; want: string }> = {
  'a period without unit': { spec: { period: '33' }, want: 'spec.period: "33" is not a duration' },
  'a period that is a number': { spec: { period: 33 }, want: 'spec.period: "33" is not a duration' },
  'no period': { spec: { period: undefined }, want: 'spec.period: "undefined" is not a duration' },
  'period 0': { spec: { period: '0ms' }, want: 'spec.period: "0ms" must be a duration above 0, like 33ms' },
  'a negative period': { spec: { period: '-1ms' }, want: 'spec.period: "-1ms" is not a duration' },
  'a deadline above the period': { spec: { deadline: '21ms' }, want: 'spec.deadline: "21ms" must be' },
  'an offset of the period': { spec: { offset: '20ms' }, want: 'spec.offset: "20ms" must be' },
  'an unknown priority': { spec: { priority: 'Medium' }, want: 'spec.priority: "Medium" must be High or Low' },
  'an unknown release': { spec: { release: 'Never' }, want: 'spec.release: "Never" must be Periodic or OnRequest' },
  'batch 0': { spec: { batchSize: 0 }, want: 'spec.batchSize: "0" must be a whole number from 1' },
  'half a batch': { spec: { batchSize: 1.5 }, want: 'spec.batchSize: "1.5" must be a whole number from 1' },
};

test.each(Object.entries(refused))('a spec with %s is refused by name', (_name, { spec, want }) => {
  expect(() => resolveTerms(storedTask({ spec }))).toThrow(want);
});
