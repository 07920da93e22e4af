// One release: skip, admit (with a migration where the own context has no room), or reject.
import { ceilOfQuotient, isLess, nearestDouble, sum, virtualDeadlines, type Quotient } from './arithmetic.ts';
import { findCounted } from './classes.ts';
import { passes, testIn, type Test } from './terms.ts';
import { billionths, Literal, type Fields, type Trace } from './trace.ts';
import { age, contextOf, element, mretsOf, utilization, type Context, type Task, type World } from './world.ts';

interface Release {
  task: Task;
  /** 0, 1, … per task, skipped and rejected ones counted. */
  job: bigint;
  now: bigint;
}

/** A context that passed, with the predicted finish there. */
interface Target {
  context: Context;
  finish: Quotient;
  test: Test;
}

/** The context with the earliest predicted finish among those that pass, the first one on a tie. */
function earliest(tests: readonly Test[]): Target | undefined {
  return tests.reduce<Target | undefined>((best, test) => {
    const { context, finish } = test;
    if (finish === undefined || (best !== undefined && !isLess(finish, best.finish))) return best;
    return { context, finish, test };
  }, undefined);
}

function start(task: Task, now: bigint, number: bigint): void {
  const { counted } = task.class;
  const mrets = mretsOf(counted);
  task.active = {
    task,
    number,
    release: now,
    virtualDeadlines: virtualDeadlines(now, task.deadline, mrets),
    row: element(task.rows, task.admissions % task.rows.length),
    amortizedMret: ceilOfQuotient(sum(mrets), counted.capacity),
    unit: undefined,
    predecessorMissed: false,
  };
  task.admissions += 1;
  task.consecutiveRejections = 0;
}

/** After `mretWindow` rejections in a row n* of the task's class ages, unless it was measured meanwhile; the count restarts. */
function countRejection(world: World, task: Task): void {
  const { rules } = world;
  const { class: own } = task;
  if (task.consecutiveRejections === 0) task.measuredBefore = own.measurements;
  task.consecutiveRejections += 1;
  if (!rules.mretAging || task.consecutiveRejections < rules.mretWindow) return;
  task.consecutiveRejections = 0;
  if (own.measurements !== task.measuredBefore) return;
  age(own.counted);
  findCounted(world, contextOf(task).gpu, own);
}

function terms({ context, active, remaining }: Test): Fields {
  return { context: context.index, active: billionths(active), remaining: billionths(remaining) };
}

function reject(world: World, trace: Trace, at: Release, tests: readonly Test[]): void {
  const { task, now, job } = at;
  const util = billionths(utilization(task));
  trace.write(now, 'reject', { task: task.name, job, tested: tests.map(terms), util });
  countRejection(world, task);
}

function admit(trace: Trace, { task, job, now }: Release, admission: Fields): void {
  trace.write(now, 'admit', { task: task.name, job, ...admission });
  start(task, now, job);
}

function admitWith(trace: Trace, at: Release, { context, active, remaining }: Test): void {
  const util = billionths(utilization(at.task));
  const fields = { context: context.index, active: billionths(active), util, remaining: billionths(remaining) };
  admit(trace, at, fields);
}

/** Where the job moves to: its task's later jobs are released there too. */
function migrate(trace: Trace, { task, job, now }: Release, { context, finish }: Target): void {
  const { numerator, denominator } = finish;
  const predicted = new Literal(String(denominator === 1n ? numerator : nearestDouble(finish)));
  const [from, to] = [contextOf(task).index, context.index];
  trace.write(now, 'migrate', { task: task.name, job, from, to, predicted });
  task.context = context;
}

/** HP without HPA: not tested. HP under HPA: its own context only. */
function releaseHigh(world: World, trace: Trace, at: Release): void {
  const own = contextOf(at.task);
  if (!world.rules.highPriorityAdmission) {
    admit(trace, at, { context: own.index, util: billionths(utilization(at.task)) });
    return;
  }
  const test = testIn(world, at.task, own, at.now);
  if (passes(world, at.task, test, at.now)) admitWith(trace, at, test);
  else reject(world, trace, at, [test]);
}

/** LP: its own context; failing that every other of the GPU, by index. */
function releaseLow(world: World, trace: Trace, at: Release): void {
  const own = contextOf(at.task);
  const ownTest = testIn(world, at.task, own, at.now);
  if (passes(world, at.task, ownTest, at.now)) {
    admitWith(trace, at, ownTest);
    return;
  }
  const isOther = (context: Context): boolean => context !== own;
  const others = own.gpu.contexts.filter(isOther).map((context) => testIn(world, at.task, context, at.now));
  const target = earliest(others.filter((test) => passes(world, at.task, test, at.now)));
  if (target === undefined) {
    reject(world, trace, at, [ownTest, ...others]);
    return;
  }
  migrate(trace, at, target);
  admitWith(trace, at, target.test);
}

/** All lines of one release; a release while the task's previous job is still active is skipped. */
export function release(world: World, trace: Trace, task: Task, now: bigint): void {
  const at = { task, now, job: task.releases };
  task.releases += 1n;
  trace.write(now, 'release', { task: task.name, job: at.job });
  if (task.active !== undefined) trace.write(now, 'skip', { task: task.name, job: at.job });
  else if (task.high) releaseHigh(world, trace, at);
  else releaseLow(world, trace, at);
}
