// Task sets, batched and not: what each partitioning and test of admission made of the same load.
import {
  bareRuns,
  firstWindow,
  loadRuns,
  middle,
  nameOf,
  ratio,
  withoutFigures,
  type Document,
  type Line,
  type LoadRun,
  type Tasks,
} from './documents.ts';

interface TaskSet {
  readonly model: string;
  readonly batch: number;
  readonly load: number;
  readonly period_us: number;
  readonly ratePerS: number;
}

export interface SetsDocument extends Document {
  readonly sets: Readonly<
    Record<string, { set: TaskSet; pureBatching: readonly Line[]; sweep: readonly Line[]; best: readonly Line[] }>
  >;
}

export interface UnbatchedDocument extends Document {
  readonly sets: Readonly<Record<string, { set: TaskSet; capacity: readonly Line[]; sweep: readonly Line[] }>>;
}

/** One partitioning under one test. */
export interface Served {
  readonly name: string;
  readonly admission: string;
  readonly sms: number;
  readonly seconds: number;
  readonly elementsPerS: number;
  readonly high: Tasks;
  readonly low: Tasks;
}

interface SetFigures {
  readonly model: string;
  readonly batch: number;
  readonly load: number;
  readonly best: Served;
  readonly sweep: readonly Served[];
  readonly failed: readonly string[];
  readonly notRun: readonly string[];
}

export interface BatchedSet extends SetFigures {
  /** Elements a second of one stream by batch. */
  readonly pureBatching: Readonly<Record<string, number>>;
  readonly againstPure: number;
  readonly againstRoof: number;
}

export interface UnbatchedSet extends SetFigures {
  /** The fastest bare loop of all partitionings that were tried. */
  readonly bareLoop: { readonly name: string; readonly elementsPerS: number };
  readonly againstBare: number;
}

/** LP jobs that may be late, of those admitted. */
export const MOST_LOW_MISSES = 0.02;

export function setsFigures({ sets }: SetsDocument): { sets: BatchedSet[] } {
  return { sets: Object.values(sets).map(batchedSet) };
}

function batchedSet({ set, pureBatching, sweep, best }: SetsDocument['sets'][string]): BatchedSet {
  const pure = pureRates(pureBatching);
  const own = pure[String(set.batch)];
  if (own === undefined) throw new RangeError(`${set.model}: pure batching at ${set.batch} was not measured`);
  const longest = loadRuns(best).map(served);
  const chosen = bestOf(longest.length > 0 ? longest : loadRuns(sweep).map(served));
  return {
    ...termsOf(set),
    pureBatching: pure,
    againstPure: ratio(chosen.elementsPerS, own),
    againstRoof: ratio(chosen.elementsPerS, Math.max(...Object.values(pure))),
    best: chosen,
    sweep: [...loadRuns(sweep).map(served), ...longest],
    ...withoutFigures([...sweep, ...best]),
  };
}

export function unbatchedFigures({ sets }: UnbatchedDocument): { sets: UnbatchedSet[] } {
  return { sets: Object.values(sets).map(unbatchedSet) };
}

function unbatchedSet({ set, capacity, sweep }: UnbatchedDocument['sets'][string]): UnbatchedSet {
  const bare = bareRuns([...capacity, ...sweep]).toSorted((a, b) => b.elementsPerS - a.elementsPerS)[0];
  if (bare?.line.partition === undefined) throw new RangeError(`${set.model}: no bare loop was run`);
  const all = loadRuns(sweep).map(served);
  const chosen = bestOf(all);
  return {
    ...termsOf(set),
    bareLoop: { name: nameOf(bare.line.partition), elementsPerS: bare.elementsPerS },
    againstBare: ratio(chosen.elementsPerS, bare.elementsPerS),
    best: chosen,
    sweep: all,
    ...withoutFigures(sweep),
  };
}

function termsOf({ model, batch, load }: TaskSet): { model: string; batch: number; load: number } {
  return { model, batch, load };
}

/** The middle round of each batch. */
function pureRates(lines: readonly Line[]): Record<string, number> {
  const runs = bareRuns(lines);
  const batches = [...new Set(runs.map(({ line }) => line.classes?.[0]?.batch ?? 0))].toSorted((a, b) => a - b);
  const of = (batch: number): number =>
    middle(
      runs.filter(({ line }) => line.classes?.[0]?.batch === batch),
      ({ elementsPerS }) => elementsPerS,
    ).elementsPerS;
  return Object.fromEntries(batches.map((batch) => [String(batch), of(batch)]));
}

function served(run: LoadRun): Served {
  const { seconds, elementsPerS, high, low } = firstWindow(run);
  const sms = run.partition.sms[0] ?? 0;
  return { name: nameOf(run.partition), admission: run.admission, sms, seconds, elementsPerS, high, low };
}

/** No HP job late or left out, few LP ones late. */
export function isWithinBounds({ high, low }: Pick<Served, 'high' | 'low'>): boolean {
  return high.missed + high.skipped + high.failed === 0 && low.missRate < MOST_LOW_MISSES;
}

/** The fastest of those within bounds; where there is none, the fastest of all, which then misses its goals. */
export function bestOf(all: readonly Served[]): Served {
  const within = all.filter(isWithinBounds);
  const [best] = (within.length > 0 ? within : all).toSorted((a, b) => b.elementsPerS - a.elementsPerS);
  if (best === undefined) throw new RangeError('no partitioning was served');
  return best;
}
