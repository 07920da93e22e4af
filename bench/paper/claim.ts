// What a claim is, and what claims are told from: results by network and configuration.
import { NETWORKS } from './experiments.ts';
import type { GpuFit } from './fit.ts';
import type { PaperGpu } from './observations.ts';
import { policyOf, type Policy } from './policies.ts';
import type { MeasuredRow, PaperResults } from './run.ts';
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
  /** Said where it does not hold. */
  readonly reason: string;
}

/** How near a throughput must be: the error that the model is allowed. */
export const NEAR = 0.15;
/** A drop is sharp from here on. */
export const SHARP = 0.2;

export const percent = (share: number): string => `${Number((share * 100).toFixed(Math.abs(share) < 0.1 ? 2 : 1))} %`;
export const signed = (share: number): string => `${share > 0 ? '+' : ''}${percent(share)}`;
export function fastest(runs: readonly Simulated[]): Simulated {
  const [first] = runs.toSorted((a, b) => b.inferencesPerS - a.inferencesPerS);
  if (first === undefined) throw new Error('no run of that kind');
  return first;
}

export function worstMissRate(runs: readonly Simulated[]): number {
  return Math.max(...runs.map(({ low }) => low.missRate));
}

/** Those in which a High job was late. */
export function highMissed(runs: readonly Simulated[]): Simulated[] {
  return runs.filter(({ high }) => high.missed > 0);
}

export class Lookup {
  readonly results: PaperResults;
  readonly paper: PaperGpu;

  readonly #fits: readonly GpuFit[];

  constructor(results: PaperResults, paper: PaperGpu, fits: readonly GpuFit[]) {
    this.results = results;
    this.paper = paper;
    this.#fits = fits;
  }

  /** Of the paper's GPU with all streams always busy, by the closed form. */
  busyRate(network: string, configuration: string): number {
    const predictions = this.#fits.filter(({ gpu }) => gpu === 'RTX 2080 Ti').flatMap((fit) => fit.predictions);
    const found = predictions.find((each) => each.network === network && each.configuration === configuration);
    return found?.predicted ?? Number.NaN;
  }

  main(network: string): readonly Simulated[] {
    return this.results.main[network] ?? [];
  }

  named(network: string, configuration: string): Simulated {
    const found = this.main(network).find((run) => run.configuration === configuration);
    if (found === undefined) throw new Error(`${network} was not simulated on ${configuration}`);
    return found;
  }

  of(network: string, policy: Policy): Simulated[] {
    return this.main(network).filter(({ configuration }) => policyOf(configuration) === policy);
  }

  networks(): Simulated[] {
    return NETWORKS.flatMap((network) => this.main(network));
  }

  h200(batch1: boolean, network?: string): readonly MeasuredRow[] {
    return this.results.measured.filter(
      (row) => (row.batch === 1) === batch1 && (network === undefined || row.network === network),
    );
  }
}
