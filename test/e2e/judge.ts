// What the acts demand of a measured window. Pure, so that each demand can be shown to fail.
import { Checks, round, type ActResult } from './act.ts';
import { firstDecrease, jobsOf, noJobs, offeredLoad, onTimeRate, type Window } from './counters.ts';
import { missCauseToJSON, type JobCounters, type Miss } from '../../node-agent/native/gen/runtime.ts';

export function figuresOf(window: Window, streams: number): Record<string, number> {
  const high = jobsOf(window, 'High');
  const low = jobsOf(window, 'Low');
  return {
    seconds: round(window.seconds),
    offeredLoad: round(offeredLoad(window, streams)),
    highReleased: high.released,
    highMissed: high.missed,
    lowReleased: low.released,
    lowRejected: low.rejected,
    lowMissed: low.missed,
    lowOnTimeRate: round(onTimeRate(low)),
    lowThroughputPerSecond: round(low.completed / window.seconds),
    migrations: window.tasks.reduce((sum, task) => sum + task.migrations, 0),
    failed: jobsOf(window).failed,
  };
}

/**
 * High tasks ran and none of their jobs was late, skipped, dropped or broken. `paused`: their GPU was divided anew
 * meanwhile, so that releases were skipped.
 */
export function checkHighTasks(checks: Checks, window: Window, { paused = false } = {}): void {
  for (const { name, jobs, lastMisses } of window.tasks.filter(({ priority }) => priority === 'High')) {
    const why = lastMisses.map(missWords).join(', ');
    checks.atLeast(`jobs of ${name} completed`, jobs.completed, 1);
    checks.equal(`jobs of ${name} missed${why === '' ? '' : ` (${why})`}`, jobs.missed, 0);
    if (!paused) checks.equal(`jobs of ${name} skipped`, jobs.skipped, 0);
    checks.equal(`jobs of ${name} rejected`, jobs.rejected, 0);
  }
  checks.equal('jobs ended by an engine error', jobsOf(window).failed, 0);
}

/** For whoever wonders whether it was the scheduler or the machine. */
function missWords({ timeUs, lateUs, cause, behind }: Miss): string {
  const reason = missCauseToJSON(cause).replace('MISS_CAUSE_', '');
  const when = new Date(timeUs / 1000).toISOString().slice(11, 23);
  return `at ${when} late by ${lateUs / 1000} ms, ${reason}${behind === '' ? '' : ` behind ${behind}`}`;
}

export interface SteadyDemand {
  streams: number;
  high: number;
  low: number;
  seconds: number;
  load: number;
  lowOnTimeRate: number;
}

/** A load that fits: High tasks never late, Low tasks nearly always in time. */
export function judgeSteady(window: Window, demand: SteadyDemand): ActResult {
  const checks = new Checks();
  const figures = figuresOf(window, demand.streams);
  const count = (priority: string): number => window.tasks.filter((task) => task.priority === priority).length;
  checks.equal('number of High tasks', count('High'), demand.high);
  checks.equal('number of Low tasks', count('Low'), demand.low);
  checks.atLeast('measured time in seconds', window.seconds, demand.seconds);
  checks.atLeast('offered load', offeredLoad(window, demand.streams), demand.load);
  checks.atLeast('onTimeRate of Low tasks', onTimeRate(jobsOf(window, 'Low')), demand.lowOnTimeRate);
  checkHighTasks(checks, window);
  const worst = Math.min(...window.tasks.map(({ jobs }) => onTimeRate(jobs)));
  return { figures: { ...figures, worstOnTimeRateOfATask: round(worst) }, failures: checks.failures };
}

/** More than fits: Low jobs are refused in numbers, yet as many as before are served, and High tasks notice nothing. */
export function judgeOverload(before: Window, during: Window, streams: number): ActResult {
  const checks = new Checks();
  const low = jobsOf(during, 'Low');
  const refusedShare = low.rejected / low.released;
  const throughputBefore = jobsOf(before, 'Low').completed / before.seconds;
  const throughputShare = low.completed / during.seconds / throughputBefore;
  const figures = figuresOf(during, streams);
  checks.atLeast('offered load', offeredLoad(during, streams), 1.5);
  checks.atLeast('share of Low jobs refused', refusedShare, 0.2);
  checks.equal(
    'Low jobs refused for a known reason',
    low.rejectedByUtilization + low.rejectedByPrediction,
    low.rejected,
  );
  checks.atLeast('throughput of Low tasks against before', throughputShare, 0.8);
  checks.atLeast('migrations between contexts', figures['migrations'] ?? 0, 1);
  checkHighTasks(checks, during);
  return {
    figures: {
      ...figures,
      lowTasks: during.tasks.filter(({ priority }) => priority === 'Low').length,
      lowRefusedShare: round(refusedShare),
      lowThroughputBeforePerSecond: round(throughputBefore),
      lowThroughputShare: round(throughputShare),
    },
    failures: checks.failures,
  };
}

/** Adds a failure for each task of `before` that is gone or has a counter that fell. */
export function checkMonotone(
  checks: Checks,
  what: string,
  before: ReadonlyMap<string, Partial<JobCounters>>,
  after: ReadonlyMap<string, Partial<JobCounters>>,
): void {
  for (const [name, jobs] of before) {
    const now = after.get(name);
    if (now === undefined) {
      checks.holds(false, `${what} of ${name}: gone`);
      continue;
    }
    const fallen = firstDecrease({ ...noJobs, ...jobs }, { ...noJobs, ...now });
    checks.holds(fallen === undefined, `${what} of ${name}: ${fallen}`);
  }
}
