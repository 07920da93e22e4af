import { expect, test } from '@jest/globals';
import { slowdown, slowdownWithoutLoss, smsOf } from './model.ts';
import { scenarioOf, type Partitioning } from './scenario.ts';
import { Simulator } from './simulate.ts';

const whole = { sms: 68, contexts: 1, streamsPerContext: 1, smsPerContext: 68 };

test('alone on the whole GPU nothing slows down; on half of it what depends on SMs takes twice as long', () => {
  expect(slowdown({ sm: 0.5, memory: 0.1 }, whole)).toBe(1);
  expect(slowdown({ sm: 0.5, memory: 0.1 }, { ...whole, smsPerContext: 34 })).toBe(1.5);
});

test('streams of one context and contexts over all SMs slow each other down alike', () => {
  const demand = { sm: 0.5, memory: 0.1 };
  expect(slowdown(demand, { ...whole, streamsPerContext: 2 })).toBeCloseTo(1.6, 12);
  expect(slowdown(demand, { ...whole, contexts: 2 })).toBeCloseTo(1.6, 12);
  expect(slowdown(demand, { ...whole, contexts: 2, smsPerContext: 34 })).toBeCloseTo(1.5 * 1.1, 12);
});

test('without loss nothing slows down until SMs run out', () => {
  const form = { scale: 1, exponent: 1 };
  expect(slowdownWithoutLoss(form, 0.25, { ...whole, streamsPerContext: 4 })).toBe(1);
  expect(slowdownWithoutLoss(form, 0.25, { ...whole, streamsPerContext: 8 })).toBe(2);
});

test('SMs of a context are even, and never more than there are', () => {
  expect([smsOf(68, 6, 1), smsOf(68, 6, 2), smsOf(68, 6, 6), smsOf(68, 10, 1.5)]).toEqual([12, 24, 68, 12]);
});

test('what the closed form predicts, the simulator does: overloaded like jobs on all streams', async () => {
  const job = {
    gpu: 'RTX 2080 Ti',
    sms: 68,
    network: 'n',
    batch: 1,
    aloneUs: 2000,
    demand: { sm: 0.3, memory: 0.1 },
  } as const;
  const simulator = new Simulator();
  const partitionings: Partitioning[] = [
    { contexts: 1, streamsPerContext: 4, oversubscription: 1 },
    { contexts: 3, streamsPerContext: 2, oversubscription: 1.5 },
    { contexts: 6, streamsPerContext: 1, oversubscription: 6 },
  ];
  for (const partitioning of partitionings) {
    const { contexts, streamsPerContext, oversubscription } = partitioning;
    const set = { job, high: 40, low: 60, periodUs: 40_000 };
    const run = {
      sets: [set],
      partitioning,
      durationUs: 2_000_000,
      variation: [
        [0, 1],
        [1, 1],
      ] as const,
    };
    const sharing = { sms: 68, contexts, streamsPerContext, smsPerContext: smsOf(68, contexts, oversubscription) };
    const predicted = (contexts * streamsPerContext * 1e6) / job.aloneUs / slowdown(job.demand, sharing);
    const { jobsPerS } = await simulator.run(run);
    expect(Math.abs(jobsPerS / predicted - 1)).toBeLessThan(0.02);
    expect(scenarioOf(run).tasks.filter(({ priority }) => priority === 'High')).toHaveLength(40);
  }
}, 60_000);
