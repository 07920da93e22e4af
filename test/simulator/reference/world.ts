// What the scheduling rules speak of: GPUs, contexts, streams, tasks and jobs, built from a scenario.
// Plain data; every sum that a rule needs is counted anew from it.
import type { Scenario, SchedulerSpec, TaskSpec } from '../scenario.ts';
import { sum, utilizationOf } from './arithmetic.ts';

export interface Context {
  gpu: Gpu;
  index: number;
  /** What each stream runs. */
  streams: (Running | undefined)[];
}

export interface Gpu {
  name: string;
  streamsPerContext: bigint;
  contexts: Context[];
}

export interface Stage {
  afet: bigint;
  /** The last measured execution times, oldest first, at most `mretWindow` of them. */
  measured: bigint[];
}

export interface Task {
  index: number;
  name: string;
  high: boolean;
  period: bigint;
  deadline: bigint;
  phase: bigint;
  drops: boolean;
  stages: Stage[];
  /** Execution times of the stages; row k is for the k-th admitted job, used cyclically. */
  rows: bigint[][];
  context: Context | undefined;
  /** Releases so far, skipped and rejected ones counted. */
  releases: bigint;
  admissions: number;
  consecutiveRejections: number;
  active: Job | undefined;
}

export interface Job {
  task: Task;
  number: bigint;
  release: bigint;
  /** Absolute, one a stage. */
  virtualDeadlines: bigint[];
  row: bigint[];
  /** The first stage that is not completed: ready, or running. Only the one before it counts as predecessor. */
  current: number;
  running: boolean;
  predecessorMissed: boolean;
}

export interface Running {
  job: Job;
  since: bigint;
  until: bigint;
}

export interface World {
  rules: Required<SchedulerSpec>;
  gpus: Gpu[];
  tasks: Task[];
}

function gpusOf({ gpus }: Scenario): Gpu[] {
  return gpus.map((spec) => {
    const gpu: Gpu = { name: spec.name, streamsPerContext: BigInt(spec.streamsPerContext), contexts: [] };
    for (let index = 0; index < spec.contexts; index += 1) {
      const streams = Array.from({ length: spec.streamsPerContext }, () => undefined);
      gpu.contexts.push({ gpu, index, streams });
    }
    return gpu;
  });
}

/** `staging: false` makes each task one stage whose time is the row's sum, its AFET the sum of `afetUs`. */
function stageTimes(times: readonly number[], staging: boolean): bigint[] {
  const stages = times.map(BigInt);
  return staging ? stages : [sum(stages)];
}

function taskOf(spec: TaskSpec, index: number, staging: boolean): Task {
  return {
    index,
    name: spec.name,
    high: spec.priority === 'High',
    period: BigInt(spec.periodUs),
    deadline: BigInt(spec.deadlineUs),
    phase: BigInt(spec.phaseUs),
    drops: spec.lateJobs === 'Drop',
    stages: stageTimes(spec.afetUs, staging).map((afet) => ({ afet, measured: [] })),
    rows: spec.execUs.map((row) => stageTimes(row, staging)),
    context: undefined,
    releases: 0n,
    admissions: 0,
    consecutiveRejections: 0,
    active: undefined,
  };
}

export function worldOf(scenario: Scenario): World {
  const rules = { mretAging: false, admission: 'Utilization' as const, ...scenario.scheduler };
  const tasks = scenario.tasks.map((spec, index) => taskOf(spec, index, rules.staging));
  return { rules, gpus: gpusOf(scenario), tasks };
}

/** MRET of a stage: the maximum of its window (eq. 1); AFET until something is measured. */
export function mretOf({ measured, afet }: Stage): bigint {
  return measured.length === 0 ? afet : measured.reduce((most, time) => (time > most ? time : most));
}

export function mretsOf(task: Task): bigint[] {
  return task.stages.map(mretOf);
}

/** Eq. 2, 3, 10, with the MRETs of the moment. */
export function utilization(task: Task): bigint {
  return utilizationOf(sum(mretsOf(task)), task.deadline, task.period);
}

export function tasksIn(world: World, context: Context): Task[] {
  return world.tasks.filter((task) => task.context === context);
}

/** Σ of the utilizations of these tasks (4–6); of those with an active job: (7). */
export function totalUtilization(tasks: readonly Task[]): bigint {
  return sum(tasks.map(utilization));
}

export function element<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`no element ${index} in a list of ${list.length}`);
  return found;
}

export function contextOf(task: Task): Context {
  if (task.context === undefined) throw new Error(`task ${task.name} is not assigned`);
  return task.context;
}
