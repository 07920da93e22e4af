// What the agent says in a task's status: `runtime`, Serving and DeadlinesMet, as one whole statement. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Condition, ConditionState } from '../api/conditions.ts';
import { formatE9 } from '../api/utilization.ts';
import { countersOfStatus, laterCounters, zeroCounters } from './counters.ts';
import { deadlinesMetCondition } from './deadlines-met.ts';
import { type JobCounters, type Miss, MissCause, type Migrations, type ObservedTask } from './native/gen/runtime.ts';
import { formatRate } from './rate.ts';
import type { StoredTask, TaskRuntime } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';
import { presentCondition, sameState, servingCondition } from './serving.ts';
import type { WindowFigures } from './window.ts';

export interface TaskStatusInput {
  readonly task: StoredTask;
  readonly view: RuntimeView;
  /** What the runtime says of this uid; never of another one of the same name. */
  readonly observed: ObservedTask | undefined;
  readonly figures: WindowFigures;
}

/** The fields of status that the agent owns; conditions without their times, which are added where they are written. */
export interface TaskStatement {
  readonly runtime: TaskRuntime | undefined;
  readonly conditions: readonly ConditionState[];
}

/** Undefined: there is nothing to say yet. */
export function taskStatement(input: TaskStatusInput): TaskStatement | undefined {
  const { task, view, observed } = input;
  const serving = servingCondition(task, view, observed) ?? presentCondition(task, 'Serving');
  if (serving === undefined) return undefined;
  const fresh = view.kind === 'up' && observed !== undefined && observed.epoch === task.status?.placement?.epoch;
  if (!fresh) return { runtime: task.status?.runtime, conditions: keptConditions(task, serving) };
  const deadlinesMet = deadlinesMetCondition({
    present: presentCondition(task, 'DeadlinesMet'),
    figures: input.figures,
    maxMissRate: task.status?.effective?.maxMissRate ?? '0',
    observedGeneration: serving.observedGeneration ?? 0,
  });
  const runtime = runtimePart(observed, task.status?.runtime, input.figures);
  return { runtime, conditions: [withoutTime(serving), deadlinesMet] };
}

/** With server-side apply a field that is left out is taken away, so what still holds is said again. */
function keptConditions(task: StoredTask, serving: ConditionState): ConditionState[] {
  const deadlinesMet = presentCondition(task, 'DeadlinesMet');
  return [withoutTime(serving), ...(deadlinesMet === undefined ? [] : [withoutTime(deadlinesMet)])];
}

function withoutTime(condition: ConditionState | Condition): ConditionState {
  const { type, status, reason, message, observedGeneration } = condition;
  return { type, status, reason, message, ...(observedGeneration === undefined ? {} : { observedGeneration }) };
}

function runtimePart(observed: ObservedTask, present: TaskRuntime | undefined, figures: WindowFigures): TaskRuntime {
  const jobs = laterCounters(observed.jobs ?? zeroCounters, countersOfStatus(present));
  return {
    epoch: observed.epoch,
    context: observed.context,
    timing: timingOf(observed),
    ...joiningOf(observed),
    jobs,
    ...ratesOf(jobs),
    window: {
      seconds: Math.round(figures.coveredMs / 1000),
      released: figures.released,
      missed: figures.missed,
      ...ratesOf(figures),
    },
    migrations: migrationsOf(observed.migrations, present),
    lastMisses: missesOf(observed.lastMisses, present),
  };
}

function timingOf(observed: ObservedTask): NonNullable<TaskRuntime['timing']> {
  const measured = observed.responseP99Us > 0;
  return {
    afetUs: observed.afetUs,
    mretUs: observed.mretUs,
    utilization: formatE9(observed.utilizationE9),
    ...(measured ? { responseP50Us: observed.responseP50Us, responseP99Us: observed.responseP99Us } : {}),
  };
}

