// A scenario of `daris-sim`, as its JSON has it: static periodic task sets on one or more GPUs.
// All times are whole microseconds no greater than 2⁵³, so that a JavaScript number holds each exactly.

export interface GpuSpec {
  name: string;
  smCount: number;
  contexts: number;
  streamsPerContext: number;
  oversubscription: number;
}

export interface SchedulerSpec {
  mretWindow: number;
  mretAging?: boolean;
  admission?: 'Utilization' | 'Predicted';
  highPriorityAdmission: boolean;
  staging: boolean;
  lastStageBoost: boolean;
  missBoost: boolean;
  fixedPriorities: boolean;
}

/** Of a stage that has the GPU to itself, in millionths. */
export interface DemandSpec {
  smPpm: number;
  memoryPpm: number;
}

export interface TaskSpec {
  name: string;
  priority: 'High' | 'Low';
  periodUs: number;
  deadlineUs: number;
  phaseUs: number;
  /** One of `joining.classes`. */
  class?: string;
  /** Required where interference is calibrated, refused where it is not. */
  demand?: DemandSpec;
  lateJobs?: 'Finish' | 'Drop';
  afetUs: number[];
  context?: { gpu: string; index: number };
  execUs: number[][];
}

export interface ClassSpec {
  name: string;
  /** One entry for each capacity after the first: AFET of each stage, and rows of execution times, of a whole unit. */
  afetUs: number[][];
  execUs: number[][][];
  /** Of a unit of that capacity; required where interference is calibrated, refused where it is not. */
  demand?: DemandSpec[];
}

/** docs/joining.md; `enabled: false` is as if it were not there. */
export interface JoiningSpec {
  enabled: boolean;
  /** Strictly ascending, the first is 1. */
  capacities: number[];
  classes: ClassSpec[];
}

export interface Scenario {
  version: 1;
  durationUs: number;
  seed: number;
  gpus: GpuSpec[];
  scheduler: SchedulerSpec;
  joining?: JoiningSpec;
  tasks: TaskSpec[];
  interference: { model: 'none' | 'calibrated' };
}
