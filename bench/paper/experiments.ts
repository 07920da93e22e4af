// Every experiment of the paper (V, VI), as lists of runs: throughput and misses by configuration, batching, ablations,
// execution times against MRET, ratios of High to Low tasks; and the sets that were measured on an H200.
import type { SchedulerSpec } from '../../test/simulator/scenario.ts';
import type { Served } from '../gpu/sets.ts';
import type { TaskSet } from './platform.ts';
import { Platforms, readSets } from './platform.ts';
import type { Partitioning, Run } from './scenario.ts';
import type { Variation } from './variation.ts';

/** 150 releases of a task of the paper; the measured windows on the H200 were as short as the second. */
const PAPER_US = 5_000_000;
const H200_US = 1_000_000;
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

function sweep(name: string, sets: readonly TaskSet[], variation: Variation): Experiment {
  const runs = configurations().map((partitioning) => ({ sets, partitioning, durationUs: PAPER_US, variation }));
  return { name, runs };
}

/** Of all three sets at full count there would be three times the load. */
function third(set: TaskSet): TaskSet {
  return { ...set, high: Math.round(set.high / 3), low: Math.round(set.low / 3) };
}

export function mainExperiments(platforms: Platforms): Experiment[] {
  return [
    ...[...NETWORKS, 'resnet50'].map((network) =>
      sweep(network, [platforms.publishedSet(network)], platforms.variation),
    ),
    sweep(
      'mixed',
      NETWORKS.map((network) => third(platforms.publishedSet(network))),
      platforms.variation,
    ),
  ];
}

export function batchingExperiments(platforms: Platforms): Experiment[] {
  return NETWORKS.map((network) =>
    sweep(network, [platforms.publishedSet(network, BATCHES[network])], platforms.variation),
  );
}

/** VI-F. */
export const ABLATIONS: Readonly<Record<string, Partial<SchedulerSpec>>> = {
  DARIS: {},
  'No Staging': { staging: false },
  'No Last': { lastStageBoost: false },
  'No Prior': { missBoost: false },
  'No Fixed': { fixedPriorities: false },
};

interface Place {
  readonly partitioning: Partitioning | undefined;
  readonly variation: Variation;
}

function at(set: TaskSet, { partitioning, variation }: Place, scheduler: Partial<SchedulerSpec>): Run {
  if (partitioning === undefined) throw new Error(`no configuration for ${set.job.network}`);
  return { sets: [set], partitioning, durationUs: PAPER_US, variation, scheduler };
}

export function ablationRuns(platforms: Platforms): Run[] {
  const set = platforms.publishedSet('resnet18');
  return Object.values(ABLATIONS).map((scheduler) =>
    at(set, { variation: platforms.variation, partitioning: BEST['resnet18'] }, scheduler),
  );
}

/** Single jobs of ResNet18 on eight contexts over all SMs of the H200, as measured, without one module after the other. */
export function h200AblationRuns(platforms: Platforms): Run[] {
  const resnet18 = readSets().unbatched.find(({ model }) => model === 'resnet18');
  if (resnet18 === undefined) return [];
  const partitioning = { contexts: 8, streamsPerContext: 1, oversubscription: 8 };
  const place = { sets: [platforms.unbatchedSet(resnet18)], partitioning, variation: platforms.variation };
  return Object.values(ABLATIONS).map((scheduler) => ({ ...place, durationUs: H200_US, scheduler }));
}

export const WINDOWS = [1, 3, 5, 10, 20] as const;

export function mretRuns(platforms: Platforms): Run[] {
  const set = platforms.publishedSet('resnet18');
  return [BEST['resnet18'], WORST].flatMap((partitioning) =>
    WINDOWS.map((mretWindow) => at(set, { variation: platforms.variation, partitioning }, { mretWindow })),
  );
}

export const HIGH_SHARES = [0, 0.25, 0.33, 0.5, 0.75, 1] as const;
export const LOADS: Readonly<Record<string, { load: number; scheduler: Partial<SchedulerSpec> }>> = {
  'full load': { load: 1, scheduler: {} },
  overload: { load: 1.5, scheduler: {} },
  'Overload+HPA': { load: 1.5, scheduler: { highPriorityAdmission: true } },
};

/** VI-I. Full load is the roof of pure batching, as in V. */
export function ratioRuns(platforms: Platforms, network: string): Run[] {
  const set = platforms.publishedSet(network);
  const full = (platforms.roof(network) * set.periodUs) / 1e6;
  return Object.values(LOADS).flatMap(({ load, scheduler }) =>
    HIGH_SHARES.map((share) => {
      const high = Math.round(load * full * share);
      const place = { variation: platforms.variation, partitioning: BEST[network] };
      return at({ ...set, high, low: Math.round(load * full) - high }, place, scheduler);
    }),
  );
}

export interface MeasuredSet {
  readonly network: string;
  readonly batch: number;
  /** One stream at that batch. */
  readonly purePerS: number;
  readonly measured: readonly Served[];
  readonly runs: readonly Run[];
}

function likeMeasured(set: TaskSet, { name, admission }: Served, variation: Variation): Run {
  const [, contexts = '', streams = '', level = ''] = / (\d+)×(\d+)_([\d.]+)$/.exec(name) ?? [];
  const partitioning = {
    contexts: Number(contexts),
    streamsPerContext: Number(streams),
    oversubscription: Number(level),
  };
  const scheduler = { admission: admission === 'Predicted' ? ('Predicted' as const) : ('Utilization' as const) };
  return { sets: [set], partitioning, durationUs: H200_US, variation, scheduler };
}

/** The sets that were measured; not the single jobs of a network that was never measured alone. */
export function measuredSets(platforms: Platforms): MeasuredSet[] {
  const { batched, unbatched } = readSets();
  const pair = (set: TaskSet, measured: readonly Served[]): MeasuredSet => ({
    network: set.job.network,
    batch: set.job.batch,
    purePerS: Math.round((set.job.batch * 1e6) / set.job.aloneUs),
    measured,
    runs: measured.map((served) => likeMeasured(set, served, platforms.variation)),
  });
  return [
    ...unbatched
      .filter(({ model }) => platforms.isKnownAlone(model))
      .map((set) => pair(platforms.unbatchedSet(set), set.sweep)),
    ...batched.map((set) => pair(platforms.batchedSet(set), set.sweep)),
  ];
}
