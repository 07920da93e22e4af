// A task set under one partitioning and one scheduler, as a scenario of daris-sim.
import type { GpuSpec, Scenario, SchedulerSpec, TaskSpec } from '../../test/simulator/scenario.ts';
import { slowdown, smsOf, type Demand } from './model.ts';
import type { Job, TaskSet } from './platform.ts';

export interface Partitioning {
  readonly contexts: number;
  readonly streamsPerContext: number;
  readonly oversubscription: number;
}

/** The paper divides ResNet in four and does not say how it divides the others: four parts of one length. */
const STAGES = 4;

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
export function nameOf({ contexts, streamsPerContext, oversubscription }: Partitioning): string {
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

function demandSpec({ sm, memory }: Demand): { smPpm: number; memoryPpm: number } {
  return { smPpm: ppm(sm), memoryPpm: ppm(memory) };
}

/** Releases are spread over the period, High and Low ones mixed; deadlines are periods. */
function tasksOf({ job, high, low, periodUs }: TaskSet, partitioning: Partitioning): TaskSpec[] {
  const count = high + low;
  const spec = { periodUs, deadlineUs: periodUs, demand: demandSpec(job.demand) };
  const times = { afetUs: afetUs(job, partitioning), execUs: [stageTimes(job.aloneUs)] };
  return Array.from({ length: count }, (_, i) => {
    const isHigh = Math.floor(((i + 1) * high) / count) > Math.floor((i * high) / count);
    return {
      name: `${job.network}-${i}`,
      priority: isHigh ? ('High' as const) : ('Low' as const),
      ...spec,
      phaseUs: Math.floor((i * periodUs) / count),
      ...times,
    };
  });
}

export interface Run {
  readonly sets: readonly TaskSet[];
  readonly partitioning: Partitioning;
  readonly durationUs: number;
  readonly scheduler?: Partial<SchedulerSpec>;
}

export function scenarioOf({ sets, partitioning, durationUs, scheduler }: Run): Scenario {
  const [first] = sets;
  if (first === undefined) throw new Error('a run without tasks');
  const gpu: GpuSpec = { name: first.job.gpu, smCount: first.job.sms, ...partitioning };
  return {
    version: 1,
    durationUs,
    seed: 1,
    gpus: [gpu],
    scheduler: { ...PAPER_SCHEDULER, ...scheduler },
    tasks: sets.flatMap((set) => tasksOf(set, partitioning)),
    interference: { model: 'calibrated' },
  };
}
