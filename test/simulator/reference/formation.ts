// How a unit is formed when the first stage of a job is dispatched: from what is ready then, without waiting.
import { sum } from './arithmetic.ts';
import { findCounted, isBearable, leavesTime } from './classes.ts';
import { better, keyOf } from './key.ts';
import {
  age,
  element,
  mretsOf,
  tasksIn,
  type Context,
  type Job,
  type Size,
  type TaskClass,
  type Unit,
  type World,
} from './world.ts';

interface Place {
  context: Context;
  now: bigint;
}

function deadlineOf({ task, release }: Job): bigint {
  return release + task.deadline;
}

/** `lateJobs: "Drop"`: a stage that would be dispatched late ends its job instead; a unit of several runs to its end. */
export function isDropped(job: Job, now: bigint): boolean {
  return job.task.drops && now > deadlineOf(job) && (job.unit?.members.length ?? 1) === 1;
}

/** The lead and all others of its class that may go with it, in key order; the lead is the first. */
function candidatesFor(world: World, lead: Job, { context, now }: Place): Job[] {
  return tasksIn(world, context)
    .map(({ active }) => active)
    .filter((job) => job !== undefined)
    .filter((job) => job.task.class === lead.task.class && job.unit === undefined && !isDropped(job, now))
    .sort((a, b) => (better(keyOf(world, a), keyOf(world, b)) ? -1 : 1));
}

/** Whom a unit of this size takes. */
function taken(candidates: readonly Job[], { capacity }: Size): Job[] {
  return candidates.slice(0, Number(capacity));
}

/** Rule (b): who would be in time alone is in time in the unit. */
function harmsNobody(members: readonly Job[], size: Size, alone: Size, now: bigint): boolean {
  const [finish, finishAlone] = [now + sum(mretsOf(size)), now + sum(mretsOf(alone))];
  return members.every((job) => finishAlone > deadlineOf(job) || finish <= deadlineOf(job));
}

/** Rule (a): three quarters of it are there. */
function isFilled(candidates: readonly Job[], { capacity }: Size): boolean {
  return 4n * BigInt(candidates.length) >= 3n * capacity;
}

/** The largest size that (a) is filled, (b) harms nobody, (c) is bearable and (d) leaves time; else one job. */
function sizeFor(world: World, lead: Job, candidates: readonly Job[], { context, now }: Place): Size {
  const { class: own } = lead.task;
  const found = own.larger.findLast(
    (size) =>
      isFilled(candidates, size) &&
      harmsNobody(taken(candidates, size), size, own.alone, now) &&
      isBearable(world, context, size) &&
      leavesTime(world, context.gpu, own, size),
  );
  return found ?? own.alone;
}

/** One job alone has its task's row; a unit of several the class's next one of its size. */
function rowOf(lead: Job, { capacity, rows, units }: Size): bigint[] {
  return capacity === 1n ? lead.row : element(rows, units % rows.length);
}

/** So that one slow unit does not close its capacity for ever: one passed over `mretWindow` times ages. */
function passOver({ rules }: World, { larger }: TaskClass, taken: Size, candidates: readonly Job[]): void {
  taken.passedOver = 0;
  for (const size of larger) {
    if (size.capacity <= taken.capacity || !isFilled(candidates, size)) continue;
    size.passedOver += 1;
    if (!rules.mretAging || size.passedOver < rules.mretWindow) continue;
    age(size);
    size.passedOver = 0;
  }
}

export function formed(world: World, lead: Job, at: Place): Unit {
  const candidates = candidatesFor(world, lead, at);
  const size = sizeFor(world, lead, candidates, at);
  const members = taken(candidates, size);
  const unit = { members, size, row: rowOf(lead, size), mrets: mretsOf(size), current: 0, running: false };
  size.units += 1;
  for (const member of members) member.unit = unit;
  world.onFormation(unit, { world, ...at });
  passOver(world, lead.task.class, size, candidates);
  findCounted(world, at.context.gpu, lead.task.class);
  return unit;
}
