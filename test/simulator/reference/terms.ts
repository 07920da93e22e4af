// The admission test of a newcomer in one context: (11), (12), HPA, and the predicted finish.
// Everything is counted anew, with the MRETs of the moment.
import { billion, ceilOfQuotient, isLess, sum, virtualDeadlines, type Quotient } from './arithmetic.ts';
import { better, keyOf, levelOf, type Key } from './key.ts';
import { isRunning, mretsOf, tasksIn, totalUtilization, utilization } from './world.ts';
import type { Context, Job, Task, Unit, World } from './world.ts';

/** The terms of the inequality `active + util < remaining` in one context, in billionths. */
export interface Test {
  context: Context;
  active: bigint;
  remaining: bigint;
  /** Absolute; absent where the inequality does not hold. */
  finish: Quotient | undefined;
}

interface Place {
  context: Context;
  now: bigint;
  /** R, the streams that are left to the newcomer: all for HP, U_r for LP; in billionths. */
  left: bigint;
}

function isActive({ active }: Task): boolean {
  return active !== undefined;
}

/** A new job's key for its first stage: release = now, its level as if no predecessor missed. */
function keyOfNewcomer(world: World, task: Task, now: bigint): Key {
  const [first] = virtualDeadlines(now, task.deadline, mretsOf(task.class.counted));
  return [levelOf(world, task, 0, false), first ?? now, now, BigInt(task.index)];
}

/** The MRETs of the stages not yet completed, a running stage counted whole. */
function remainingMret({ mrets, current }: Unit): bigint {
  return sum(mrets.slice(current));
}

/** What these jobs still take: a unit counts once, a job that has not started its share of a unit of n*. */
function remainingWork(jobs: readonly Job[]): bigint {
  const units = new Set(jobs.map(({ unit }) => unit).filter((unit) => unit !== undefined));
  const unstarted = jobs.filter(({ unit }) => unit === undefined);
  return sum([...units].map(remainingMret)) + sum(unstarted.map(({ amortizedMret }) => amortizedMret));
}

/** Whether its jobs wait in one long queue: of a joined class, and not the only task of it. */
function isQueued({ class: { larger, tasks } }: Task): boolean {
  return larger.length > 0 && tasks > 1;
}

/** What runs or would run before a newcomer; in a queue also what its class has begun, whatever its key. */
function workBefore(world: World, task: Task, context: Context, now: bigint): bigint {
  const newcomer = keyOfNewcomer(world, task, now);
  const isOwn = (job: Job): boolean => isQueued(task) && job.task.class === task.class && job.unit !== undefined;
  const before = tasksIn(world, context)
    .map(({ active }) => active)
    .filter((job) => job !== undefined)
    .filter((job) => isRunning(job) || isOwn(job) || better(keyOf(world, job), newcomer));
  return remainingWork(before);
}

/** `now + S / N_s + mret of the newcomer`; in a queue `now + ceil(S / R) + M(n*)`. */
function predictedFinish(world: World, task: Task, { context, now, left }: Place): Quotient {
  const work = workBefore(world, task, context, now);
  const earliest = now + sum(mretsOf(task.class.counted));
  if (isQueued(task)) return { numerator: earliest + ceilOfQuotient(work * billion, left), denominator: 1n };
  const streams = context.gpu.streamsPerContext;
  return { numerator: streams * earliest + work, denominator: streams };
}

/** LP: `U_l,active + u < N_s − U_h,total` (11, 12). HP under HPA: `U_h,active + U_l,active + u < N_s`. */
export function testIn(world: World, task: Task, context: Context, now: bigint): Test {
  const others = tasksIn(world, context).filter((each) => each !== task);
  const counted = others.filter((each) => isActive(each) && (task.high || !each.high));
  const reserved = task.high ? [] : others.filter((each) => each.high);
  const active = totalUtilization(counted);
  const remaining = context.gpu.streamsPerContext * billion - totalUtilization(reserved);
  const holds = active + utilization(task) < remaining;
  const finish = holds ? predictedFinish(world, task, { context, now, left: remaining }) : undefined;
  return { context, active, remaining, finish };
}

/** Where it holds, and under `Predicted` the job would be in time. */
export function passes({ rules }: World, task: Task, { finish }: Test, now: bigint): boolean {
  if (finish === undefined) return false;
  return rules.admission === 'Utilization' || !isLess({ numerator: now + task.deadline, denominator: 1n }, finish);
}
