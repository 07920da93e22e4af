// Makes a scenario that shows a difference smaller: the first smaller variant that still shows it, again and again.
import type { ClassSpec, JoiningSpec, Scenario, SchedulerSpec, TaskSpec } from './scenario.ts';

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

function withoutStage(task: TaskSpec, stage: number): TaskSpec {
  return { ...task, afetUs: without(task.afetUs, stage), execUs: task.execUs.map((row) => without(row, stage)) };
}

function* smallerTasks(task: TaskSpec): Generator<TaskSpec> {
  // All tasks of a class have the same stages: these go with the class's.
  const stages = task.afetUs.length < 2 || task.class !== undefined ? [] : task.afetUs.keys();
  for (const stage of stages) yield withoutStage(task, stage);
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

/** The tasks of this class, or those of all, are in none. */
function unjoined(tasks: readonly TaskSpec[], left?: string): TaskSpec[] {
  return tasks.map((task) => {
    const { class: own, ...rest } = task;
    return own !== undefined && (left ?? own) === own ? rest : task;
  });
}

/** A class and its tasks with one stage less. */
function* shorterClass(scenario: Scenario, joining: JoiningSpec, index: number): Generator<Scenario> {
  const own = joining.classes[index];
  if (own === undefined) return;
  const stages = scenario.tasks.find(({ class: name }) => name === own.name)?.afetUs ?? [];
  for (const stage of stages.length < 2 ? [] : stages.keys()) {
    const less: ClassSpec = {
      ...own,
      afetUs: own.afetUs.map((afets) => without(afets, stage)),
      execUs: own.execUs.map((rows) => rows.map((row) => without(row, stage))),
    };
    const tasks = scenario.tasks.map((task) => (task.class === own.name ? withoutStage(task, stage) : task));
    yield { ...scenario, joining: { ...joining, classes: joining.classes.with(index, less) }, tasks };
  }
}

function* fewerRows(own: ClassSpec): Generator<ClassSpec> {
  for (const [i, rows] of own.execUs.entries()) {
    for (const fewer of shorter(rows)) yield { ...own, execUs: own.execUs.with(i, fewer) };
  }
}

function* smallerJoining(scenario: Scenario): Generator<Scenario> {
  const { joining, ...rest } = scenario;
  if (joining === undefined) return;
  const { capacities, classes } = joining;
  yield { ...rest, tasks: unjoined(rest.tasks) };
  for (const [i, { name }] of classes.length < 2 ? [] : classes.entries()) {
    yield { ...rest, joining: { ...joining, classes: without(classes, i) }, tasks: unjoined(rest.tasks, name) };
  }
  for (let i = capacities.length - 1; i > 0; i -= 1) {
    const cut = ({ name, afetUs, execUs, demand }: ClassSpec): ClassSpec => ({
      name,
      afetUs: without(afetUs, i - 1),
      execUs: without(execUs, i - 1),
      ...(demand === undefined ? {} : { demand: without(demand, i - 1) }),
    });
    yield { ...scenario, joining: { ...joining, capacities: without(capacities, i), classes: classes.map(cut) } };
  }
  for (const [i, own] of classes.entries()) {
    yield* shorterClass(scenario, joining, i);
    for (const less of fewerRows(own)) yield { ...scenario, joining: { ...joining, classes: classes.with(i, less) } };
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

/** Without interference; then without the demand of one task. */
function* lessDemanding(scenario: Scenario): Generator<Scenario> {
  if (scenario.interference.model === 'none') return;
  const bare = structuredClone(scenario);
  for (const each of [...bare.tasks, ...(bare.joining?.classes ?? [])]) delete each.demand;
  yield { ...bare, interference: { model: 'none' } };
  for (const [i, task] of scenario.tasks.entries()) {
    if (task.demand?.smPpm === 0 && task.demand.memoryPpm === 0) continue;
    yield { ...scenario, tasks: scenario.tasks.with(i, { ...task, demand: { smPpm: 0, memoryPpm: 0 } }) };
  }
}

/** The variants of a scenario that are one step smaller, the boldest first. */
export function* smaller(scenario: Scenario): Generator<Scenario> {
  for (const tasks of shorter(scenario.tasks)) yield { ...scenario, tasks };
  for (const part of [2, 4 / 3, 10 / 9]) {
    const durationUs = Math.floor(scenario.durationUs / part);
    if (durationUs > 0 && durationUs < scenario.durationUs) yield { ...scenario, durationUs };
  }
  yield* smallerJoining(scenario);
  yield* lessDemanding(scenario);
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
