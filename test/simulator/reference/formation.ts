// How a unit is formed when the first stage of a job is dispatched: from what is ready then, without waiting.
import { sum } from './arithmetic.ts';
import { findCounted, isBearable, leavesTime } from './classes.ts';
import { better, keyOf } from './key.ts';
import { preferred, preferredTo } from './pace.ts';
import {
  age,
  contextOf,
  element,
  mretsOf,
  tasksIn,
  type Context,
  type Job,
  type Size,
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

/** Of the sizes that (b) harm nobody, (c) are bearable and (d) leave time that of (a); else one job. */
function sizeFor(world: World, lead: Job, candidates: readonly Job[], { context, now }: Place): Size {
  const { class: own } = lead.task;
  const isAllowed = (size: Size): boolean =>
    harmsNobody(taken(candidates, size), size, own.alone, now) &&
    isBearable(world, context, size) &&
    leavesTime(world, context.gpu, own, size);
  return preferred(own, candidates.length, isAllowed);
}

/** One job alone has its task's row; a unit of several the class's next one of its size. */
function rowOf(lead: Job, { capacity, rows, units }: Size): bigint[] {
  return capacity === 1n ? lead.row : element(rows, units % rows.length);
}

/** The most times that a capacity is passed over before it ages. */
const mostPassings = 65_536;

/** Formed: it is not passed over now, and where that goes on it is tried as often as at first. */
function countFormed({ rules }: World, { trials }: Size): void {
  trials.passedOver = 0;
  trials.formed += 1;
  if (trials.formed >= rules.mretWindow) trials.losses = 0;
}

/**
 * So that one slow unit does not close its capacity for ever; one that is slow indeed is tried ever more seldom.
 * Whether it ages now.
 */
function passOver({ rules }: World, size: Size): boolean {
  const { trials } = size;
  trials.formed = 0;
  trials.passedOver += 1;
  if (!rules.mretAging || trials.passedOver < Math.min(rules.mretWindow * 2 ** trials.losses, mostPassings))
    return false;
  age(size);
  trials.passedOver = 0;
  trials.losses += 1;
  return true;
}

export function formed(world: World, lead: Job, at: Place): Unit {
  const candidates = candidatesFor(world, lead, at);
  const size = sizeFor(world, lead, candidates, at);
  const members = taken(candidates, size);
  const unit = { members, size, row: rowOf(lead, size), mrets: mretsOf(size), current: 0, running: false };
  size.units += 1;
  for (const member of members) member.unit = unit;
  world.onFormation(unit, { world, ...at });
  countFormed(world, size);
  const { class: own } = lead.task;
  const aged = preferredTo(own, candidates.length, size).filter((each) => passOver(world, each));
  if (aged.length > 0) findCounted(world, contextOf(lead.task).gpu, own);
  return unit;
}
