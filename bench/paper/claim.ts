// What a claim is, and what claims are told from: results by network and configuration.
import { NETWORKS } from './experiments.ts';
import type { GpuFit } from './fit.ts';
import { slowdown } from './model.ts';
import type { PaperGpu } from './observations.ts';
import { Platforms, type Job } from './platform.ts';
import { divisionOf, policyOf, type Policy } from './policies.ts';
import type { MeasuredRow, PaperResults } from './results.ts';
import type { Simulated } from './simulate.ts';

export interface Claim {
  readonly where: string;
  readonly claim: string;
  readonly paper: string;
  readonly simulated: string;
  /** On the H200: simulated, and measured; empty where there is nothing. */
  readonly h200: string;
  readonly measured: string;
  readonly input: boolean;
  readonly holds: boolean;
  /** Where it does not hold. */
  readonly reason: string;
}

/** How near a throughput must be: the error that the model is allowed. */
export const NEAR = 0.15;
/** A drop is sharp from here on. */
export const SHARP = 0.2;
/** From here on streams count as always busy. */
export const BUSY = 0.95;

export const percent = (share: number): string => `${Number((share * 100).toFixed(Math.abs(share) < 0.1 ? 2 : 1))} %`;
export const signed = (share: number): string => `${share > 0 ? '+' : ''}${percent(share)}`;
export const number = (value: number): string => Math.round(value).toLocaleString('en-US');
export const ms = (us: number): string => (us / 1000).toFixed(1);

/** A reason, and whether the results bear it out. */
export type Reason = readonly [applies: boolean, words: string];

/** The first reason that the results bear out. A claim that differs for none of those on record ends the run. */
export function because(holds: boolean, claim: string, reasons: readonly Reason[]): string {
  if (holds) return '';
  const [, words] = reasons.find(([applies]) => applies) ?? [];
  if (words === undefined) throw new Error(`"${claim}" differs, and no reason on record fits the results`);
  return words;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function fastest(runs: readonly Simulated[]): Simulated {
  const [first] = runs.toSorted((a, b) => b.inferencesPerS - a.inferencesPerS);
  if (first === undefined) throw new Error('no run of that kind');
  return first;
}

/** In which most of the admitted Low jobs are late. */
export function worst(runs: readonly Simulated[]): Simulated {
  const [first] = runs.toSorted((a, b) => b.low.missRate - a.low.missRate);
  if (first === undefined) throw new Error('no run of that kind');
  return first;
}

/** Those in which a High job was late. */
export function highMissed(runs: readonly Simulated[]): Simulated[] {
  return runs.filter(({ high }) => high.missed > 0);
}

export function admittedShare({ low }: Simulated): number {
  return low.released === 0 ? 0 : 1 - (low.rejected + low.skipped) / low.released;
}

export class Lookup {
  readonly results: PaperResults;
  readonly paper: PaperGpu;
  readonly platforms: Platforms;

  constructor(results: PaperResults, paper: PaperGpu, fits: readonly GpuFit[]) {
    this.results = results;
    this.paper = paper;
    this.platforms = new Platforms(fits);
  }

  roof(network: string): number {
    return this.paper.networks[network]?.roof ?? Number.NaN;
  }

  /** What a job takes on the paper's GPU with all streams busy by like ones, microseconds, by the closed form. */
  busyUs(network: string, run: Simulated): number {
    const job: Job = this.platforms.published(network);
    const { contexts, streams } = divisionOf(run.configuration);
    const sharing = { sms: job.sms, contexts, streamsPerContext: streams, smsPerContext: run.smsPerContext };
    return job.aloneUs * slowdown(job.demand, sharing);
  }

  /** Jobs a second with all streams always busy, by the closed form. */
  busyRate(network: string, run: Simulated): number {
    const { contexts, streams } = divisionOf(run.configuration);
    return (contexts * streams * 1e6) / this.busyUs(network, run);
  }

  /** What the High tasks of the fullest context want, of what it does with all streams busy. */
  highLoad(network: string, run: Simulated): number {
    const { high, periodUs } = this.platforms.publishedSet(network);
    const { contexts, streams } = divisionOf(run.configuration);
    return (Math.ceil(high / contexts) * this.busyUs(network, run)) / periodUs / streams;
  }

  /** What one job books of a stream beside like ones on all others. */
  utilization(network: string, run: Simulated): number {
    return this.busyUs(network, run) / this.platforms.publishedSet(network).periodUs;
  }

  main(network: string): readonly Simulated[] {
    return this.results.main[network] ?? [];
  }

  named(network: string, configuration: string): Simulated {
    return namedIn(this.main(network), `${network} on the paper's GPU`, configuration);
  }

  of(network: string, policy: Policy): Simulated[] {
    return this.main(network).filter(({ configuration }) => policyOf(configuration) === policy);
  }

  networks(): Simulated[] {
    return NETWORKS.flatMap((network) => this.main(network));
  }

  /** The sweeps on the H200, by network and batch. */
  sweeps(): { network: string; batch: number; runs: readonly Simulated[] }[] {
    return Object.entries(this.results.h200.sweeps).map(([name, runs]) => {
      const [network = '', batch = ''] = name.split(' ');
      return { network, batch: Number(batch), runs };
    });
  }

  sweep(network: string, single: boolean): { batch: number; runs: readonly Simulated[] } | undefined {
    return this.sweeps().find((each) => each.network === network && (each.batch === 1) === single);
  }

  measured(network?: string, single?: boolean): readonly MeasuredRow[] {
    return this.results.h200.measured.filter(
      (row) =>
        (network === undefined || row.network === network) && (single === undefined || (row.batch === 1) === single),
    );
  }
}

export function namedIn(runs: readonly Simulated[], what: string, configuration: string): Simulated {
  const found = runs.find((run) => run.configuration === configuration);
  if (found === undefined) throw new Error(`${what} was not simulated on ${configuration}`);
  return found;
}

/** Of several measurements of one partitioning the first, which is the short one that its neighbours had as well. */
export function measuredOn(rows: readonly MeasuredRow[], configuration: string): MeasuredRow | undefined {
  return rows.find(({ run }) => run.configuration === configuration);
}

export function setName({ network, batch }: { network: string; batch: number }): string {
  return batch === 1 ? `${network} single` : `${network} of ${batch}`;
}
