// What the loading of a second model does to the High tasks of the first.
import { loadRuns, nameOf, ratio, type Document, type Line, type LoadRun, type Times } from './documents.ts';

export interface LoadBesideDocument extends Document {
  readonly load: number;
  readonly runs: readonly Line[];
}

export interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly jobs: number;
  readonly missed: number;
  readonly responseUs: Times | null;
}

export interface BesideRun {
  readonly name: string;
  readonly second: string;
  readonly phases: readonly Phase[];
  readonly missed: number;
  /** HP p99 while it comes, over that before. */
  readonly p99Ratio: number;
  /** The longest HP response while it comes, and the phase that it was released in. */
  readonly longest: { readonly phase: string; readonly us: number };
}

export interface LoadBesideFigures {
  readonly load: number;
  readonly runs: readonly BesideRun[];
}

/** A p99 of fewer jobs is one job's time. */
const FEWEST_JOBS = 100;
const COMING = ['load', 'measure', 'firstSlot', 'otherSlots'];

export function loadBesideFigures({ load, runs }: LoadBesideDocument): LoadBesideFigures {
  return { load, runs: loadRuns(runs).map(besideRun) };
}

function besideRun({ line, partition, windows }: LoadRun): BesideRun {
  const phases = windows.map(({ name, seconds, high }) => ({
    name,
    seconds,
    jobs: high.ended,
    missed: high.missed + high.skipped + high.failed,
    responseUs: high.responseUs,
  }));
  const p99 = (of: string): number => {
    const phase = phases.find(({ name }) => name === of);
    if (phase?.responseUs && phase.jobs >= FEWEST_JOBS) return phase.responseUs.p99;
    throw new RangeError(`${line.bed}: fewer than ${FEWEST_JOBS} jobs ${of} the coming of the second model`);
  };
  const coming = phases.filter(({ name }) => COMING.includes(name));
  const [slowest] = coming.toSorted((a, b) => (b.responseUs?.max ?? 0) - (a.responseUs?.max ?? 0));
  return {
    name: nameOf(partition),
    second: line.run?.replace('beside ', '') ?? '',
    phases,
    missed: phases.reduce((all, { missed }) => all + missed, 0),
    p99Ratio: ratio(p99('during'), p99('before')),
    longest: { phase: slowest?.name ?? '', us: slowest?.responseUs?.max ?? 0 },
  };
}
