// Fits the model to what was measured of ResNet18 and UNet, and tells its error there and on ResNet50 and InceptionV3:
// `node bench/paper/fit.ts` writes bench/paper/results/fit.json. The same input gives the same bytes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { demandOf, slowdown, slowdownWithoutLoss, type Demand, type Parameters, type Sharing } from './model.ts';
import { FITTED_NETWORKS, readObservations, type Gpu, type Observation } from './observations.ts';

export const FIT_FILE = 'bench/paper/results/fit.json';

/** A form of the model: what its numbers predict a job's slowdown to be. */
interface Form {
  readonly name: string;
  readonly start: Readonly<Record<Gpu, readonly number[]>>;
  readonly slowdown: (numbers: readonly number[], share: number, sharing: Sharing) => number;
}

/** Two points of the 2080 Ti are published of the fitted networks, so no more than two numbers are fitted there. */
export const PRESSURE: Form = {
  name: 'pressure',
  start: { 'NVIDIA H200': [0.05, 0.7, 0.05], 'RTX 2080 Ti': [0.7, 0.05] },
  slowdown: (numbers, share, sharing) => slowdown(demandOf(parametersOf(numbers), share), sharing),
};

export const WITHOUT_LOSS: Form = {
  name: 'SMs without loss',
  start: { 'NVIDIA H200': [1, 0.5], 'RTX 2080 Ti': [1, 0.5] },
  slowdown: ([scale = 1, exponent = 1], share, sharing) => slowdownWithoutLoss({ scale, exponent }, share, sharing),
};

export const ROOF: Form = {
  name: 'SMs without loss, demand as of the roof',
  start: { 'NVIDIA H200': [], 'RTX 2080 Ti': [] },
  slowdown: (_, share, sharing) => slowdownWithoutLoss({ scale: 1, exponent: 1 }, share, sharing),
};

export function parametersOf(numbers: readonly number[]): Parameters {
  const [memory = 0, smPerShare = 0, leastSm = 0] = numbers.toReversed();
  return { leastSm, smPerShare, memory };
}

type Point = Pick<Observation, 'share' | 'alone' | 'sharing'>;

export function predictedRate(form: Form, numbers: readonly number[], { share, alone, sharing }: Point): number {
  return (alone * sharing.contexts * sharing.streamsPerContext) / form.slowdown(numbers, share, sharing);
}

function error(form: Form, numbers: readonly number[], point: Observation): number {
  return predictedRate(form, numbers, point) / point.rate - 1;
}

export function mean(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0) / values.length;
}

function groupOf({ network, source }: Observation): string {
  return `${network}|${source}`;
}

/** Each source of each network counts once, however many configurations it has. */
function meanOfGroups(points: readonly Observation[], value: (point: Observation) => number): number {
  const groups = Map.groupBy(points, groupOf);
  return mean([...groups.values()].map((group) => mean(group.map(value))));
}

/** Every way to leave, raise or lower each of so many numbers. */
function directions(count: number): number[][] {
  if (count === 0) return [[]];
  return directions(count - 1).flatMap((rest) => [0, 1, -1].map((sign) => [...rest, sign]));
}

/** Steps to the best neighbour, halved where none is better: no randomness, no derivative. */
export function minimize(loss: (numbers: readonly number[]) => number, start: readonly number[]): number[] {
  let [best, least] = [[...start], loss(start)];
  for (let step = 0.2; step > 1e-6;) {
    const before = least;
    const from = best;
    for (const signs of directions(start.length)) {
      const tried = from.map((value, i) => Math.max(0, value + (signs[i] ?? 0) * step));
      const found = loss(tried);
      if (found < least) [best, least] = [tried, found];
    }
    if (!(least < before)) step /= 2;
  }
  return best;
}

function fitted({ network }: Observation): boolean {
  return FITTED_NETWORKS.includes(network);
}

export interface Errors {
  /** Mean absolute error, each source of each network once; and each point once. */
  readonly bySource: number;
  readonly byPoint: number;
  readonly points: number;
}

