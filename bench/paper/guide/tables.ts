// The tables of docs/choosing.md: what each choice did on the H200, and what it cost.
import type { Served } from '../../gpu/sets.ts';
import { runOf, setsOf, streamsAtOnce, streamsOnly, titleOf, type MeasuredGpu, type MeasuredSet } from './measured.ts';
import { markdown, ms, number, ratio, share } from './words.ts';

/** Images a second and High responses, by streams of one context. */
export function streamsTable(gpu: MeasuredGpu): string {
  const sets = setsOf(gpu);
  const counts = [...new Set(sets.flatMap(streamsOnly).map(streamsAtOnce))].toSorted((a, b) => a - b);
  const cell = (set: MeasuredSet, count: number): string => {
    const run = streamsOnly(set).find((each) => streamsAtOnce(each) === count);
    return run === undefined ? '–' : `${number(run.elementsPerS)}; ${ms(run.high.responseUs?.p50)}`;
  };
  return markdown(
    ['images a second; High p50, ms', ...counts.map((count) => `1×${count}`)],
    sets.map((set) => [titleOf(set), ...counts.map((count) => cell(set, count))]),
  );
}

const EIGHT = ['Streams 1×8_1', 'GreenContexts 8×1_8', 'GreenContexts 8×1_1'] as const;
const TWO = ['Streams 1×2_1', 'GreenContexts 2×1_2', 'GreenContexts 2×1_1.5', 'GreenContexts 2×1_1'] as const;

function divisionCell(run: Served | undefined): string {
  if (run === undefined) return '–';
  const { elementsPerS, high, low } = run;
  return `${number(elementsPerS)}; ${ms(high.responseUs?.p99)}; ${share(low.missRate)}`;
}

function divisionTable(names: readonly string[], sets: readonly MeasuredSet[]): string {
  return markdown(
    [
      'images a second; High p99, ms; Low late',
      ...names.map((name) => name.replace(/_1$/, (end) => (name.startsWith('Streams') ? '' : end))),
    ],
    sets.map((set) => [titleOf(set), ...names.map((name) => divisionCell(runOf(set, name)))]),
  );
}

export function eightTable(gpu: MeasuredGpu): string {
  return divisionTable(EIGHT, setsOf(gpu));
}

export function twoTable(gpu: MeasuredGpu): string {
  return divisionTable(TWO, gpu.batches);
}

/** What each set's best does, of what was asked for. */
export function overloadTable(gpu: MeasuredGpu): string {
  return markdown(
    [
      'set',
      'load',
      'the best',
      'High late',
      'High p99, ms',
      'Low late',
      'Low in time',
      'Low p99, ms',
      'images a second, of the roof',
    ],
    setsOf(gpu).map((set) => {
      const { high, low, elementsPerS, name, admission } = set.best;
      return [
        titleOf(set),
        ratio(set.load),
        `${name.replace(/^Streams (.*)_1$/, 'Streams $1')}, ${admission}`,
        `${high.missed + high.skipped + high.failed} of ${number(high.released)}`,
        ms(high.responseUs?.p99),
        share(low.missRate),
        share(low.onTimeRate),
        ms(low.responseUs?.p99),
        ratio(elementsPerS / set.roofPerS),
      ];
    }),
  );
}

export function copiesTable({ overhead }: MeasuredGpu): string {
  const rows = overhead.runs
    .filter(({ copies }) => copies)
    .flatMap((copied) => {
      const resident = overhead.runs.find(
        (run) =>
          !run.copies &&
          run.mode === copied.mode &&
          run.smsPerContext === copied.smsPerContext &&
          run.contexts === copied.contexts &&
          run.streamsPerContext === copied.streamsPerContext,
      );
      if (resident === undefined) return [];
      const { mode, contexts, streamsPerContext, model } = copied;
      const [without, withCopies] = [resident.scheduled, copied.scheduled];
      return [
        [
          `${model}, ${mode} ${contexts}×${streamsPerContext}`,
          number(without.jobsPerS),
          number(withCopies.jobsPerS),
          share(withCopies.jobsPerS / without.jobsPerS - 1),
          `${ms(without.jobUs.p99)}, ${ms(withCopies.jobUs.p99)}`,
        ],
      ];
    });
  return markdown(['partitioning', 'jobs a second', 'with copies', 'change', 'p99 of a job, ms: without, with'], rows);
}
