// The admission test of a newcomer in one context: (11), (12), HPA, and the predicted finish.
// Everything is counted anew, with the MRETs of the moment.
import { billion, sum, virtualDeadlines } from './arithmetic.ts';
import { better, keyOf, levelOf, type Key } from './key.ts';
import { isRunning, mretsOf, tasksIn, totalUtilization, utilization } from './world.ts';
import type { Context, Job, Task, Unit, World } from './world.ts';

/** The terms of the inequality `active + util < remaining` in one context, in billionths. */
export interface Test {
  context: Context;
  active: bigint;
  remaining: bigint;
  /** N_s times the absolute predicted finish. */
  finish: bigint;
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

/** `N_s · now + (sum of those before the newcomer) + N_s · mret of the newcomer`. */
function predictedFinish(world: World, task: Task, context: Context, now: bigint): bigint {
  const newcomer = keyOfNewcomer(world, task, now);
  const before = tasksIn(world, context)
    .map(({ active }) => active)
    .filter((job) => job !== undefined)
    .filter((job) => isRunning(job) || better(keyOf(world, job), newcomer));
  const streams = context.gpu.streamsPerContext;
  return streams * now + remainingWork(before) + streams * sum(mretsOf(task.class.counted));
}

/** LP: `U_l,active + u < N_s − U_h,total` (11, 12). HP under HPA: `U_h,active + U_l,active + u < N_s`. */
export function testIn(world: World, task: Task, context: Context, now: bigint): Test {
  const others = tasksIn(world, context).filter((each) => each !== task);
  const capacity = context.gpu.streamsPerContext * billion;
  const finish = predictedFinish(world, task, context, now);
  if (task.high) return { context, active: totalUtilization(others.filter(isActive)), remaining: capacity, finish };
  return {
    context,
    active: totalUtilization(others.filter((each) => !each.high && isActive(each))),
    remaining: capacity - totalUtilization(others.filter((each) => each.high)),
    finish,
  };
}

export function passes({ rules }: World, task: Task, test: Test, now: bigint): boolean {
  if (test.active + utilization(task) >= test.remaining) return false;
  const deadline = test.context.gpu.streamsPerContext * (now + task.deadline);
  return rules.admission === 'Utilization' || test.finish <= deadline;
}
