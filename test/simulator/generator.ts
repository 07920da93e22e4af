// Random scenarios from a seed: every shape and rule of the format, with ties on purpose, under- and overloaded.
// In half of them tasks of a class may go together; in half of the others stages slow each other down.
import { joiningOf, type JoiningDraft } from './classes.ts';
import { names } from './names.ts';
import { Random } from './random.ts';
import { scaled } from './scaling.ts';
import type { DemandSpec, GpuSpec, Scenario, SchedulerSpec, TaskSpec } from './scenario.ts';
import { onGrid, rowOf } from './times.ts';

/** What the tasks of one scenario have in common. */
interface Mood {
  /** All times are multiples of this: coarse ones collide. */
  grid: number;
  /** What all times are multiplied by; the largest makes products of more than 64 bits. */
  scale: number;
  /** Σ of all utilizations over the number of streams. */
  load: number;
  tasks: number;
  /** Share of HP tasks. */
  high: number;
  /** Share of tasks that repeat another's period, deadline and AFET. */
  twins: number;
  maxStages: number;
  durationUs: number;
  gpus: number;
  /** Most contexts of a GPU. */
  contexts: number;
  streams: number;
  /** Share of tasks that name their first context, and of those that name the first of all: a crowd invites migration. */
  pinned: number;
  crowd: number;
}

function gpuOf(random: Random, name: string, mood: Mood): GpuSpec {
  const contexts = random.whole(1, mood.contexts);
  const shares = [1, 1.5, 2, contexts, random.between(1, contexts)] as const;
  return {
    name,
    smCount: random.pick([46, 68, 132]),
    contexts,
    streamsPerContext: mood.streams,
    oversubscription: Math.min(contexts, random.pick(shares)),
  };
}

function schedulerOf(random: Random): SchedulerSpec {
  const admission = random.pick(['Utilization', 'Predicted', undefined] as const);
  const mretAging = random.pick([true, true, false, undefined]);
  return {
    mretWindow: random.whole(1, random.pick([1, 3, 8])),
    ...(mretAging === undefined ? {} : { mretAging }),
    ...(admission === undefined ? {} : { admission }),
    highPriorityAdmission: random.chance(0.4),
    staging: random.chance(0.85),
    lastStageBoost: random.chance(0.8),
    missBoost: random.chance(0.8),
    fixedPriorities: random.chance(0.8),
  };
}

type Times = Pick<TaskSpec, 'periodUs' | 'deadlineUs' | 'afetUs' | 'class'>;

function timesOf(random: Random, mood: Mood, streams: number): Times {
  const periodUs = onGrid(random.pick([400, 800, random.between(50, 2000)]), mood.grid);
  const deadlineUs = random.chance(0.5) ? periodUs : Math.min(periodUs, onGrid(periodUs * random.real(), mood.grid));
  const utilization = ((mood.load * streams) / mood.tasks) * random.between(0.3, 1.7);
  const stages = random.whole(1, mood.maxStages);
  const share = (Math.max(0.01, utilization) * deadlineUs) / stages;
  return {
    periodUs,
    deadlineUs,
    afetUs: random.list(stages, () => onGrid(share * random.between(0.4, 1.6), mood.grid)),
  };
}

/** Of a task of a class: its AFETs are the class's. Periods follow from the load, but seldom undercut the deadline. */
function timesIn(random: Random, mood: Mood, streams: number, { classes, patience }: JoiningDraft): Times {
  const { spec, afetUs } = random.pick(classes);
  const aloneUs = afetUs.reduce((all, afet) => all + afet);
  const tightUs = onGrid(aloneUs * random.between(patience.from, patience.to), mood.grid);
  const fairUs = ((aloneUs * mood.tasks) / (mood.load * streams)) * random.between(0.3, 1.7);
  const periodUs = onGrid(Math.max(50, fairUs, random.chance(0.97) ? tightUs : 0), mood.grid);
  return {
    class: spec.name,
    periodUs,
    deadlineUs: random.chance(0.3) ? periodUs : Math.min(periodUs, tightUs),
    afetUs,
  };
}

