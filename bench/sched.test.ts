import { expect, test } from '@jest/globals';
import { byBenchmark, counterSpread, perStage, totalsIn } from './sched.ts';

const repetition = (name: string, cpu: number, type = 'iteration'): object => ({
  run_name: name,
  run_type: type,
  real_time: 2 * cpu,
  cpu_time: cpu,
  admitted: cpu / 10,
});

test('repetitions are grouped, aggregates left out', () => {
  const groups = byBenchmark(
    JSON.stringify({
      benchmarks: [repetition('a', 1), repetition('b', 5), repetition('a', 3), repetition('a', 2, 'aggregate')],
    }),
  );
  expect([...groups.keys()]).toEqual(['a', 'b']);
  expect(counterSpread(groups.get('a') ?? [], 'cpu_time')).toMatchObject({ count: 2, min: 1, max: 3 });
  expect(() => counterSpread(groups.get('a') ?? [], 'bytes')).toThrow('a has no counter bytes');
});

test('instructions a stage are the difference of two runs', () => {
  const output = (instructions: number, misses: number): string =>
    `==9== \n==9== Events    : Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw\n==9== Collected : ${instructions} 5 5 1 ${misses} 20 0 0 0\n==9==`;
  const short = totalsIn(output(1000, 80));
  expect(short).toEqual({ instructions: 1000, level1Misses: 100 });
  expect(perStage(short, totalsIn(output(3000, 85)), 10)).toEqual({ instructions: 200, level1Misses: 0.5 });
  expect(() => totalsIn('valgrind: not found')).toThrow('counted no Ir');
});
