// What the experiments of bench/gpu leave, as far as results are made of it.
import type { Origin } from '../result.ts';

export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One document of an experiment; beside these it has what the experiment found. */
export interface Document extends Origin {
  readonly experiment: string;
  readonly engine: string;
}

/** One line of gpu-bench: a run of a bed, or why there is none. */
export interface Line {
  readonly bed: string;
  readonly run?: string;
  readonly error?: string;
  readonly notRun?: string;
  readonly partition?: Partition;
  readonly classes?: readonly {
    model: string;
    batch: number;
    stages: number;
    afetUs: readonly number[];
    /** What the stages take when so many jobs go together. */
    capacities?: readonly { jobs: number; afetUs: readonly number[] }[];
  }[];
  readonly figures?: Figures;
}

export interface Partition {
  readonly mode: string;
  readonly contexts: number;
  readonly streamsPerContext: number;
  readonly oversubscription: number;
  readonly sms: readonly number[];
}

/** Of a bare loop, which has rates, or of a load, which has windows. */
export interface Figures {
  readonly jobsPerS?: number;
  readonly elementsPerS?: number;
  readonly jobUs: Times | null;
  readonly failed: number;
  readonly admission?: string;
  /** Of a rule of queues, which has windows like a load. */
  readonly rule?: string;
  readonly dispatcher?: Dispatcher | null;
  readonly compared?: number;
  readonly different?: number;
  readonly windows?: readonly Window[];
}

/** What a dispatcher that spins spends on its work, in microseconds of its time a job. */
export interface Dispatcher {
  readonly busyUsPerJob: number;
  /** Part of it, inside the engine's launch. */
  readonly launchUsPerJob: number;
}

export interface Window {
  readonly name: string;
  readonly seconds: number;
  readonly jobsPerS: number;
  readonly elementsPerS: number;
  readonly high: Tasks;
  readonly low: Tasks;
  /** One for each group of tasks where there are more than two. */
  readonly groups?: readonly Tasks[];
}

/** What became of the releases of a window. */
export interface Tasks {
  readonly released: number;
  readonly admitted: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly ended: number;
  readonly missed: number;
  readonly failed: number;
  readonly missRate: number;
  readonly onTimeRate: number;
  readonly migrated: number;
  /** Mean over the jobs of how many went together with each, itself included. */
  readonly unitJobs?: number;
  readonly responseUs: Times | null;
  readonly migratedUs?: Times;
  readonly stayedUs?: Times | null;
}

export interface BareRun {
  readonly line: Line;
  readonly jobsPerS: number;
  readonly elementsPerS: number;
  readonly jobUs: Times;
}

export interface LoadRun {
  readonly line: Line;
  readonly partition: Partition;
  readonly admission: string;
  readonly jobUs: Times | null;
  readonly windows: readonly Window[];
}

/** Bare loops among the lines. */
export function bareRuns(lines: readonly Line[]): BareRun[] {
  return lines.flatMap((line) => {
    const { jobsPerS, elementsPerS, jobUs } = line.figures ?? {};
    if (jobsPerS === undefined || elementsPerS === undefined || !jobUs) return [];
    return [{ line, jobsPerS, elementsPerS, jobUs }];
  });
}

/** Loads through the scheduler among the lines. */
export function loadRuns(lines: readonly Line[]): LoadRun[] {
  return lines.flatMap((line) => {
    const { windows, admission = '', jobUs = null } = line.figures ?? {};
    if (windows === undefined || line.partition === undefined) return [];
    return [{ line, partition: line.partition, admission, jobUs, windows }];
  });
}

/** Beds that failed, and beds that the time was too short for. */
export function withoutFigures(lines: readonly Line[]): { failed: string[]; notRun: string[] } {
  return {
    failed: lines.filter(({ error }) => error !== undefined).map(({ bed, error }) => `${bed}: ${error}`),
    notRun: lines.filter(({ notRun }) => notRun !== undefined).map(({ bed }) => bed),
  };
}

/** The one with the middle value. Throws a RangeError where there is none. */
export function middle<T>(values: readonly T[], of: (value: T) => number): T {
  const sorted = values.toSorted((a, b) => of(a) - of(b));
  const found = sorted[Math.floor(sorted.length / 2)];
  if (found === undefined) throw new RangeError('at least one round is needed');
  return found;
}

/** Division in three decimals. */
export function ratio(part: number, whole: number): number {
  return Math.round((part / whole) * 1000) / 1000;
}

/** The first window of a run. Throws a RangeError where there is none. */
export function firstWindow({ windows, line }: LoadRun): Window {
  const [window] = windows;
  if (window === undefined) throw new RangeError(`${line.bed} was served without a window`);
  return window;
}

/** N_c×N_s_OS in the paper's way of writing, with the policy before it. */
export function nameOf({ mode, contexts, streamsPerContext, oversubscription }: Partition): string {
  return `${mode} ${contexts}×${streamsPerContext}_${oversubscription}`;
}
