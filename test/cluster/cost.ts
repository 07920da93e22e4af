// What a change costs the tasks, from their own counters before and after it. Pure.
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import { round } from '../e2e/act.ts';
import { jobsOf, windowBetween, type Figures, type Priority } from '../e2e/counters.ts';
import { gridError, gridOf } from '../e2e/grid.ts';
import { identityOf } from '../e2e/tasks.ts';

/** Of all tasks of a priority. */
export interface Cost {
  readonly released: number;
  readonly missed: number;
  readonly rejected: number;
  readonly skipped: number;
  /** Due on the grid, but no runtime was there to make them. */
  readonly notReleased: number;
}

export function costOf(
  [before, after]: readonly [Figures, Figures],
  tasks: readonly RealtimeInferenceTask[],
  priority: Priority,
): Cost {
  const chosen = tasks.filter(({ spec }) => spec.priority === priority);
  const jobs = jobsOf(windowBetween(before, after, chosen.map(identityOf)));
  const { released, missed, rejected, skipped } = jobs;
  const lost = chosen.map((task) => Math.max(0, -gridError(before, after, gridOf(task))));
  return { released, missed, rejected, skipped, notReleased: lost.reduce((sum, each) => sum + each, 0) };
}

/** `highMissed 0, highSkipped 2, ...`; `gaps` answers the longest time without a completed job, in seconds. */
export function costFigures(
  span: readonly [Figures, Figures],
  tasks: readonly RealtimeInferenceTask[],
  gaps: (uids: readonly string[]) => number,
): Record<string, number> {
  const rows = (['High', 'Low'] as const).flatMap((priority) => {
    const { released, missed, rejected, skipped, notReleased } = costOf(span, tasks, priority);
    const uids = tasks.filter(({ spec }) => spec.priority === priority).map(({ metadata }) => metadata.uid ?? '');
    const name = (what: string): string => `${priority.toLowerCase()}${what}`;
    return [
      [name('Released'), released],
      [name('Missed'), missed],
      [name('Rejected'), rejected],
      [name('Skipped'), skipped],
      [name('NotReleased'), notReleased],
      [name('SecondsWithoutService'), round(gaps(uids))],
    ];
  });
  return Object.fromEntries(rows) as Record<string, number>;
}
