// Job counters of a task: as the runtime counts them, as status keeps them, and what survives of them a restart.
import type { TaskRuntime } from './resources.ts';
import type { JobCounters } from './native/gen/runtime.ts';

export const counterNames = [
  'released',
  'skipped',
  'rejected',
  'rejectedByUtilization',
  'rejectedByPrediction',
  'early',
  'superseded',
  'withdrawn',
  'admitted',
  'completed',
  'missed',
  'dropped',
  'failed',
  'onTime',
] as const satisfies readonly (keyof JobCounters)[];

export const zeroCounters: JobCounters = Object.freeze(counters(() => 0));

export function counters(valueOf: (name: keyof JobCounters) => number): JobCounters {
  return Object.fromEntries(counterNames.map((name) => [name, valueOf(name)])) as unknown as JobCounters;
}

/** The larger of each: counters only grow, so the larger one is the later one. */
export function laterCounters(one: JobCounters, other: JobCounters): JobCounters {
  return counters((name) => Math.max(one[name], other[name]));
}

/** What `status.runtime.jobs` says; zeros where it says nothing. */
export function countersOfStatus(runtime: TaskRuntime | undefined): JobCounters {
  const jobs = runtime?.jobs;
  return jobs === undefined ? zeroCounters : counters((name) => jobs[name] ?? 0);
}