function taskOf(random: Random, mood: Mood, name: string, times: Times): TaskSpec {
  const { periodUs, deadlineUs, afetUs, class: className } = times;
  const phase = random.pick([0, 0, random.between(0, periodUs), random.between(0, 20 * periodUs)]);
  return {
    name,
    priority: random.chance(mood.high) ? 'High' : 'Low',
    periodUs,
    deadlineUs,
    phaseUs: Math.floor(phase / mood.grid) * mood.grid,
    ...(className === undefined ? {} : { class: className }),
    ...(random.chance(0.4) ? { lateJobs: random.pick(['Finish', 'Drop', 'Drop']) } : {}),
    afetUs,
    execUs: random.list(random.whole(1, 4), () => rowOf(random, afetUs, mood.grid)),
  };
}

function tasksOf(random: Random, mood: Mood, gpus: readonly GpuSpec[], draft: JoiningDraft | undefined): TaskSpec[] {
  const streams = gpus.reduce((all, gpu) => all + gpu.contexts * gpu.streamsPerContext, 0);
  const tasks: TaskSpec[] = [];
  for (const name of names(random, mood.tasks)) {
    const twin = random.chance(mood.twins) ? tasks[random.whole(0, tasks.length - 1)] : undefined;
    const joined = draft !== undefined && random.chance(draft.share);
    const fresh = joined ? timesIn(random, mood, streams, draft) : timesOf(random, mood, streams);
    tasks.push(taskOf(random, mood, name, twin ?? fresh));
  }
  return tasks;
}

/** Gives some tasks their first context. */
function pin(random: Random, mood: Mood, task: TaskSpec, gpus: readonly GpuSpec[]): TaskSpec {
  const crowded = random.chance(mood.crowd);
  const gpu = gpus[crowded ? 0 : random.whole(0, gpus.length - 1)];
  if (gpu === undefined || !random.chance(mood.pinned)) return task;
  return { ...task, context: { gpu: gpu.name, index: crowded ? 0 : random.whole(0, gpu.contexts - 1) } };
}

function moodOf(random: Random): Mood {
  return {
    grid: random.pick([1, 1, 10, 50, 100]),
    scale: random.pick([1, 1, 1, 1, 1, 7, 1000, 2 ** 28]),
    load: random.pick([0.3, 0.6, 0.9, 1.2, 1.6, 3]),
    tasks: random.whole(1, random.pick([3, 8, 16])),
    high: random.pick([0, 0.3, 0.3, 0.6, 1]),
    twins: random.pick([0, 0.3, 0.8]),
    maxStages: random.pick([1, 3, 6]),
    durationUs: random.between(500, 20_000),
    gpus: random.pick([1, 1, 1, 2, 3]),
    contexts: random.pick([2, 6]),
    streams: random.pick([1, 1, 2, 3, 5]),
    pinned: random.pick([0, 0.2, 0.9]),
    crowd: random.pick([0, 0.7]),
  };
}

/** With calibrated interference: from none at all to stages that slow each other down as much as the format allows. */
function demanding(random: Random, scenario: Scenario): Scenario {
  const [sm, memory] = [random.pick([0, 100_000, 600_000, 1_000_000]), random.pick([0, 20_000, 1_000_000])];
  const demand = (): DemandSpec => ({ smPpm: random.whole(0, sm), memoryPpm: random.whole(0, memory) });
  const tasks = scenario.tasks.map((task) => ({ ...task, demand: demand() }));
  const interference = { model: 'calibrated' as const };
  if (scenario.joining === undefined) return { ...scenario, tasks, interference };
  const classes = scenario.joining.classes.map((each) => ({ ...each, demand: each.afetUs.map(demand) }));
  return { ...scenario, joining: { ...scenario.joining, classes }, tasks, interference };
}

export function generate(seed: number): Scenario {
  const random = new Random(seed);
  const draft = random.chance(0.5) ? joiningOf(random) : undefined;
  const mood = { ...moodOf(random), ...draft?.mood };
  const gpus = names(random, mood.gpus).map((name) => gpuOf(random, name, mood));
  const scheduler = schedulerOf(random);
  if (draft?.joining.enabled === true) scheduler.staging = true;
  const tasks = tasksOf(random, mood, gpus, draft).map((task) => pin(random, mood, task, gpus));
  const scenario: Scenario = {
    version: 1,
    durationUs: onGrid(mood.durationUs, mood.grid),
    seed,
    gpus,
    scheduler,
    ...(draft === undefined ? {} : { joining: draft.joining }),
    tasks,
    interference: { model: 'none' },
  };
  return scaled(random.chance(0.5) ? demanding(random, scenario) : scenario, mood.scale);
}
