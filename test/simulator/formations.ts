// Each unit of a joined class in figures, at the instant at which the reference formed it.
import { sum } from './reference/arithmetic.ts';
import { mretsOf, tasksIn, type Job, type OnFormation, type Size, type Task } from './reference/world.ts';

export interface Formation {
  members: { name: string; deadline: bigint }[];
  capacity: bigint;
  now: bigint;
  /** M(1) and M(n). */
  alone: bigint;
  whole: bigint;
  longestStage: bigint;
  /** D − M(1) of each high-priority task of the context. */
  slacks: bigint[];
  /** The largest capacity that three quarters of the jobs were there for. */
  fillable: bigint;
  mixed: boolean;
  counted: bigint;
}

function total(size: Size): bigint {
  return sum(mretsOf(size));
}

function slackOf({ deadline, class: { alone, larger } }: Task): bigint {
  return deadline - (larger.length > 0 ? total(alone) : sum(alone.stages.map(({ afet }) => afet)));
}

function memberOf({ task, number, release }: Job): Formation['members'][number] {
  return { name: `${task.name}#${number}`, deadline: release + task.deadline };
}

/** Appends what it is told of. */
export function recorder(formations: Formation[]): OnFormation {
  return ({ members, size }, { world, context, now }) => {
    const [own] = members.map(({ task }) => task.class);
    if (own === undefined || own.larger.length === 0) return;
    const [tasks, stages] = [tasksIn(world, context), mretsOf(size)];
    const left = tasks.filter(({ class: each, active }) => each === own && active !== undefined && !active.unit);
    const jobs = BigInt(members.length + left.length);
    formations.push({
      members: members.map(memberOf),
      capacity: size.capacity,
      now,
      alone: total(own.alone),
      whole: total(size),
      longestStage: stages.reduce((most, stage) => (stage > most ? stage : most)),
      slacks: tasks.filter(({ high }) => high).map(slackOf),
      fillable: own.larger.findLast(({ capacity }) => 4n * jobs >= 3n * capacity)?.capacity ?? 1n,
      mixed: new Set(members.map(({ task }) => task.high)).size > 1,
      counted: own.counted.capacity,
    });
  };
}
