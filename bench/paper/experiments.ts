// Every experiment of the paper (V, VI), as lists of runs: throughput and misses by configuration, batching, ablations,
// execution times against MRET, ratios of High to Low tasks. On the paper's GPU; bench/paper/h200.ts has the other one.
import type { SchedulerSpec } from '../../test/simulator/scenario.ts';
import { readPaper } from './observations.ts';
import type { Platforms, TaskSet } from './platform.ts';
import type { Partitioning, Phases, Run } from './scenario.ts';
import { STEADY, widened, type Variation } from './variation.ts';

/** 150 releases of a task of the paper. */
export const PAPER_US = 5_000_000;
const MOST_JOBS = 10;

export const NETWORKS = ['resnet18', 'unet', 'inceptionv3'] as const;
/** VI-H. */
export const BATCHES: Readonly<Record<string, number>> = { resnet18: 4, unet: 2, inceptionv3: 8 };
/** The best of the paper by its own text; where it names none, that of ResNet18. */
export const BEST: Readonly<Record<string, Partitioning>> = {
  resnet18: { contexts: 6, streamsPerContext: 1, oversubscription: 6 },
  resnet50: { contexts: 6, streamsPerContext: 1, oversubscription: 6 },
  unet: { contexts: 6, streamsPerContext: 1, oversubscription: 2 },
  inceptionv3: { contexts: 8, streamsPerContext: 1, oversubscription: 8 },
};
/** VI-G: the most misses. */
export const WORST: Partitioning = { contexts: 3, streamsPerContext: 3, oversubscription: 1 };

/** `2 ≤ N_p ≤ 10`, `OS ∈ {1, 1.5, 2, N_c}`; one context has no oversubscription. */
export function configurations(): Partitioning[] {
  const all: Partitioning[] = [];
  for (let contexts = 1; contexts <= MOST_JOBS; contexts += 1) {
    for (let streams = 1; contexts * streams <= MOST_JOBS; streams += 1) {
      if (contexts * streams < 2) continue;
      const levels = [...new Set([1, 1.5, 2, contexts])].filter((level) => level <= contexts);
      for (const oversubscription of levels) all.push({ contexts, streamsPerContext: streams, oversubscription });
    }
  }
  return all;
}

export interface Experiment {
  readonly name: string;
  readonly runs: readonly Run[];
}

/** What is the same for all runs of an experiment. */
export interface Terms {
  readonly durationUs: number;
  readonly variation: Variation;
  readonly scheduler?: Partial<SchedulerSpec>;
}

export function sweep(
  name: string,
  sets: readonly TaskSet[],
  terms: Terms,
  divisions: readonly Partitioning[] = configurations(),
): Experiment {
  return { name, runs: divisions.map((partitioning) => ({ ...terms, sets, partitioning })) };
}

/** Of all three sets at full count there would be three times the load. */
function third(set: TaskSet): TaskSet {
  return { ...set, high: Math.round(set.high / 3), low: Math.round(set.low / 3) };
}

function paperTerms({ variation }: Platforms): Terms {
  return { durationUs: PAPER_US, variation };
}

export function mainExperiments(platforms: Platforms): Experiment[] {
  const terms = paperTerms(platforms);
  const mixed = NETWORKS.map((network) => third(platforms.publishedSet(network)));
  return [
    ...[...NETWORKS, 'resnet50'].map((network) => sweep(network, [platforms.publishedSet(network)], terms)),
    sweep('mixed', mixed, terms),
  ];
}

/** The main sets under the project's own test of admission, which is not the paper's. */
export function predictedExperiments(platforms: Platforms): Experiment[] {
  const terms = { ...paperTerms(platforms), scheduler: { admission: 'Predicted' as const } };
  return NETWORKS.map((network) => sweep(network, [platforms.publishedSet(network)], terms));
}

export function batchingExperiments(platforms: Platforms): Experiment[] {
  return NETWORKS.map((network) =>
    sweep(network, [platforms.publishedSet(network, BATCHES[network])], paperTerms(platforms)),
  );
}

