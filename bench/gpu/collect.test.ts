import { expect, test } from '@jest/globals';
import { overheadFigures, type OverheadRun } from './collect.ts';

const round = (jobsPerS: number): OverheadRun['bare'][number] => ({
  jobsPerS,
  jobUs: { p50: 396, p99: 446, p999: 468, max: 671 },
  failed: 0,
});

const run: OverheadRun = {
  model: 'resnet18',
  batch: 1,
  stages: 4,
  copies: false,
  partition: { mode: 'GreenContexts', contexts: 2, streamsPerContext: 4, oversubscription: 1, sms: [72, 72] },
  afetUs: [136, 82, 84, 93],
  bare: [round(20_208), round(20_167), round(20_168)],
  scheduled: [round(9), round(30), round(20)],
  scheduledToBare: 0.998,
};

test('a run is told by its middle rounds', () => {
  expect(overheadFigures(run)).toMatchObject({
    contexts: 2,
    streamsPerContext: 4,
    smsPerContext: 72,
    scheduledToBare: 0.998,
    bare: { jobsPerS: 20_168 },
    scheduled: { jobsPerS: 20 },
  });
});

test('a run without rounds is refused', () => {
  expect(() => overheadFigures({ ...run, scheduled: [] })).toThrow('at least one round');
});
