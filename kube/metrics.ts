/**
 * Counters, gauges and histograms in Prometheus text format. Labels are declared, and each metric keeps a bounded number of
 * label sets, so that a name from user input cannot fill the memory.
 */

export type Labels<L extends string> = { readonly [K in L]: string };

export interface MetricOptions<L extends string> {
  /** Prometheus name: snake_case, unit as suffix, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
  /** Label sets kept; those beyond are counted under `kube_metric_overflow_total`. Absent: 1,000. */
  readonly maxSeries?: number;
}

export interface HistogramOptions<L extends string> extends MetricOptions<L> {
  /** Upper bounds, ascending, without +Inf. */
  readonly buckets: readonly number[];
}

export interface Counter<L extends string> {
  /** @throws RangeError for a negative amount */
  add(amount: number, labels: Labels<L>): void;
  /** Mirrors a total that is counted elsewhere. */
  setTotal(total: number, labels: Labels<L>): void;
  remove(labels: Labels<L>): void;
}

export interface Gauge<L extends string> {
  set(value: number, labels: Labels<L>): void;
  remove(labels: Labels<L>): void;
}

export interface Histogram<L extends string> {
  observe(value: number, labels: Labels<L>): void;
  /** Mirrors a histogram that is kept elsewhere: one count per bucket plus one for what lies above, not cumulative. */
  setCounts(counts: readonly number[], sum: number, labels: Labels<L>): void;
  remove(labels: Labels<L>): void;
}

/** All metrics of a process. Asking again for a name gives the same metric; another type or label list is refused. */
export class MetricRegistry {
  counter<L extends string = never>(_options: MetricOptions<L>): Counter<L> {
    throw new Error('not yet');
  }

  gauge<L extends string = never>(_options: MetricOptions<L>): Gauge<L> {
    throw new Error('not yet');
  }

  histogram<L extends string = never>(_options: HistogramOptions<L>): Histogram<L> {
    throw new Error('not yet');
  }

  /** Runs before each exposition, for gauges that are read rather than set. */
  onCollect(_collect: () => void): void {}

  /** Text exposition format 0.0.4. */
  expose(): string {
    throw new Error('not yet');
  }
}
