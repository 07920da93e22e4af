// Samples of the whole demo, as a Prometheus would keep them: in the notation in which promtool plays them back. Pure.

/** Whom a Prometheus would scrape, by the labels that it adds. */
export interface Target {
  readonly job: string;
  readonly instance: string;
}

/** Value by series, with its labels. */
export type Samples = ReadonlyMap<string, number>;

/** What a target answered, of the metrics that are wanted. */
export function samplesOf(text: string, target: Target, wanted: (metric: string) => boolean): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name !== '' && wanted(name)) samples.set(seriesOf(name, target, labels), numberOf(value));
  }
  return samples;
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

/** The series by which a Prometheus tells whether a target answers. */
export function upOf(target: Target, up: boolean): Samples {
  return new Map([[seriesOf('up', target, ''), up ? 1 : 0]]);
}

function seriesOf(name: string, { job, instance }: Target, labels: string): string {
  return `${name}{job="${job}",instance="${instance}"${labels === '' ? '' : `,${labels}`}}`;
}

export class Recording {
  /** Of each series its values, a token for each scrape so far. */
  private readonly series = new Map<string, string[]>();
  private taken = 0;

  /** How many scrapes there are. */
  get scrapes(): number {
    return this.taken;
  }

  /** The next scrape. A series that is not in it any more is stale from here on, as where a target does not answer. */
  add(samples: Samples): void {
    for (const name of samples.keys()) {
      if (!this.series.has(name)) this.series.set(name, Array<string>(this.taken).fill('_'));
    }
    for (const [name, values] of this.series) {
      const value = samples.get(name);
      const last = values.at(-1);
      const ended = last === undefined || last === '_' || last === 'stale';
      values.push(value === undefined ? (ended ? '_' : 'stale') : String(value).replace('inity', ''));
    }
    this.taken += 1;
  }

  /** Values of each series in promtool's notation, sorted by series. */
  values(): Record<string, string> {
    const sorted = [...this.series].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted.map(([name, values]) => [name, shortened(values)]));
  }
}

/** `1 1 1 _ _` is `1x2 _x2`: a value is repeated so many more times, a gap is so long. Inf and NaN cannot be repeated. */
function shortened(values: readonly string[]): string {
  const runs: { value: string; length: number }[] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run?.value === value && !/Inf|NaN/.test(value)) run.length += 1;
    else runs.push({ value, length: 1 });
  }
  return runs
    .map(({ value, length }) => {
      if (length === 1) return value;
      return `${value}x${value === '_' ? length : length - 1}`;
    })
    .join(' ');
}
