// Periods for the speed of this machine: the examples name those of a typical one. Pure.
import { formatDurationUs } from '../../api/durations.ts';

export interface Paced {
  name: string;
  /** Execution time of one job with every stream busy, as measured here. */
  afetUs: number;
  periodUs: number;
  offsetUs: number;
}

export interface Fit {
  /** What all periods and offsets are multiplied by; 1 where they fit as they are. */
  factor: number;
  /** The merge patch of each task's spec; empty where the factor is 1. */
  patches: ReadonlyMap<string, { period: string; offset: string }>;
}

/** Loads between these are left alone, as a share of the target. */
const tolerance = 0.04;

function wholeMs(us: number): string {
  return formatDurationUs(Math.round(us / 1000) * 1000);
}

/** Stretches or shrinks all periods alike so that the tasks together load `streams` streams to `target`. */
export function fitPeriods(tasks: readonly Paced[], streams: number, target: number): Fit {
  const load = tasks.reduce((sum, { afetUs, periodUs }) => sum + afetUs / periodUs, 0) / streams;
  const factor = load / target;
  if (Math.abs(factor - 1) <= tolerance) return { factor: 1, patches: new Map() };
  const patches = tasks.map(({ name, periodUs, offsetUs }): [string, { period: string; offset: string }] => [
    name,
    { period: wholeMs(factor * periodUs), offset: wholeMs(factor * offsetUs) },
  ]);
  return { factor, patches: new Map(patches) };
}
