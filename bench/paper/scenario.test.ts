import { expect, test } from '@jest/globals';
import { meanSizeOf } from './joined.ts';
import { smsOf } from './model.ts';
import { distributionOf, PERCENTILES } from './responses.ts';
import { inGroups, nameOf, scenarioOf, type Phases } from './scenario.ts';
import { STEADY, widened } from './variation.ts';

const SMS = 132;

test.each([
  [8, 1, 24],
  [8, 2, 40],
  [2, 1, 72],
  [4, 1.5, 56],
  [6, 6, 132],
])('%i contexts at OS %d have the SMs that an H200 granted: %i', (contexts, oversubscription, sms) => {
  const granted = inGroups({ contexts, streamsPerContext: 1, oversubscription }, SMS, 8);
  expect(smsOf(SMS, contexts, granted.oversubscription)).toBe(sms);
  expect(nameOf(granted)).toBe(`${contexts}×1_${oversubscription}`);
});

function phases(of: Phases): number[] {
  const demand = { sm: 0.1, memory: 0.1 };
  const job = { gpu: 'RTX 2080 Ti', sms: 68, network: 'n', batch: 1, aloneUs: 1000, demand } as const;
  const partitioning = { contexts: 1, streamsPerContext: 2, oversubscription: 1 };
  const set = { job, high: 2, low: 4, periodUs: 6000 };
  const run = { sets: [set], partitioning, durationUs: 20_000, variation: STEADY, phases: of };
  return scenarioOf(run).tasks.map(({ phaseUs }) => phaseUs);
}

test('first releases are spread, together, or drawn, the same for the same seed', () => {
  expect(phases('spread')).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
  expect(phases('together')).toEqual([0, 0, 0, 0, 0, 0]);
  expect(phases({ seed: 3 })).toEqual(phases({ seed: 3 }));
  expect(phases({ seed: 3 })).not.toEqual(phases({ seed: 4 }));
  expect(Math.max(...phases({ seed: 3 }))).toBeLessThan(6000);
});

test('wider times exceed the median by so many times as much', () => {
  const wide = widened(
    [
      [0, 1],
      [1, 1.25],
    ],
    4,
  );
  expect(wide).toEqual([
    [0, 1],
    [1, 2],
  ]);
});

test('a distribution has nearest ranks, by priority', () => {
  const finish = (task: string, response: number): string => JSON.stringify({ t: 0, e: 'finish', task, response });
  const lines = Array.from({ length: 100 }, (_, i) => finish('a', 100 - i));
  const { High, Low } = distributionOf([...lines, '{"e":"complete","task":"b"}', ''].join('\n'), (task) =>
    task === 'a' ? 'High' : 'Low',
  );
  expect(High).toEqual(PERCENTILES.map((percentile) => Math.max(1, percentile)));
  expect(Low).toBeNull();
});

test('joined tasks are a class whose units take and demand what their batches do', () => {
  const job = (batch: number, sm: number) =>
    ({
      gpu: 'NVIDIA H200',
      sms: SMS,
      network: 'n',
      batch,
      aloneUs: 400 * batch,
      demand: { sm, memory: 0.05 },
    }) as const;
  const set = { job: job(1, 0.1), high: 1, low: 2, periodUs: 6000, units: [job(2, 0.2), job(4, 0.4)] };
  const partitioning = { contexts: 1, streamsPerContext: 1, oversubscription: 1 };
  const { joining, tasks } = scenarioOf({ sets: [set], partitioning, durationUs: 12_000, variation: STEADY });
  expect(joining?.capacities).toEqual([1, 2, 4]);
  expect(joining?.classes[0]?.demand).toEqual([
    { smPpm: 200_000, memoryPpm: 50_000 },
    { smPpm: 400_000, memoryPpm: 50_000 },
  ]);
  expect(joining?.classes[0]?.afetUs).toEqual([
    [200, 200, 200, 200],
    [400, 400, 400, 400],
  ]);
  expect(tasks.map((task) => task.class)).toEqual(['n', 'n', 'n']);
});

test('the mean size of units counts each unit once', () => {
  const dispatch = (stage: number, jobs?: number): string => JSON.stringify({ e: 'dispatch', stage, jobs });
  expect(meanSizeOf([dispatch(0, 3), dispatch(0, 3), dispatch(0, 3), dispatch(1, 3), dispatch(0)].join('\n'))).toBe(2);
});
