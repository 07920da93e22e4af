// Makes a scenario that shows a difference smaller: the first smaller variant that still shows it, again and again.
import type { Scenario, SchedulerSpec, TaskSpec } from './scenario.ts';

const plain: SchedulerSpec = {
  mretWindow: 1,
  highPriorityAdmission: false,
  staging: true,
  lastStageBoost: true,
  missBoost: true,
  fixedPriorities: true,
};

function without<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, i) => i !== index);
}

/** Each list with one element left out; none where nothing would be left. */
function* shorter<T>(list: readonly T[]): Generator<T[]> {
  if (list.length < 2) return;
  for (let i = list.length - 1; i >= 0; i -= 1) yield without(list, i);
}

function* smallerTasks(task: TaskSpec): Generator<TaskSpec> {
  for (const [i] of task.afetUs.length < 2 ? [] : task.afetUs.entries()) {
    yield { ...task, afetUs: without(task.afetUs, i), execUs: task.execUs.map((row) => without(row, i)) };
  }
  for (const execUs of shorter(task.execUs)) yield { ...task, execUs };
  if (task.phaseUs > 0) yield { ...task, phaseUs: 0 };
  if (task.deadlineUs < task.periodUs) yield { ...task, deadlineUs: task.periodUs };
  const { context, lateJobs, ...rest } = task;
  if (context !== undefined) yield lateJobs === undefined ? rest : { ...rest, lateJobs };
  if (lateJobs !== undefined) yield context === undefined ? rest : { ...rest, context };
}

function* smallerGpus(scenario: Scenario): Generator<Scenario> {
  for (const gpus of shorter(scenario.gpus)) yield { ...scenario, gpus };
  for (const [i, gpu] of scenario.gpus.entries()) {
    const put = (fields: object): Scenario => ({ ...scenario, gpus: scenario.gpus.with(i, { ...gpu, ...fields }) });
    if (gpu.contexts > 1) yield put({ contexts: gpu.contexts - 1, oversubscription: 1 });
    if (gpu.streamsPerContext > 1) yield put({ streamsPerContext: gpu.streamsPerContext - 1 });
  }
}

function* simplerScheduler({ scheduler, ...rest }: Scenario): Generator<Scenario> {
  const { mretAging, admission, ...others } = scheduler;
  const optional = {
    ...(mretAging === true ? { mretAging } : {}),
    ...(admission === 'Predicted' ? { admission } : {}),
  };
  const simpler: SchedulerSpec[] = [others, { ...others, ...optional }];
  for (const [key, value] of Object.entries(plain)) simpler.push({ ...scheduler, [key]: value });
  for (const each of simpler) {
    if (JSON.stringify(each) !== JSON.stringify(scheduler)) yield { ...rest, scheduler: each };
  }
}

/** The variants of a scenario that are one step smaller, the boldest first. */
export function* smaller(scenario: Scenario): Generator<Scenario> {
  for (const tasks of shorter(scenario.tasks)) yield { ...scenario, tasks };
  for (const part of [2, 4 / 3, 10 / 9]) {
    const durationUs = Math.floor(scenario.durationUs / part);
    if (durationUs > 0 && durationUs < scenario.durationUs) yield { ...scenario, durationUs };
  }
  yield* smallerGpus(scenario);
  for (const [i, task] of scenario.tasks.entries()) {
    for (const less of smallerTasks(task)) yield { ...scenario, tasks: scenario.tasks.with(i, less) };
  }
  yield* simplerScheduler(scenario);
}

/** `differs` says no, too, for a variant that the simulator refuses. At most `tries` of them are tried. */
export async function shrink(
  scenario: Scenario,
  differs: (variant: Scenario) => Promise<boolean>,
  tries = 2000,
): Promise<Scenario> {
  let least = scenario;
  let left = tries;
  for (let found = true; found && left > 0;) {
    found = false;
    for (const variant of smaller(least)) {
      left -= 1;
      found = await differs(variant);
      if (found) least = variant;
      if (found || left <= 0) break;
    }
  }
  return least;
}
