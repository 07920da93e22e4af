// The experiments on the model of the H200: the sets that were measured there, as they were measured and on every
// configuration of the paper. Contexts are green contexts, whose SMs come in groups.
import type { Served } from '../gpu/sets.ts';
import { BEST, configurations, PAPER_US, sweep, WORST, type Experiment, type Terms } from './experiments.ts';
import { readSets, type Platforms, type TaskSet } from './platform.ts';
import { inGroups, withSms, type Partitioning, type Run } from './scenario.ts';

/** The measured windows were as short. */
const SECOND_US = 1_000_000;
/** SMs of a green context on Hopper, without more flags. */
export const GROUP = 8;

export interface MeasuredSet {
  readonly network: string;
  readonly batch: number;
  /** One stream at that batch, images a second. */
  readonly purePerS: number;
  readonly measured: readonly Served[];
  readonly set: TaskSet;
  readonly runs: readonly Run[];
}

export function granted(partitioning: Partitioning, sms: number): Partitioning {
  return inGroups(partitioning, sms, GROUP);
}

function likeMeasured(set: TaskSet, { name, admission, sms }: Served, variation: Run['variation']): Run {
  const [, contexts = '', streams = '', level = ''] = / (\d+)×(\d+)_([\d.]+)$/.exec(name) ?? [];
  const asked = {
    contexts: Number(contexts),
    streamsPerContext: Number(streams),
    oversubscription: Number(level),
  };
  const scheduler = { admission: admission === 'Predicted' ? ('Predicted' as const) : ('Utilization' as const) };
  const partitioning = withSms(asked, set.job.sms, sms);
  return { sets: [set], partitioning, durationUs: SECOND_US, variation, scheduler };
}

/** The sets that were measured; not the single jobs of a network that was never measured alone. */
export function measuredSets(platforms: Platforms): MeasuredSet[] {
  const { batched, unbatched } = readSets();
  const pair = (set: TaskSet, measured: readonly Served[]): MeasuredSet => ({
    network: set.job.network,
    batch: set.job.batch,
    purePerS: Math.round((set.job.batch * 1e6) / set.job.aloneUs),
    measured,
    set,
    runs: measured.map((served) => likeMeasured(set, served, platforms.variation)),
  });
  return [
    ...unbatched
      .filter(({ model }) => platforms.isKnownAlone(model))
      .map((set) => pair(platforms.unbatchedSet(set), set.sweep)),
    ...batched.map((set) => pair(platforms.batchedSet(set), set.sweep)),
  ];
}

function setOf(sets: readonly MeasuredSet[], network: string, single: boolean): MeasuredSet {
  const found = sets.find((each) => each.network === network && (each.batch === 1) === single);
  if (found === undefined) throw new Error(`${network} was not measured in ${single ? 'single jobs' : 'batches'}`);
  return found;
}

/** Each measured set on every configuration of the paper, under the paper's test. */
export function h200Sweeps(platforms: Platforms, sets: readonly MeasuredSet[]): Experiment[] {
  return sets.map(({ network, batch, set }) => {
    const divisions = configurations().map((each) => granted(each, set.job.sms));
    return sweep(`${network} ${batch}`, [set], { durationUs: SECOND_US, variation: platforms.variation }, divisions);
  });
}

function share(set: TaskSet, of: number): TaskSet {
  return { ...set, high: Math.max(1, Math.round(set.high / of)), low: Math.max(1, Math.round(set.low / of)) };
}

/** Small jobs and large ones beside each other, a quarter of each set, under the product's test. */
export function h200Mixed(platforms: Platforms, sets: readonly MeasuredSet[]): Experiment {
  const parts = [
    setOf(sets, 'resnet18', true),
    setOf(sets, 'inceptionv3', true),
    setOf(sets, 'resnet50', false),
    setOf(sets, 'unet', false),
  ];
  const divisions = configurations().map((each) => granted(each, parts[0]?.set.job.sms ?? 0));
  const terms: Terms = {
    durationUs: SECOND_US,
    variation: platforms.variation,
    scheduler: { admission: 'Predicted' },
  };
  return sweep(
    'mixed',
    parts.map(({ set }) => share(set, parts.length)),
    terms,
    divisions,
  );
}

/** Single jobs of ResNet18 on eight contexts over all SMs, as measured, to leave out one module after the other. */
export function h200AblatedRun(platforms: Platforms, sets: readonly MeasuredSet[]): Run {
  const { set } = setOf(sets, 'resnet18', true);
  const partitioning = { contexts: 8, streamsPerContext: 1, oversubscription: 8 };
  return { sets: [set], partitioning, durationUs: SECOND_US, variation: platforms.variation };
}

/** The batches of a network on the paper's best configuration for it, and what pure batching does with them. */
export function h200BestRun(
  platforms: Platforms,
  sets: readonly MeasuredSet[],
  network: string,
): { readonly run: Run; readonly fullPerS: number } {
  const { set, batch, purePerS } = setOf(sets, network, false);
  const best = BEST[network];
  if (best === undefined) throw new Error(`no configuration for ${network}`);
  const run = {
    sets: [set],
    partitioning: granted(best, set.job.sms),
    durationUs: PAPER_US,
    variation: platforms.variation,
  };
  return { run, fullPerS: purePerS / batch };
}

export function h200Divisions(network: string, sms: number): Partitioning[] {
  return [BEST[network], WORST].flatMap((each) => (each === undefined ? [] : [granted(each, sms)]));
}
