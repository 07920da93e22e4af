// What happened between two observed states of the runtime: differences of counters, never absolute figures.
// Pure: the acts measure two states and ask here.
import { counterNames, counters, zeroCounters } from '../../node-agent/counters.ts';
import type { JobCounters, Miss, ObservedState, ObservedTask } from '../../node-agent/native/gen/runtime.ts';

export type Priority = 'High' | 'Low';

/** What the API server knows about a task and the runtime's figures do not say. */
export interface TaskIdentity {
  uid: string;
  name: string;
  priority: Priority;
}

export interface TaskWindow extends TaskIdentity {
  jobs: JobCounters;
  /** Time that the task's stages executed. */
  executionUs: number;
  /** Execution time of one job with every stream busy, as measured when its model was loaded (AFET). */
  afetUs: number;
  migrations: number;
  /** The newest misses within the window, at most ten. */
  lastMisses: Miss[];
}

export interface Window {
  seconds: number;
  tasks: TaskWindow[];
}

/** Counters at one time, of one runtime or of all of them. */
export type Figures = Pick<ObservedState, 'instanceId' | 'timeUs' | 'tasks'>;

export const noJobs = zeroCounters;

function combine(a: JobCounters, b: JobCounters, with_: (x: number, y: number) => number): JobCounters {
  return counters((name) => with_(a[name], b[name]));
}

function taskWindow(
  identity: TaskIdentity,
  before: ObservedTask | undefined,
  after: ObservedTask,
  sinceUs: number,
): TaskWindow {
  const jobs = combine(after.jobs ?? noJobs, before?.jobs ?? noJobs, (x, y) => x - y);
  const executionUs = after.executionUs - (before?.executionUs ?? 0);
  return {
    ...identity,
    jobs,
    executionUs,
    afetUs: after.afetUs,
    migrations: (after.migrations?.count ?? 0) - (before?.migrations?.count ?? 0),
    lastMisses: after.lastMisses.filter(({ timeUs }) => timeUs > sinceUs),
  };
}

/** The window of those tasks that the runtime knew at its end. Both states must be of one runtime instance. */
export function windowBetween(before: Figures, after: Figures, identities: readonly TaskIdentity[]): Window {
  if (before.instanceId !== after.instanceId) {
    throw new Error(`the runtime was restarted within the window (${before.instanceId} → ${after.instanceId})`);
  }
  const tasks = identities.flatMap((identity) => {
    const end = after.tasks.find(({ uid }) => uid === identity.uid);
    const start = before.tasks.find(({ uid }) => uid === identity.uid);
    return end === undefined ? [] : [taskWindow(identity, start, end, before.timeUs)];
  });
  return { seconds: (after.timeUs - before.timeUs) / 1e6, tasks };
}

/** Sum of the jobs of all tasks, or of those of one priority. */
export function jobsOf(window: Window, priority?: Priority): JobCounters {
  const chosen = window.tasks.filter((task) => priority === undefined || task.priority === priority);
  return chosen.reduce((sum, task) => combine(sum, task.jobs, (x, y) => x + y), noJobs);
}

/**
 * Offered load: the sum over tasks of release rate × AFET, as a share of all streams. An AFET is what a job takes while
 * every stream is busy, so 1 is as much work as the cores given to inference can do, however many streams share them.
 */
export function offeredLoad(window: Window, streams: number): number {
  const busyUs = window.tasks.reduce((sum, { jobs, afetUs }) => sum + jobs.released * afetUs, 0);
  return busyUs / (window.seconds * 1e6 * streams);
}

/** Jobs that ended in time / jobs released; 1 where none was released. */
export function onTimeRate(jobs: JobCounters): number {
  return jobs.released === 0 ? 1 : jobs.onTime / jobs.released;
}

/** Names the first counter that is smaller than it was, with both values; undefined where all are monotone. */
export function firstDecrease(before: JobCounters, after: JobCounters): string | undefined {
  const name = counterNames.find((each) => after[each] < before[each]);
  return name === undefined ? undefined : `${name} fell from ${before[name]} to ${after[name]}`;
}

/** Releases of the grid k · period + offset in (fromUs, toUs]: what a periodic task must have released, exactly. */
export function gridReleases(fromUs: number, toUs: number, periodUs: number, offsetUs: number): number {
  const before = (timeUs: number): number => Math.floor((timeUs - offsetUs) / periodUs);
  return before(toUs) - before(fromUs);
}