/** Nothing of a task whose jobs have always gone alone, and are counted so. */
function joiningOf({ startedJobs, unitJobs, capacity }: ObservedTask): Pick<TaskRuntime, 'joining'> {
  if (capacity <= 1 && unitJobs <= startedJobs) return {};
  const meanUnitSize =
    startedJobs === 0 ? {} : { meanUnitSize: String(Math.round((100 * unitJobs) / startedJobs) / 100) };
  return { joining: { capacity: Math.max(1, capacity), ...meanUnitSize } };
}

function ratesOf(jobs: Pick<JobCounters, 'missed' | 'admitted' | 'onTime' | 'released'>): {
  deadlineMissRate?: string;
  onTimeRate?: string;
} {
  const deadlineMissRate = formatRate(jobs.missed, jobs.admitted);
  const onTimeRate = formatRate(jobs.onTime, jobs.released);
  return {
    ...(deadlineMissRate === undefined ? {} : { deadlineMissRate }),
    ...(onTimeRate === undefined ? {} : { onTimeRate }),
  };
}

function migrationsOf(
  observed: Migrations | undefined,
  present: TaskRuntime | undefined,
): NonNullable<TaskRuntime['migrations']> {
  const kept = present?.migrations;
  const count = Math.max(observed?.count ?? 0, kept?.count ?? 0);
  const last =
    observed === undefined || observed.lastTimeUs === 0
      ? kept?.last
      : `${isoOfUs(observed.lastTimeUs)} from ${observed.lastFrom} to ${observed.lastTo}`;
  return { count, ...(last === undefined ? {} : { last }) };
}

const causes = {
  [MissCause.MISS_CAUSE_UNSPECIFIED]: undefined,
  [MissCause.MISS_CAUSE_OVERRUN]: 'Overrun',
  [MissCause.MISS_CAUSE_BLOCKED]: 'Blocked',
  [MissCause.MISS_CAUSE_QUEUED]: 'Queued',
  [MissCause.MISS_CAUSE_LOADING]: 'Loading',
} as const;

const keptMisses = 10;

type StatusMiss = NonNullable<TaskRuntime['lastMisses']>[number];

/** The newest ten of what the runtime tells and what status keeps: a restarted runtime has forgotten the older ones. */
function missesOf(observed: readonly Miss[], present: TaskRuntime | undefined): StatusMiss[] {
  const misses = new Map<string, StatusMiss>();
  for (const miss of [...observed.map(statusMiss), ...(present?.lastMisses ?? [])]) {
    const key = `${miss.time} ${miss.lateUs}`;
    if (!misses.has(key)) misses.set(key, miss);
  }
  const newestFirst = [...misses.values()].sort((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
  return newestFirst.slice(0, keptMisses);
}

function statusMiss(miss: Miss): StatusMiss {
  const cause = causes[miss.cause];
  return {
    time: isoOfUs(miss.timeUs),
    lateUs: miss.lateUs,
    ...(cause === undefined ? {} : { cause }),
    ...(miss.behind === '' ? {} : { behind: miss.behind }),
  };
}

export function causeName(cause: MissCause): string {
  return causes[cause] ?? 'Unknown';
}

function isoOfUs(us: number): string {
  return new Date(us / 1000).toISOString();
}

export type Change = 'none' | 'figures' | 'transition';

/** What sets a statement apart from what status says now: transitions are what someone may wait for. */
export function changeOf(task: StoredTask, statement: TaskStatement): Change {
  const [serving, deadlinesMet] = statement.conditions;
  const turned =
    !sameState(serving, presentCondition(task, 'Serving')) ||
    deadlinesMet?.status !== presentCondition(task, 'DeadlinesMet')?.status ||
    statement.runtime?.epoch !== task.status?.runtime?.epoch;
  if (turned) return 'transition';
  const present = ['Serving', 'DeadlinesMet'].flatMap((type) => {
    const condition = presentCondition(task, type);
    return condition === undefined ? [] : [withoutTime(condition)];
  });
  const same =
    isDeepStrictEqual(statement.runtime, task.status?.runtime) && isDeepStrictEqual(statement.conditions, present);
  return same ? 'none' : 'figures';
}