export interface FormFit {
  readonly form: string;
  readonly numbers: readonly number[];
  readonly fit: Errors;
  readonly test: Errors;
}

function errorsOf(form: Form, numbers: readonly number[], points: readonly Observation[]): Errors {
  const absolute = (point: Observation): number => Math.abs(error(form, numbers, point));
  return {
    bySource: round(meanOfGroups(points, absolute)),
    byPoint: round(mean(points.map(absolute))),
    points: points.length,
  };
}

function fit(form: Form, gpu: Gpu, points: readonly Observation[]): FormFit {
  const [known, test] = [points.filter(fitted), points.filter((point) => !fitted(point))];
  const loss = (numbers: readonly number[]): number => meanOfGroups(known, (point) => error(form, numbers, point) ** 2);
  const numbers = minimize(loss, form.start[gpu]).map(round);
  return { form: form.name, numbers, fit: errorsOf(form, numbers, known), test: errorsOf(form, numbers, test) };
}

export interface SourceErrors {
  readonly network: string;
  readonly source: string;
  readonly fitted: boolean;
  readonly points: number;
  /** Mean absolute error, mean error, and the largest by size, with its configuration. */
  readonly absolute: number;
  readonly signed: number;
  readonly worst: number;
  readonly worstAt: string;
}

export interface Prediction {
  readonly network: string;
  readonly source: string;
  readonly fitted: boolean;
  readonly configuration: string;
  readonly batch: number;
  readonly measured: number;
  readonly predicted: number;
  readonly error: number;
}

export interface GpuFit {
  readonly gpu: Gpu;
  readonly sms: number;
  readonly forms: readonly FormFit[];
  readonly parameters: Parameters;
  readonly sources: readonly SourceErrors[];
  readonly predictions: readonly Prediction[];
}

function sourceErrors(points: readonly Observation[], numbers: readonly number[]): SourceErrors[] {
  return [...Map.groupBy(points, groupOf).values()].flatMap((group) => {
    const errors = group.map((point) => ({ point, value: error(PRESSURE, numbers, point) }));
    const [worst] = errors.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value));
    if (worst === undefined) return [];
    const { network, source, batch, configuration } = worst.point;
    return [
      {
        network,
        source,
        fitted: fitted(worst.point),
        points: group.length,
        absolute: round(mean(errors.map(({ value }) => Math.abs(value)))),
        signed: round(mean(errors.map(({ value }) => value))),
        worst: round(worst.value),
        worstAt: `${configuration}, batch ${batch}`,
      },
    ];
  });
}

function prediction(point: Observation, numbers: readonly number[]): Prediction {
  const { network, source, configuration, batch, rate } = point;
  const predicted = predictedRate(PRESSURE, numbers, point);
  return {
    network,
    source,
    fitted: fitted(point),
    configuration,
    batch,
    measured: Math.round(rate),
    predicted: Math.round(predicted),
    error: round(predicted / rate - 1),
  };
}

export function fitAll(observations: readonly Observation[]): GpuFit[] {
  return [...Map.groupBy(observations, ({ gpu }) => gpu)].map(([gpu, points]) => {
    const forms = [PRESSURE, WITHOUT_LOSS, ROOF].map((form) => fit(form, gpu, points));
    const numbers = forms[0]?.numbers ?? [];
    return {
      gpu,
      sms: points[0]?.sharing.sms ?? 0,
      forms,
      parameters: parametersOf(numbers),
      sources: sourceErrors(points, numbers),
      predictions: points.map((point) => prediction(point, numbers)),
    };
  });
}

/** Of a job that reaches this share of the GPU's throughput alone. */
export function fittedDemand({ parameters }: GpuFit, share: number): Demand {
  return demandOf(parameters, share);
}

function round(value: number): number {
  return Number(value.toFixed(4));
}

if (import.meta.main) {
  mkdirSync('bench/paper/results', { recursive: true });
  writeFileSync(FIT_FILE, `${JSON.stringify({ gpus: fitAll(readObservations()) }, null, 2)}\n`);
  process.stdout.write(`${FIT_FILE} written\n`);
}
