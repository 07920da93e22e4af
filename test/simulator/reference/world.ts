// What the scheduling rules speak of: GPUs, contexts, streams, classes, tasks, jobs and units.
// Plain data; every sum that a rule needs is counted anew from it.
import type { JoiningSpec, SchedulerSpec } from '../scenario.ts';
import { billion, ceilOfQuotient, sum } from './arithmetic.ts';

export interface Context {
  gpu: Gpu;
  index: number;
  /** What each stream runs. */
  streams: (Running | undefined)[];
}

export interface Gpu {
  name: string;
  streamsPerContext: bigint;
  sms: bigint;
  /** Of each context. */
  contextSms: bigint;
  contexts: Context[];
  /** Its joined classes by name, from their first task on. */
  classes: Map<string, TaskClass>;
  /** Stream time of all completed stages; a unit counts once. */
  busy: bigint;
}

export interface Stage {
  afet: bigint;
  /** The last measured execution times, oldest first, at most `mretWindow` of them. */
  measured: bigint[];
}

/** What a unit of a class may be: its capacity, and the stages as units of that capacity are measured. */
export interface Size {
  capacity: bigint;
  stages: Stage[];
  /** Execution times; row k is for the k-th unit of this capacity, used cyclically. One job alone uses its task's. */
  rows: bigint[][];
  /** Of a unit; one job alone has its task's. */
  demand: Demand | undefined;
  /** Formed so far. */
  units: number;
  trials: Trials;
}

/** Of one capacity: how often it is passed over before its windows lose an entry. */
export interface Trials {
  /** How often a smaller unit was formed where this one was filled, since it was last formed or aged. */
  passedOver: number;
  /** How often it was formed since it was last passed over. */
  formed: number;
  /** Losses since p was `mretWindow`. */
  losses: number;
}

/** Tasks of one GPU whose jobs may go together. A task that is not joined is alone in a class without larger sizes. */
export interface TaskClass {
  /** How many tasks it has. */
  tasks: number;
  alone: Size;
  /** In ascending order of capacity. */
  larger: Size[];
  /** The size that it is counted with: n*. */
  counted: Size;
  /** How many stages of units of n* were measured. */
  measurements: number;
}

/** Of its stages, in millionths: what they take of the SMs, and from all that run beside. */
export interface Demand {
  sm: bigint;
  memory: bigint;
}

export interface Task {
  index: number;
  name: string;
  high: boolean;
  period: bigint;
  deadline: bigint;
  phase: bigint;
  drops: boolean;
  demand: Demand | undefined;
  className: string | undefined;
  class: TaskClass;
  /** Execution times of the stages; row k is for the k-th admitted job, used cyclically. */
  rows: bigint[][];
  context: Context | undefined;
  /** Releases so far, skipped and rejected ones counted. */
  releases: bigint;
  admissions: number;
  consecutiveRejections: number;
  /** `measurements` of its class at the first of these. */
  measuredBefore: number;
  active: Job | undefined;
}

export interface Job {
  task: Task;
  number: bigint;
  release: bigint;
  /** Absolute, one a stage. */
  virtualDeadlines: bigint[];
  row: bigint[];
  /** Its share of a unit of n*, as it was at the release. */
  amortizedMret: bigint;
  /** What it goes in; none before its first stage is dispatched. */
  unit: Unit | undefined;
  /** Only the stage before the current one counts. */
  predecessorMissed: boolean;
}

/** One or more jobs that go through all stages together. */
export interface Unit {
  /** In the order in which they were taken. */
  members: readonly Job[];
  size: Size;
  row: bigint[];
  /** Of its stages, as they were when it was formed. */
  mrets: bigint[];
  /** The first stage that is not completed: ready, or running. */
  current: number;
  running: boolean;
}

export interface Running {
  unit: Unit;
  since: bigint;
  until: bigint;
  /** Of its time alone, in picoseconds, when it was last stretched; none: by 1. */
  left: bigint;
  stretched: bigint;
  slowdown: bigint | undefined;
}

/** Told of each unit at the instant at which it is formed, before it is dispatched. */
export type OnFormation = (unit: Unit, at: { world: World; context: Context; now: bigint }) => void;

export interface World {
  rules: Required<SchedulerSpec>;
  gpus: Gpu[];
  tasks: Task[];
  /** Whether stages are stretched by what runs beside them. */
  calibrated: boolean;
  /** Absent unless jobs may go together. */
  joining: JoiningSpec | undefined;
  onFormation: OnFormation;
}

/** MRET of a stage: the maximum of its window (eq. 1); AFET until something is measured. */
export function mretOf({ measured, afet }: Stage): bigint {
  return measured.length === 0 ? afet : measured.reduce((most, time) => (time > most ? time : most));
}

export function mretsOf({ stages }: Size): bigint[] {
  return stages.map(mretOf);
}

/** Eq. 2, 3, 10, with the MRETs of the moment: `ceil(M(n*) · 10⁹ / (n* · min(D, T)))`, in billionths. */
export function utilization({ class: { counted }, deadline, period }: Task): bigint {
  const shortest = deadline < period ? deadline : period;
  return ceilOfQuotient(sum(mretsOf(counted)) * billion, counted.capacity * shortest);
}

export function stageOf({ unit }: Job): number {
  return unit?.current ?? 0;
}

export function isRunning({ unit }: Job): boolean {
  return unit?.running ?? false;
}

export function tasksIn(world: World, context: Context): Task[] {
  return world.tasks.filter((task) => task.context === context);
}

/** Σ of the utilizations of these tasks (4–6); of those with an active job: (7). */
export function totalUtilization(tasks: readonly Task[]): bigint {
  return sum(tasks.map(utilization));
}

/** The oldest measured entry of each stage is dropped; none: nothing. */
export function age({ stages }: Size): void {
  for (const { measured } of stages) measured.shift();
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
