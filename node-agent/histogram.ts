// The runtime's response histogram in the agent's buckets: the runtime's are its own affair and may be many, while each
// exposed bucket is a time series for each task.
import type { Histogram } from './native/gen/runtime.ts';

/** Upper bounds in seconds, from fractions of a frame to what no real-time task should ever take. */
export const responseBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1, 5] as const;

export interface Rebucketed {
  /** One count a bucket of `responseBuckets`, and one for what lies above; not cumulative. */
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

/** A bucket that straddles one of ours counts by its upper bound: a time is never shown shorter than it may have been. */
export function rebucket(histogram: Histogram): Rebucketed {
  const counts = [...responseBuckets, Number.POSITIVE_INFINITY].map(() => 0);
  histogram.counts.forEach((count, index) => {
    const upperSeconds = (histogram.boundsUs[index] ?? Number.POSITIVE_INFINITY) / 1_000_000;
    const found = responseBuckets.findIndex((bound) => upperSeconds <= bound);
    const bucket = found < 0 ? responseBuckets.length : found;
    counts[bucket] = (counts[bucket] ?? 0) + count;
  });
  return { counts, sumSeconds: histogram.sumUs / 1_000_000 };
}
