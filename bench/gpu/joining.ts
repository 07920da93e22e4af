// Many tasks of one model at shares of its roof: joined under the scheduler, and by what people would run instead.
import {
  bareRuns,
  firstWindow,
  loadRuns,
  middle,
  nameOf,
  withoutFigures,
  type Dispatcher,
  type Document,
  type Line,
  type LoadRun,
  type Tasks,
} from './documents.ts';
import { completeProcesses, type Process } from './peers.ts';

export interface JoiningDocument extends Document {
  readonly models: Readonly<Record<string, ModelLines>>;
  readonly mixed: readonly Line[];
}

/** A model that is served in the mix alone has no more than its pure batching. */
interface ModelLines {
  readonly quick?: string;
  readonly pureBatching?: readonly Line[];
  readonly roofPerS?: number | null;
  readonly tried?: readonly Line[];
  readonly rows?: readonly Line[];
  readonly copied?: readonly Line[];
  readonly processes?: readonly Partial<Process>[];
}

/** One load served one way. */
export interface Served {
  readonly name: string;
  readonly seconds: number;
  readonly jobsPerS: number;
  readonly high: Tasks;
  readonly low: Tasks;
  readonly dispatcher?: Dispatcher;
}

/** The same load by the scheduler and by free lanes that refuse nobody; absent where the time was too short. */
export interface Pair {
  readonly joined?: Served;
  readonly freeLanes?: Served;
}

export interface OfferedPair extends Pair {
  readonly offered: number;
}

export interface TritonRun extends Served {
  readonly offered: number;
  readonly delayUs: number;
}

export interface JoinedModel {
  readonly model: string;
  readonly roofPerS: number;
  /** Jobs a second of pure batching on one stream, by batch. */
  readonly pureBatching: Readonly<Record<string, number>>;
  readonly tried: readonly (Served & { readonly offered: number })[];
  /** By the load, as a share of the roof, ascending. */
  readonly rows: readonly OfferedPair[];
  /** The High task of another model, a thousand times a second with a millisecond's deadline, beside 0.8. */
  readonly beside?: { readonly quick: string; readonly joined?: Tasks; readonly freeLanes?: Tasks };
  /** 0.8 with inputs from page-locked memory of the host. */
  readonly copied?: Pair;
  readonly triton: readonly TritonRun[];
  readonly processes: readonly Process[];
  readonly failed: readonly string[];
  readonly notRun: readonly string[];
}

export interface JoiningFigures {
  readonly models: readonly JoinedModel[];
  readonly mixed?: Pair & { readonly models: readonly string[] };
}

/** Throws a RangeError where no model was served. */
export function joiningFigures({ models, mixed }: JoiningDocument): JoiningFigures {
  const served = Object.entries(models).flatMap(([model, lines]) => joinedModel(model, lines) ?? []);
  if (served.length === 0) throw new RangeError('no model was served');
  const pair = pairOf(mixed, 'mixed', ' mixed');
  return pair === undefined ? { models: served } : { models: served, mixed: { ...pair, models: Object.keys(models) } };
}

function joinedModel(model: string, lines: ModelLines): JoinedModel | undefined {
  const { roofPerS, rows, quick = '', copied = [], tried = [], processes = [], pureBatching = [] } = lines;
  if (!roofPerS || rows === undefined) return undefined;
  const offered = loadRuns(rows).flatMap(({ line }) => Number(line.run) || []);
  const pairs = [...new Set(offered)].toSorted((a, b) => a - b);
  return {
    model,
    roofPerS,
    pureBatching: pureRates(pureBatching),
    tried: loadRuns(tried).map((run) => ({ ...servedOf(run), offered: Number(run.line.run) })),
    rows: pairs.map((share) => ({ offered: share, ...pairOf(rows, String(share)) })),
    ...present('beside', besideOf(rows, quick)),
    ...present('copied', pairOf(copied, undefined, ' copied')),
    triton: loadRuns(rows)
      .filter(({ line }) => line.figures?.rule === 'Triton')
      .map(tritonRun),
    processes: completeProcesses(processes),
    ...withoutFigures([...pureBatching, ...tried, ...rows, ...copied]),
  };
}

function present<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, T>);
}

function pureRates(lines: readonly Line[]): Record<string, number> {
  const runs = Map.groupBy(bareRuns(lines), ({ line }) => line.classes?.[0]?.batch ?? 0);
  const sorted = [...runs].toSorted(([a], [b]) => a - b);
  return Object.fromEntries(
    sorted.map(([batch, each]) => [String(batch), middle(each, ({ elementsPerS }) => elementsPerS).elementsPerS]),
  );
}

function servedOf(run: LoadRun): Served {
  const { seconds, jobsPerS, high, low } = firstWindow(run);
  const dispatcher = run.line.figures?.dispatcher ?? undefined;
  return { name: nameOf(run.partition), seconds, jobsPerS, high, low, ...present('dispatcher', dispatcher) };
}

/** The runs of that name in the beds `joined` and `free lanes`, with this at the end of their names. */
function pairOf(lines: readonly Line[], run: string | undefined, suffix = ''): Pair | undefined {
  const find = (bed: string): Served | undefined => {
    const found = loadRuns(lines).find(({ line }) => line.bed === bed + suffix && (run ?? line.run) === line.run);
    return found && servedOf(found);
  };
  const pair = { ...present('joined', find('joined')), ...present('freeLanes', find('free lanes')) };
  return Object.keys(pair).length === 0 ? undefined : pair;
}

/** Its group is the third. */
function besideOf(lines: readonly Line[], quick: string): JoinedModel['beside'] {
  const find = (bed: string): Tasks | undefined => {
    const found = loadRuns(lines).find(({ line }) => line.bed === bed);
    return found && firstWindow(found).groups?.[2];
  };
  const pair = {
    ...present('joined', find('joined beside')),
    ...present('freeLanes', find('free lanes beside')),
  };
  return Object.keys(pair).length === 0 ? undefined : { quick, ...pair };
}

/** Its run is named by load and delay. */
function tritonRun(run: LoadRun): TritonRun {
  const [offered = Number.NaN, delayUs = Number.NaN] = (run.line.run ?? '').split(' ').map(Number);
  return { offered, delayUs, ...servedOf(run) };
}
