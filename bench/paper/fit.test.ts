import { expect, test } from '@jest/globals';
import { fitAll, minimize, parametersOf, predictedRate, PRESSURE } from './fit.ts';
import type { Observation } from './observations.ts';

test('a smooth valley is found, also along a slope', () => {
  const [x = 0, y = 0] = minimize(([a = 0, b = 0]) => (a - 0.7) ** 2 + 10 * (a + b - 1.1) ** 2, [0, 0]);
  expect(x).toBeCloseTo(0.7, 3);
  expect(y).toBeCloseTo(0.4, 3);
});

/** What would be measured if the model were right. */
function observations(numbers: readonly number[]): Observation[] {
  const sharing = (contexts: number, streamsPerContext: number, smsPerContext: number) => ({
    sms: 132,
    contexts,
    streamsPerContext,
    smsPerContext,
  });
  const sharings = [sharing(1, 8, 132), sharing(8, 1, 18), sharing(1, 1, 64), sharing(4, 2, 72)];
  return ['resnet18', 'unet', 'resnet50'].flatMap((network, i) =>
    sharings.map((each) => {
      const point = { share: 0.1 + 0.3 * i, alone: 1000, sharing: each };
      const rate = predictedRate(PRESSURE, numbers, point);
      const common = { gpu: 'NVIDIA H200' as const, network, source: 's', configuration: 'c', batch: 1 };
      return { ...common, ...point, rate };
    }),
  );
}

test('what generated the observations is found again, and predicts a network that was not fitted', () => {
  const [h200] = fitAll(observations([0.05, 0.6, 0.03]));
  expect(h200?.parameters.leastSm).toBeCloseTo(0.05, 2);
  expect(h200?.parameters.smPerShare).toBeCloseTo(0.6, 2);
  expect(h200?.parameters.memory).toBeCloseTo(0.03, 2);
  expect(h200?.forms[0]?.test.bySource).toBeLessThan(0.005);
  expect(h200?.forms[0]?.fit.points).toBe(8);
});

test('two numbers leave the least demand at nothing', () => {
  expect(parametersOf([0.7, 0.1])).toEqual({ leastSm: 0, smPerShare: 0.7, memory: 0.1 });
});
