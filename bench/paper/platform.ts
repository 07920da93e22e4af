// The two GPUs that the experiments are simulated on: what a job takes alone, what it demands, and how many tasks load it.
import { readFileSync } from 'node:fs';
import type { BatchedSet, UnbatchedSet } from '../gpu/sets.ts';
import type { GpuFit } from './fit.ts';
import { demandOf, type Demand } from './model.ts';
import { measuredVariation } from './variation.ts';
import {
  readOverhead,
  readPaper,
  readProbe,
  singleRate,
  type Gpu,
  type JoinedProbe,
  type PaperNetwork,
  type Probe,
} from './observations.ts';

/** One network on one GPU at one batch. */
export interface Job {
  readonly gpu: Gpu;
  readonly sms: number;
  readonly network: string;
  readonly batch: number;
  /** Of one job, alone on the whole GPU. */
  readonly aloneUs: number;
  readonly demand: Demand;
}

/** A set of tasks, High and Low, which all run that job. */
export interface TaskSet {
  readonly job: Job;
  readonly high: number;
  readonly low: number;
  readonly periodUs: number;
  /** Where jobs go together: units of each larger capacity, which are batches; ascending. */
  readonly units?: readonly Job[];
}

/** Table II has no set for ResNet50: 150 % (V), at the rate that the text gives to all but ResNet18, High and Low 1:2. */
export const RESNET50 = { load: 1.5, jobsPerS: 24 };
/** The rate of ResNet50 in the sets that were measured; that of ResNet18 in the paper. */
export const MEASURED_RESNET50_PER_S = 30;

export class Platforms {
  readonly #fits: ReadonlyMap<Gpu, GpuFit>;
  readonly #paper = readPaper();
  readonly #probe = readProbe();
  readonly #overhead = readOverhead();
  readonly variation = measuredVariation();

  constructor(fits: readonly GpuFit[]) {
    this.#fits = new Map(fits.map((fit) => [fit.gpu, fit]));
  }

  /** Batches between one and the roof are not published: a job of b is taken to need `T(1) + (b − 1) / roof`. */
  published(network: string, batch = 1): Job {
    const { alone, roof } = this.#known(network);
    const aloneUs = 1e6 / alone + ((batch - 1) * 1e6) / roof;
    return this.#job('RTX 2080 Ti', network, { batch, aloneUs, share: Math.min(1, (batch * 1e6) / aloneUs / roof) });
  }

  /** Table II; ResNet50 as said above. A job of b inputs waits for as many releases, so its period is b times as long. */
  publishedSet(network: string, batch = 1): TaskSet {
    const { roof, high, low, jobsPerS } = this.#known(network);
    const job = this.published(network, batch);
    if (high !== undefined && low !== undefined && jobsPerS !== undefined)
      return { job, high, low, periodUs: Math.round((batch * 1e6) / jobsPerS) };
    return { job, ...resnet50At(RESNET50.jobsPerS, roof), periodUs: periodOf(batch, RESNET50.jobsPerS) };
  }

  /** The same load of ResNet50 by tasks of another rate. */
  publishedResnet50(jobsPerS: number): TaskSet {
    const { roof } = this.#known('resnet50');
    return { job: this.published('resnet50'), ...resnet50At(jobsPerS, roof), periodUs: periodOf(1, jobsPerS) };
  }

