// A task set under one partitioning and one scheduler, as a scenario of daris-sim.
import type { GpuSpec, JoiningSpec, Scenario, SchedulerSpec, TaskSpec } from '../../test/simulator/scenario.ts';
import { Random } from '../../test/simulator/random.ts';
import { slowdown, smsOf, type Demand } from './model.ts';
import type { Job, TaskSet } from './platform.ts';
import { factors, type Variation } from './variation.ts';

export interface Partitioning {
  readonly contexts: number;
  readonly streamsPerContext: number;
  readonly oversubscription: number;
  /** In the paper's notation, where the oversubscription that is simulated is not the one that was asked for. */
  readonly name?: string;
}

/** Green contexts have SMs in groups: the oversubscription that grants each context as many as the hardware does. */
export function inGroups(asked: Partitioning, sms: number, group: number): Partitioning {
  const { contexts, oversubscription } = asked;
  const granted = Math.min(sms, group * Math.ceil(smsOf(sms, contexts, oversubscription) / group));
  return withSms(asked, sms, granted);
}

/** A little less than what is granted, so that eq. 9 rounds up to it. */
export function withSms(asked: Partitioning, sms: number, granted: number): Partitioning {
  const { contexts } = asked;
  const oversubscription = Math.max(1, Math.min(contexts, ((granted - 0.5) * contexts) / sms));
  return { ...asked, oversubscription, name: nameOf(asked) };
}

/** The paper divides ResNet in four and does not say how it divides the others: four parts of one length. */
export const STAGES = 4;

/** The paper's scheduler: its admission test alone, windows that do not age, a window of five. */
export const PAPER_SCHEDULER: SchedulerSpec = {
  mretWindow: 5,
  mretAging: false,
  admission: 'Utilization',
  highPriorityAdmission: false,
  staging: true,
  lastStageBoost: true,
  missBoost: true,
  fixedPriorities: true,
};

/** `N_c×N_s_OS`, the paper's notation. */
export function nameOf({ contexts, streamsPerContext, oversubscription, name }: Partitioning): string {
  if (name !== undefined) return name;
  return contexts === 1 ? `1×${streamsPerContext}` : `${contexts}×${streamsPerContext}_${oversubscription}`;
}

function ppm(share: number): number {
  return Math.round(share * 1e6);
}

function stageTimes(jobUs: number): number[] {
  return Array.from({ length: STAGES }, () => Math.max(1, Math.round(jobUs / STAGES)));
}

/** AFET as the paper measures it: all other streams are busy with like jobs. */
function afetUs({ aloneUs, demand, sms }: Job, partitioning: Partitioning): number[] {
  const smsPerContext = smsOf(sms, partitioning.contexts, partitioning.oversubscription);
  return stageTimes(aloneUs * slowdown(demand, { sms, smsPerContext, ...partitioning }));
}

/** A row of varied times for each job; each stage varies for itself. */
function execUs({ aloneUs }: Job, variation: Variation, { seed, jobs }: { seed: number; jobs: number }): number[][] {
  const varied = factors(variation, seed, jobs * STAGES);
  return Array.from({ length: jobs }, (_, row) =>
    stageTimes(aloneUs).map((us, stage) => Math.max(1, Math.round(us * (varied[row * STAGES + stage] ?? 1)))),
  );
}

function demandSpec({ sm, memory }: Demand): { smPpm: number; memoryPpm: number } {
  return { smPpm: ppm(sm), memoryPpm: ppm(memory) };
}

/** The paper does not say when tasks are first released. Spread: one after the other over the period. */
export type Phases = 'spread' | 'together' | { readonly seed: number };

function phasesOf(phases: Phases, count: number, periodUs: number): number[] {
  if (phases === 'together') return Array.from({ length: count }, () => 0);
  if (phases === 'spread') return Array.from({ length: count }, (_, i) => Math.floor((i * periodUs) / count));
  const random = new Random(phases.seed);
  return random.list(count, () => Math.floor(random.real() * periodUs));
}

/** High and Low tasks mixed; deadlines are periods. */
function tasksOf(
  { job, high, low, periodUs, units }: TaskSet,
  { partitioning, durationUs, variation, phases = 'spread' }: Run,
): TaskSpec[] {
  const count = high + low;
  const phaseUs = phasesOf(phases, count, periodUs);
  const jobs = Math.ceil(durationUs / periodUs);
  const spec = { periodUs, deadlineUs: periodUs, demand: demandSpec(job.demand) };
  return Array.from({ length: count }, (_, i) => {
    const isHigh = Math.floor(((i + 1) * high) / count) > Math.floor((i * high) / count);
    return {
      name: `${job.network}-${i}`,
      priority: isHigh ? ('High' as const) : ('Low' as const),
      ...spec,
      phaseUs: phaseUs[i] ?? 0,
      ...(units === undefined ? {} : { class: job.network }),
      afetUs: afetUs(job, partitioning),
      execUs: execUs(job, variation, { seed: i, jobs }),
    };
  });
}

/** Rows of a unit's times: more than units of one size are likely to be formed in a row. */
const UNIT_ROWS = 50;

/** Sets that are joined have the same capacities. */
function joiningOf({ sets, partitioning, variation }: Run): JoiningSpec | undefined {
  const joined = sets.flatMap(({ job: { network }, units }) => (units === undefined ? [] : [{ network, units }]));
  const [first] = joined;
  if (first === undefined) return undefined;
  return {
    enabled: true,
    capacities: [1, ...first.units.map(({ batch }) => batch)],
    classes: joined.map(({ network, units }) => ({
      name: network,
      afetUs: units.map((unit) => afetUs(unit, partitioning)),
      execUs: units.map((unit) => execUs(unit, variation, { seed: unit.batch, jobs: UNIT_ROWS })),
      demand: units.map(({ demand }) => demandSpec(demand)),
    })),
  };
}

export interface Run {
  readonly sets: readonly TaskSet[];
  readonly partitioning: Partitioning;
  readonly durationUs: number;
  readonly variation: Variation;
  readonly phases?: Phases;
  readonly scheduler?: Partial<SchedulerSpec>;
}

export function scenarioOf(run: Run): Scenario {
  const { sets, partitioning, durationUs, scheduler } = run;
  const [first] = sets;
  if (first === undefined) throw new Error('a run without tasks');
  const joining = joiningOf(run);
  const { contexts, streamsPerContext, oversubscription } = partitioning;
  const gpu: GpuSpec = {
    name: first.job.gpu,
    smCount: first.job.sms,
    contexts,
    streamsPerContext,
    oversubscription,
  };
  return {
    version: 1,
    durationUs,
    seed: 1,
    gpus: [gpu],
    scheduler: { ...PAPER_SCHEDULER, ...scheduler },
    ...(joining === undefined ? {} : { joining }),
    tasks: sets.flatMap((set) => tasksOf(set, run)),
    interference: { model: 'calibrated' },
  };
}
