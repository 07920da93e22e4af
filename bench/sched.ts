// Reads what google-benchmark and valgrind say about the scheduler core.
import { spreadOf, type Spread } from './result.ts';

/** One repetition of one benchmark, as `--benchmark_format=json` lists it. */
export interface Repetition {
  readonly run_name: string;
  readonly run_type: string;
  readonly real_time: number;
  readonly cpu_time: number;
  readonly [counter: string]: unknown;
}

/** The repetitions by benchmark, aggregates left out. */
export function byBenchmark(json: string): Map<string, Repetition[]> {
  const { benchmarks } = JSON.parse(json) as { benchmarks: Repetition[] };
  const groups = new Map<string, Repetition[]>();
  for (const one of benchmarks.filter(({ run_type: type }) => type === 'iteration')) {
    groups.set(one.run_name, [...(groups.get(one.run_name) ?? []), one]);
  }
  return groups;
}

/** One counter over all repetitions; a counter that is missing is an error. */
export function counterSpread(repetitions: readonly Repetition[], counter: string): Spread {
  return spreadOf(
    repetitions.map((repetition) => {
      const value = repetition[counter];
      if (typeof value !== 'number') throw new TypeError(`${repetition.run_name} has no counter ${counter}`);
      return value;
    }),
  );
}

export interface Counted {
  readonly instructions: number;
  readonly level1Misses: number;
}

/** The totals at the end of `valgrind --tool=callgrind --cache-sim=yes`. */
export function totalsIn(output: string): Counted {
  const numbers = (title: string): string[] =>
    new RegExp(`${title}\\s*: (.*)`).exec(output)?.[1]?.trim().split(/\s+/) ?? [];
  const names = numbers('Events');
  const values = numbers('Collected').map(Number);
  const of = (name: string): number => {
    const value = values[names.indexOf(name)];
    if (value === undefined) throw new Error(`valgrind counted no ${name}: ${output.slice(-500)}`);
    return value;
  };
  return { instructions: of('Ir'), level1Misses: of('D1mr') + of('D1mw') };
}

/** What one stage takes, by the difference of two runs, in which set-up and tear-down cancel out. */
export function perStage(short: Counted, long: Counted, stages: number): Counted {
  return {
    instructions: Math.round((long.instructions - short.instructions) / stages),
    level1Misses: Math.round(((long.level1Misses - short.level1Misses) / stages) * 100) / 100,
  };
}