  /** Load as measured: Table II's factor of what a bare loop reached on the GPU. */
  unbatchedSet({ model, load, bareLoop }: Pick<UnbatchedSet, 'model' | 'load' | 'bareLoop'>): TaskSet {
    const alone = singleRate(model, this.#overhead, this.#probe);
    const roof = Math.max(...Object.values(this.#probe.networks[model]?.oneStream ?? {}));
    if (alone === undefined) throw new Error(`${model} was never measured alone at batch 1`);
    const job = this.#job('NVIDIA H200', model, { batch: 1, aloneUs: 1e6 / alone, share: alone / roof });
    const jobsPerS = this.#jobsPerS(model);
    return { job, ...oneToTwo((load * bareLoop.elementsPerS) / jobsPerS), periodUs: periodOf(1, jobsPerS) };
  }

  /** Load as measured: Table II's factor of pure batching at the same batch. */
  batchedSet({
    model,
    batch,
    load,
    pureBatching,
  }: Pick<BatchedSet, 'model' | 'batch' | 'load' | 'pureBatching'>): TaskSet {
    const own = pureBatching[String(batch)] ?? Number.NaN;
    const share = own / Math.max(...Object.values(pureBatching));
    const job = this.#job('NVIDIA H200', model, { batch, aloneUs: (batch * 1e6) / own, share });
    const jobsPerS = this.#jobsPerS(model);
    return { job, ...oneToTwo((load * own) / batch / jobsPerS), periodUs: periodOf(1, jobsPerS) };
  }

  /** As many tasks, a third of them High, as ask for that share of the highest rate, and their units. */
  joinedSet(network: string, { offered, largest }: Pick<JoinedProbe, 'offered' | 'largest'>): TaskSet {
    const alone = this.#probedJob(network, 1);
    const capacities = Array.from({ length: Math.log2(largest) }, (_, i) => 2 ** (i + 1));
    const jobsPerS = JOINED_PER_S;
    return {
      job: alone,
      ...oneToTwo((offered * highest(this.#probe, network)) / jobsPerS),
      periodUs: periodOf(1, jobsPerS),
      units: capacities.map((batch) => this.#probedJob(network, batch)),
    };
  }

  /** Of batches that were not measured, times lie on a line between those that were. */
  #probedJob(network: string, batch: number): Job {
    const rates = Object.entries(this.#probe.networks[network]?.oneStream ?? {});
    const times = rates.map(([size, rate]) => ({ size: Number(size), us: (Number(size) * 1e6) / rate }));
    const above = times.find(({ size }) => size >= batch);
    const below = times.findLast(({ size }) => size <= batch);
    if (above === undefined || below === undefined)
      throw new Error(`${network} was not measured in batches of ${batch}`);
    const along = above.size === below.size ? 0 : (batch - below.size) / (above.size - below.size);
    const aloneUs = below.us + along * (above.us - below.us);
    const share = (batch * 1e6) / aloneUs / highest(this.#probe, network);
    return this.#job('NVIDIA H200', network, { batch, aloneUs, share });
  }

  /** The most that pure batching reaches on the paper's GPU. */
  roof(network: string): number {
    return this.#known(network).roof;
  }

  /** Whether a job of one input was measured alone on the H200, in the build that the engine ran. */
  isKnownAlone(network: string): boolean {
    return singleRate(network, this.#overhead, this.#probe) !== undefined;
  }

  #jobsPerS(network: string): number {
    return this.#known(network).jobsPerS ?? MEASURED_RESNET50_PER_S;
  }

  #known(network: string): PaperNetwork {
    const known = this.#paper.networks[network];
    if (known === undefined) throw new Error(`the paper says nothing of ${network}`);
    return known;
  }

  #job(gpu: Gpu, network: string, { batch, aloneUs, share }: { batch: number; aloneUs: number; share: number }): Job {
    const fit = this.#fits.get(gpu);
    if (fit === undefined) throw new Error(`nothing was fitted for ${gpu}`);
    return { gpu, sms: fit.sms, network, batch, aloneUs, demand: demandOf(fit.parameters, share) };
  }
}

/** The rate of a task in what was measured of joining. */
const JOINED_PER_S = 30;

function highest({ networks }: Probe, network: string): number {
  return Math.max(...Object.values(networks[network]?.oneStream ?? {}));
}

function periodOf(batch: number, jobsPerS: number): number {
  return Math.round((batch * 1e6) / jobsPerS);
}

function resnet50At(jobsPerS: number, roof: number): { high: number; low: number } {
  return oneToTwo((RESNET50.load * roof) / jobsPerS);
}

function oneToTwo(tasks: number): { high: number; low: number } {
  const high = Math.max(1, Math.round(tasks / 3));
  return { high, low: Math.max(1, Math.round(tasks) - high) };
}

export function readSets(): { batched: BatchedSet[]; unbatched: UnbatchedSet[] } {
  const read = (name: string): unknown => JSON.parse(readFileSync(`bench/results/gpu-${name}.json`, 'utf8'));
  return {
    batched: (read('sets') as { sets: BatchedSet[] }).sets,
    unbatched: (read('unbatched') as { sets: UnbatchedSet[] }).sets,
  };
}
