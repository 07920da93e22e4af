// The world that a scenario describes, before any task has its context.
import type { DemandSpec, Scenario, TaskSpec } from '../scenario.ts';
import { sum } from './arithmetic.ts';
import { smsOfContext } from './interference.ts';
import type { Demand, Gpu, OnFormation, Size, Task, World } from './world.ts';

function gpusOf({ gpus }: Scenario): Gpu[] {
  return gpus.map((spec) => {
    const gpu: Gpu = {
      name: spec.name,
      streamsPerContext: BigInt(spec.streamsPerContext),
      sms: BigInt(spec.smCount),
      contextSms: BigInt(smsOfContext(spec)),
      contexts: [],
      classes: new Map(),
      busy: 0n,
    };
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

export function demandOf(spec: DemandSpec | undefined): Demand | undefined {
  return spec && { sm: BigInt(spec.smPpm), memory: BigInt(spec.memoryPpm) };
}

export function sizeOf(capacity: bigint, afets: readonly bigint[], rows: bigint[][], demand?: Demand): Size {
  return {
    capacity,
    demand,
    stages: afets.map((afet) => ({ afet, measured: [] })),
    rows,
    units: 0,
    trials: { passedOver: 0, formed: 0, losses: 0 },
  };
}

function taskOf(spec: TaskSpec, index: number, staging: boolean): Task {
  const alone = sizeOf(1n, stageTimes(spec.afetUs, staging), []);
  return {
    index,
    name: spec.name,
    high: spec.priority === 'High',
    period: BigInt(spec.periodUs),
    deadline: BigInt(spec.deadlineUs),
    phase: BigInt(spec.phaseUs),
    drops: spec.lateJobs === 'Drop',
    demand: demandOf(spec.demand),
    className: spec.class,
    class: { tasks: 1, alone, larger: [], counted: alone, measurements: 0 },
    rows: spec.execUs.map((row) => stageTimes(row, staging)),
    context: undefined,
    releases: 0n,
    admissions: 0,
    consecutiveRejections: 0,
    measuredBefore: 0,
    active: undefined,
  };
}

export function worldOf(scenario: Scenario, onFormation: OnFormation): World {
  const rules = { mretAging: false, admission: 'Utilization' as const, ...scenario.scheduler };
  const tasks = scenario.tasks.map((spec, index) => taskOf(spec, index, rules.staging));
  const joining = scenario.joining?.enabled === true ? scenario.joining : undefined;
  const calibrated = scenario.interference.model === 'calibrated';
  return { rules, gpus: gpusOf(scenario), tasks, calibrated, joining, onFormation };
}
