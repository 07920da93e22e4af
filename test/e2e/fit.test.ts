import { expect, test } from '@jest/globals';

import { fitPeriods } from './fit.ts';

const camera = { name: 'camera', afetUs: 20_000, periodUs: 50_000, offsetUs: 10_000 };
const map = { name: 'map', afetUs: 40_000, periodUs: 100_000, offsetUs: 0 };

test('periods whose load is close to the target are left alone', () => {
  expect(fitPeriods([camera, map], 2, 0.41)).toEqual({ factor: 1, patches: new Map() });
});

test('a slow machine gets longer periods, and offsets keep their share of them', () => {
  const { factor, patches } = fitPeriods([camera, map], 1, 0.4);
  expect(factor).toBeCloseTo(2);
  expect(patches.get('camera')).toEqual({ period: '100ms', offset: '20ms' });
  expect(patches.get('map')).toEqual({ period: '200ms', offset: '0us' });
});

test('a fast machine gets shorter ones', () => {
  const { patches } = fitPeriods([camera], 1, 0.8);
  expect(patches.get('camera')).toEqual({ period: '25ms', offset: '5ms' });
});
