// What a task's counters did over the last window: a ring of samples at most one a second, and the newest one.
// Times are milliseconds of a monotonic clock.
import type { JobCounters } from './native/gen/runtime.ts';

export const windowMs = 60_000;
const sampleEveryMs = 1_000;

interface Sample {
  readonly atMs: number;
  readonly jobs: JobCounters;
}

export interface WindowFigures {
  /** Time that the figures cover, at most the window. */
  readonly coveredMs: number;
  readonly released: number;
  readonly admitted: number;
  readonly missed: number;
  readonly onTime: number;
}

export class CounterWindow {
  // Oldest first. The first one is the newest that is not younger than the window, so differences cover the whole of it.
  readonly #ring: Sample[] = [];
  #newest: Sample | undefined;

  /** `baseline`: the counters of a task that is known to have just begun; absent, the first sample is where we come in. */
  constructor(baseline?: { readonly atMs: number; readonly jobs: JobCounters }) {
    if (baseline !== undefined) this.add(baseline.atMs, baseline.jobs);
  }

  add(atMs: number, jobs: JobCounters): void {
    // After a gap nobody can say when within it the counters grew, so the window begins anew.
    if (this.#newest !== undefined && atMs - this.#newest.atMs > windowMs) this.#ring.length = 0;
    this.#newest = { atMs, jobs };
    const last = this.#ring.at(-1);
    if (last === undefined || atMs - last.atMs >= sampleEveryMs) this.#ring.push(this.#newest);
    while ((this.#ring[1]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs - windowMs) this.#ring.shift();
  }

  figures(): WindowFigures {
    const [first] = this.#ring;
    const newest = this.#newest;
    if (first === undefined || newest === undefined) {
      return { coveredMs: 0, released: 0, admitted: 0, missed: 0, onTime: 0 };
    }
    const grown = (name: keyof JobCounters): number => Math.max(0, newest.jobs[name] - first.jobs[name]);
    return {
      coveredMs: Math.min(newest.atMs - first.atMs, windowMs),
      released: grown('released'),
      admitted: grown('admitted'),
      missed: grown('missed'),
      onTime: grown('onTime'),
    };
  }
}