/** How times may vary, since the paper does not say: not at all, as measured on an H200, and four times as much. */
export const WIDER = 4;
export function variationsOf({ variation }: Platforms): Readonly<Record<'steady' | 'measured' | 'wide', Variation>> {
  return { steady: STEADY, measured: variation, wide: widened(variation, WIDER) };
}

/** The configurations that the text gives throughputs of, under times that vary otherwise. */
export function throughputRuns(platforms: Platforms, variation: Variation): Run[] {
  return readPaper().throughput.map(({ network, contexts, oversubscription }) => ({
    sets: [platforms.publishedSet(network)],
    partitioning: { contexts, streamsPerContext: 1, oversubscription },
    durationUs: PAPER_US,
    variation,
  }));
}

/** Those of ResNet50 at another rate of its tasks, which the paper does not say. */
export function otherRateRuns(platforms: Platforms, jobsPerS: number): Run[] {
  const runs = throughputRuns(platforms, platforms.variation);
  const own = runs.filter(({ sets }) => sets[0]?.job.network === 'resnet50');
  return own.map((run) => ({ ...run, sets: [platforms.publishedResnet50(jobsPerS)] }));
}

/** VI-F. */
export const ABLATIONS: Readonly<Record<string, Partial<SchedulerSpec>>> = {
  DARIS: {},
  'No Staging': { staging: false },
  'No Last': { lastStageBoost: false },
  'No Prior': { missBoost: false },
  'No Fixed': { fixedPriorities: false },
};

/** A longest response is one job's, so each variant runs with several first releases. */
export const DRAWS: readonly Phases[] = ['spread', ...[1, 2, 3, 4, 5, 6].map((seed) => ({ seed }))];

/** All draws of a variant, the spread one first. */
export function ablationRuns(run: Run): Readonly<Record<string, readonly Run[]>> {
  return Object.fromEntries(
    Object.entries(ABLATIONS).map(([name, scheduler]) => [
      name,
      DRAWS.map((phases) => ({ ...run, phases, scheduler })),
    ]),
  );
}

function bestOf(network: string): Partitioning {
  const partitioning = BEST[network];
  if (partitioning === undefined) throw new Error(`no configuration for ${network}`);
  return partitioning;
}

/** The paper's set of a network on its best configuration. */
export function bestRun(platforms: Platforms, network: string, variation = platforms.variation): Run {
  const sets = [platforms.publishedSet(network)];
  return { sets, partitioning: bestOf(network), durationUs: PAPER_US, variation };
}

export const WINDOWS = [1, 3, 5, 10, 20] as const;

export function mretRuns(run: Run, divisions: readonly Partitioning[]): Run[] {
  return divisions.flatMap((partitioning) =>
    WINDOWS.map((mretWindow) => ({ ...run, partitioning, scheduler: { mretWindow } })),
  );
}

export const HIGH_SHARES = [0, 0.25, 0.33, 0.5, 0.75, 1] as const;
export const LOADS: Readonly<Record<string, { load: number; scheduler: Partial<SchedulerSpec> }>> = {
  'full load': { load: 1, scheduler: {} },
  overload: { load: 1.5, scheduler: {} },
  'Overload+HPA': { load: 1.5, scheduler: { highPriorityAdmission: true } },
};

/** VI-I. Full load is pure batching, as in V: `fullPerS` jobs a second. */
export function ratioRuns(run: Run, fullPerS: number): Run[] {
  return Object.values(LOADS).flatMap(({ load, scheduler }) =>
    HIGH_SHARES.map((share) => {
      const sets = run.sets.map((set) => {
        const tasks = Math.round((load * fullPerS * set.periodUs) / 1e6);
        const high = Math.round(tasks * share);
        return { ...set, high, low: tasks - high };
      });
      return { ...run, sets, scheduler };
    }),
  );
}
