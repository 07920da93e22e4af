// Random scenarios from a seed: every shape and rule of the format, with ties on purpose, under- and overloaded.
import { Random } from './random.ts';
import type { GpuSpec, Scenario, SchedulerSpec, TaskSpec } from './scenario.ts';

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
  /** Share of tasks that name their first context, and of those that name the first of all: a crowd invites migration. */
  pinned: number;
  crowd: number;
}

const syllables = ['a', 'b', 'Z', 'é', 'ß', '漢', '\u{1F600}', '\u{FB01}', '~', '-', ' ', '"', '\\', '/'] as const;

function names(random: Random, count: number): string[] {
  const found = new Set<string>();
  while (found.size < count) {
    found.add(random.list(random.whole(1, 4), () => random.pick(syllables)).join(''));
  }
  return [...found];
}

function gpuOf(random: Random, name: string): GpuSpec {
  const contexts = random.whole(1, random.pick([2, 6]));
  const shares = [1, 1.5, 2, contexts, random.between(1, contexts)] as const;
  return {
    name,
    smCount: random.pick([46, 68, 132]),
    contexts,
    streamsPerContext: random.pick([1, 1, 2, 3, 5]),
    oversubscription: Math.min(contexts, random.pick(shares)),
  };
}

function schedulerOf(random: Random): SchedulerSpec {
  const admission = random.pick(['Utilization', 'Predicted', undefined] as const);
  const mretAging = random.pick([true, true, false, undefined]);
  return {
    mretWindow: random.whole(1, 8),
    ...(mretAging === undefined ? {} : { mretAging }),
    ...(admission === undefined ? {} : { admission }),
    highPriorityAdmission: random.chance(0.4),
    staging: random.chance(0.85),
    lastStageBoost: random.chance(0.8),
    missBoost: random.chance(0.8),
    fixedPriorities: random.chance(0.8),
  };
}

function onGrid(time: number, grid: number): number {
  return Math.max(1, Math.round(time / grid)) * grid;
}

function rowOf(random: Random, afetUs: readonly number[], grid: number): number[] {
  const factor = random.pick([1, 1, random.between(0.4, 1.2), random.between(0.8, 3)]);
  return afetUs.map((afet) => onGrid(afet * (random.chance(0.5) ? factor : factor * random.between(0.5, 1.4)), grid));
}

function timesOf(random: Random, mood: Mood, streams: number): Pick<TaskSpec, 'periodUs' | 'deadlineUs' | 'afetUs'> {
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

function taskOf(random: Random, mood: Mood, name: string, times: ReturnType<typeof timesOf>): TaskSpec {
  const { periodUs, deadlineUs, afetUs } = times;
  const phase = random.pick([0, 0, random.between(0, periodUs), random.between(0, 20 * periodUs)]);
  return {
    name,
    priority: random.chance(mood.high) ? 'High' : 'Low',
    periodUs,
    deadlineUs,
    phaseUs: Math.floor(phase / mood.grid) * mood.grid,
    ...(random.chance(0.4) ? { lateJobs: random.pick(['Finish', 'Drop', 'Drop']) } : {}),
    afetUs,
    execUs: random.list(random.whole(1, 4), () => rowOf(random, afetUs, mood.grid)),
  };
}

function tasksOf(random: Random, mood: Mood, gpus: readonly GpuSpec[]): TaskSpec[] {
  const streams = gpus.reduce((all, gpu) => all + gpu.contexts * gpu.streamsPerContext, 0);
  const tasks: TaskSpec[] = [];
  for (const name of names(random, mood.tasks)) {
    const twin = random.chance(mood.twins) ? tasks[random.whole(0, tasks.length - 1)] : undefined;
    tasks.push(taskOf(random, mood, name, twin ?? timesOf(random, mood, streams)));
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

function scaled(task: TaskSpec, scale: number): TaskSpec {
  const times = (list: readonly number[]): number[] => list.map((time) => time * scale);
  return {
    ...task,
    periodUs: task.periodUs * scale,
    deadlineUs: task.deadlineUs * scale,
    phaseUs: task.phaseUs * scale,
    afetUs: times(task.afetUs),
    execUs: task.execUs.map(times),
  };
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
    pinned: random.pick([0, 0.2, 0.9]),
    crowd: random.pick([0, 0.7]),
  };
}

export function generate(seed: number): Scenario {
  const random = new Random(seed);
  const mood = moodOf(random);
  const gpuCount = random.pick([1, 1, 1, 2, 3]);
  const gpus = names(random, gpuCount).map((name) => gpuOf(random, name));
  const scheduler = schedulerOf(random);
  const tasks = tasksOf(random, mood, gpus).map((task) => scaled(pin(random, mood, task, gpus), mood.scale));
  return {
    version: 1,
    durationUs: onGrid(random.between(500, 20000), mood.grid) * mood.scale,
    seed,
    gpus,
    scheduler,
    tasks,
    interference: { model: 'none' },
  };
}
