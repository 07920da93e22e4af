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
  /** Label sets kept; what goes to others is lost and counted in `metrics_overflow_total`. Absent: 1,000. */
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

/** What a metric is, whatever it says at present. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** What a metric of any type has to do for the registry. */
interface Metric {
  readonly description: MetricDescription;
  readonly shape: string;
  expose(): string;
}

/** All metrics of a process. Asking again for a name gives the same metric; another type or label list is refused. */
export class MetricRegistry {
  readonly #metrics = new Map<string, Metric>();
  readonly #collectors: (() => void)[] = [];
  readonly #overflow = new ScalarMetric({
    type: 'counter',
    name: 'metrics_overflow_total',
    help: 'Observations lost because a metric had its full number of label sets.',
    labels: ['metric'],
    onOverflow: () => undefined,
  });

  counter<L extends string = never>(options: MetricOptions<L>): Counter<L> {
    return this.#register(new ScalarMetric({ ...options, type: 'counter', onOverflow: this.#onOverflow }));
  }

  gauge<L extends string = never>(options: MetricOptions<L>): Gauge<L> {
    return this.#register(new ScalarMetric({ ...options, type: 'gauge', onOverflow: this.#onOverflow }));
  }

  histogram<L extends string = never>(options: HistogramOptions<L>): Histogram<L> {
    return this.#register(new HistogramMetric({ ...options, type: 'histogram', onOverflow: this.#onOverflow }));
  }

  /** Runs before each exposition, for figures that are read rather than reported. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Text exposition format 0.0.4. */
  expose(): string {
    for (const collect of this.#collectors) collect();
    return this.#all()
      .map((metric) => metric.expose())
      .join('');
  }

  /** All metrics there are, in the order of their creation. */
  describe(): MetricDescription[] {
    return this.#all().map(({ description }) => description);
  }

  #all(): Metric[] {
    return [...this.#metrics.values(), this.#overflow];
  }

  #register<M extends Metric>(metric: M & { readonly name: string }): M {
    const known = this.#metrics.get(metric.name);
    if (known === undefined) {
      this.#metrics.set(metric.name, metric);
      return metric;
    }
    if (known.shape !== metric.shape) {
      throw new RangeError(`metric ${metric.name} exists as ${known.shape}, and is asked for as ${metric.shape}`);
    }
    return known as M;
  }

  readonly #onOverflow = (metric: string): void => this.#overflow.add(1, { metric });
}

interface FamilyOptions<L extends string> extends MetricOptions<L> {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly onOverflow: (metric: string) => void;
}

/** One named metric with its series, keyed by their rendered labels. */
abstract class Family<L extends string, S> implements Metric {
  readonly name: string;
  readonly #options: FamilyOptions<L>;
  readonly #series = new Map<string, S>();

  constructor(options: FamilyOptions<L>) {
    if (!/^[a-z][a-z0-9_]*$/.test(options.name)) throw new RangeError(`${options.name} is no metric name`);
    this.name = options.name;
    this.#options = options;
  }

  get description(): MetricDescription {
    const { name, type, help } = this.#options;
    return { name, type, help, labels: this.#labels() };
  }

  get shape(): string {
    return `${this.#options.type} by ${this.#labels().join(', ') || 'nothing'}`;
  }

  remove(labels: Labels<L>): void {
    this.#series.delete(this.#render(labels));
  }

  expose(): string {
    const lines = [...this.#series].flatMap(([labels, series]) => this.lines(labels, series));
    const help = this.#options.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    return [`# HELP ${this.name} ${help}`, `# TYPE ${this.name} ${this.#options.type}`, ...lines, ''].join('\n');
  }

  protected abstract create(): S;
  protected abstract lines(labels: string, series: S): string[];

  protected at(labels: Labels<L>): S | undefined {
    const key = this.#render(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= (this.#options.maxSeries ?? 1000)) {
      this.#options.onOverflow(this.name);
      return undefined;
    }
    const created = this.create();
    this.#series.set(key, created);
    return created;
  }

  #labels(): readonly L[] {
    return this.#options.labels ?? [];
  }

  #render(labels: Labels<L>): string {
    return this.#labels()
      .map((name) => `${name}="${escapeLabel(labels[name])}"`)
      .join(',');
  }
}

class ScalarMetric<L extends string> extends Family<L, { value: number }> implements Counter<L>, Gauge<L> {
  add(amount: number, labels: Labels<L>): void {
    if (!(amount >= 0)) throw new RangeError(`counter ${this.name} cannot go back by ${amount}`);
    const series = this.at(labels);
    if (series !== undefined) series.value += amount;
  }

  set(value: number, labels: Labels<L>): void {
    const series = this.at(labels);
    if (series !== undefined) series.value = value;
  }

  setTotal(total: number, labels: Labels<L>): void {
    this.set(total, labels);
  }

  protected override create(): { value: number } {
    return { value: 0 };
  }

  protected override lines(labels: string, { value }: { value: number }): string[] {
    return [`${this.name}${labels === '' ? '' : `{${labels}}`} ${formatNumber(value)}`];
  }
}

interface Distribution {
  counts: number[];
  sum: number;
}

class HistogramMetric<L extends string> extends Family<L, Distribution> implements Histogram<L> {
  readonly #bounds: readonly number[];

  constructor(options: HistogramOptions<L> & FamilyOptions<L>) {
    super(options);
    this.#bounds = options.buckets;
  }

  override get shape(): string {
    return `${super.shape} with bounds ${this.#bounds.join(', ')}`;
  }

  observe(value: number, labels: Labels<L>): void {
    const series = this.at(labels);
    if (series === undefined) return;
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = found < 0 ? this.#bounds.length : found;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += value;
  }

  setCounts(counts: readonly number[], sum: number, labels: Labels<L>): void {
    const expected = this.#bounds.length + 1;
    if (counts.length !== expected) {
      throw new RangeError(`histogram ${this.name} has ${expected} buckets, ${counts.length} were given`);
    }
    const series = this.at(labels);
    if (series !== undefined) Object.assign(series, { counts: [...counts], sum });
  }

  protected override create(): Distribution {
    return { counts: this.#bounds.map(() => 0).concat(0), sum: 0 };
  }

  protected override lines(labels: string, { counts, sum }: Distribution): string[] {
    const comma = labels === '' ? '' : ',';
    const braced = labels === '' ? '' : `{${labels}}`;
    let total = 0;
    const buckets = counts.map((count, index) => {
      const bound = formatNumber(this.#bounds[index] ?? Infinity);
      return `${this.name}_bucket{${labels}${comma}le="${bound}"} ${(total += count)}`;
    });
    return [...buckets, `${this.name}_sum${braced} ${formatNumber(sum)}`, `${this.name}_count${braced} ${total}`];
  }
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
