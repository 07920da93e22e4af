// Random classes of tasks whose jobs may go together, with times for each capacity.
import { names } from './names.ts';
import type { Random } from './random.ts';
import type { ClassSpec, JoiningSpec } from './scenario.ts';
import { onGrid, rowOf } from './times.ts';

/** A class, and the AFETs of one job alone, which all of its tasks have. */
export interface ClassDraft {
  spec: ClassSpec;
  afetUs: number[];
}

export interface JoiningDraft {
  joining: JoiningSpec;
  classes: [ClassDraft, ...ClassDraft[]];
  /** Share of tasks that are of a class. */
  share: number;
  /** From and to: their deadlines, but for those that are a period, in times of one job alone. */
  patience: { from: number; to: number };
  /** What makes jobs of a class meet: many tasks in few contexts, much work for one job after the other. */
  mood: {
    grid: number;
    load: number;
    tasks: number;
    durationUs: number;
    gpus: number;
    contexts: number;
    streams: number;
    high: number;
  };
}

const capacityLists: readonly [number[], ...number[][]] = [
  [1],
  [1, 2],
  [1, 2, 4],
  [1, 2, 4],
  [1, 3, 8],
  [1, 2, 3, 4, 6],
  [1, 2, 4, 8],
  [1, 5, 256],
];

function classOf(random: Random, name: string, larger: readonly number[], grid: number): ClassDraft {
  const stages = random.whole(1, random.pick([1, 3, 6]));
  const stageUs = random.between(50, 400) / stages;
  // A unit takes as long as one job, somewhat longer, or even longer than its jobs one after the other.
  const slope = random.pick([0, 0.03, 0.03, 0.1, 0.1, 0.3, 0.5, 0.8, 1.3]);
  const afetUs = random.list(stages, () => onGrid(stageUs * random.between(0.4, 1.6), grid));
  const growth = (capacity: number): number => (1 + slope * (capacity - 1)) * random.between(0.9, 1.1);
  const afets = larger.map((capacity) => afetUs.map((afet) => onGrid(afet * growth(capacity), grid)));
  const rows = afets.map((afet) => random.list(random.whole(1, 3), () => rowOf(random, afet, grid)));
  return { spec: { name, afetUs: afets, execUs: rows }, afetUs };
}

/** One to three classes; in a few scenarios they are not enabled. */
export function joiningOf(random: Random): JoiningDraft {
  const capacities = random.pick(capacityLists);
  const grid = random.pick([1, 1, 10, 50]);
  const [first = '', ...others] = names(random, random.pick([1, 1, 2, 3]));
  const make = (name: string): ClassDraft => classOf(random, name, capacities.slice(1), grid);
  const classes: JoiningDraft['classes'] = [make(first), ...others.map(make)];
  return {
    joining: { enabled: random.chance(0.85), capacities, classes: classes.map(({ spec }) => spec) },
    classes,
    share: random.pick([1, 1, 0.9, 0.6]),
    patience: random.pick([
      { from: 1, to: 4 },
      { from: 3, to: 6 },
      { from: 5, to: 10 },
      { from: 10, to: 40 },
    ]),
    mood: {
      grid,
      load: random.pick([1, 2, 4, 8]),
      tasks: random.whole(3, random.pick([8, 24, 40])),
      durationUs: random.between(2000, 50_000),
      gpus: random.pick([1, 1, 1, 1, 2]),
      contexts: random.pick([1, 1, 1, 2, 4]),
      streams: random.pick([1, 1, 1, 2, 3]),
      high: random.pick([0, 0.1, 0.2, 0.4, 1]),
    },
  };
}
