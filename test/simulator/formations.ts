// Each unit of a joined class in figures, at the instant at which the reference formed it.
import { sum } from './reference/arithmetic.ts';
import { paceOf, preferred } from './reference/pace.ts';
import {
  mretsOf,
  tasksIn,
  type Job,
  type OnFormation,
  type Size,
  type Task,
  type TaskClass,
} from './reference/world.ts';

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
  /** The capacity of (a), whatever (b) to (d) say. */
  fastest: bigint;
  /** Jobs a time, of those that could go, at its capacity against those at 1. */
  gain: number;
  /** (d): B + 2·M(n) for the capacity and for the fastest one, and the least deadline of the class's tasks. */
  needed: bigint;
  fastestNeeded: bigint;
  leastDeadline: bigint;
  /** Tasks of the class with a job in the context that has begun and is ready. */
  begun: string[];
  mixed: boolean;
  counted: bigint;
}

function total(size: Size): bigint {
  return sum(mretsOf(size));
}

function slackOf({ deadline, class: { alone } }: Task): bigint {
  return deadline - total(alone);
}

/** Jobs a time, of so many that could go. */
function rate(of: bigint, size: Size): number {
  const { jobs, time } = paceOf(size, of);
  return Number(jobs) / Number(time);
}

/** B + 2·M(n). */
function neededBy(size: Size, own: TaskClass, tasks: readonly Task[]): bigint {
  const others = tasks.filter((task) => task.class !== own);
  const stages = others.flatMap((task) => task.class.alone.stages.map(({ afet }) => afet));
  return stages.reduce((most, afet) => (afet > most ? afet : most), 0n) + 2n * total(size);
}

function memberOf({ task, number, release }: Job): Formation['members'][number] {
  return { name: `${task.name}#${number}`, deadline: release + task.deadline };
}

/** Appends what it is told of. */
export function recorder(formations: Formation[]): OnFormation {
  return (unit, { world, context, now }) => {
    const { members, size } = unit;
    const [own] = members.map(({ task }) => task.class);
    if (own === undefined || own.larger.length === 0) return;
    const [tasks, stages] = [tasksIn(world, context), mretsOf(size)];
    const left = tasks.filter(({ class: each, active }) => each === own && active !== undefined && !active.unit);
    const jobs = BigInt(members.length + left.length);
    const fastest = preferred(own, Number(jobs), () => true);
    const onGpu = world.tasks.filter((task) => task.context?.gpu === context.gpu);
    const deadlines = onGpu.filter((task) => task.class === own).map(({ deadline }) => deadline);
    const isBegun = ({ class: each, active }: Task): boolean =>
      each === own && active?.unit !== undefined && active.unit !== unit && !active.unit.running;
    formations.push({
      members: members.map(memberOf),
      capacity: size.capacity,
      now,
      alone: total(own.alone),
      whole: total(size),
      longestStage: stages.reduce((most, stage) => (stage > most ? stage : most)),
      slacks: tasks.filter(({ high }) => high).map(slackOf),
      fastest: fastest.capacity,
      gain: rate(jobs, size) / rate(jobs, own.alone),
      needed: neededBy(size, own, onGpu),
      fastestNeeded: neededBy(fastest, own, onGpu),
      leastDeadline: deadlines.reduce((least, deadline) => (deadline < least ? deadline : least)),
      begun: tasks.filter(isBegun).map(({ name }) => name),
      mixed: new Set(members.map(({ task }) => task.high)).size > 1,
      counted: own.counted.capacity,
    });
  };
}
