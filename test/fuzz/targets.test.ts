import { expect, test } from '@jest/globals';
import { artifactIn, commandOf, runsIn, secondsOf, targets } from './targets.ts';

test('the scheduler core has all of the time, the others a part, none of them nothing', () => {
  const core = targets.filter(({ name }) => name.startsWith('sched_'));
  expect(core.map((target) => secondsOf(target, 300))).toEqual([300]);
  for (const target of targets) expect(secondsOf(target, 1)).toBe(1);
});

test('a run starts from what was found before, then from the seeds', () => {
  const [target] = targets.filter(({ seeds }) => seeds !== undefined);
  if (target === undefined) throw new Error('no target has seeds');
  expect(commandOf(target, 30).slice(-2)).toEqual([`build/fuzz/corpus/${target.name}`, target.seeds]);
});

test('output of libFuzzer is understood', () => {
  const crashed = "artifact_prefix='build/x-'; Test unit written to build/x-crash-da39a3\nBase64: AA==\n";
  expect(artifactIn(crashed)).toBe('build/x-crash-da39a3');
  expect(artifactIn('Done 119579 runs in 21 second(s)')).toBeUndefined();
  expect(runsIn('stat::number_of_executed_units: 119579\nstat::average_exec_per_sec:     5694\n')).toBe(119_579);
  expect(runsIn('Segmentation fault')).toBe(0);
});
