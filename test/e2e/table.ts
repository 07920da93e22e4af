// The table of tasks as text: what the live view shows. Pure.
import type { ObservedState, ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import { jobsOf, noJobs, offeredLoad, onTimeRate, windowBetween, type TaskIdentity } from './counters.ts';

const header = [
  'TASK',
  'PRIORITY',
  'CTX',
  'RELEASED',
  'REFUSED',
  'DONE',
  'MISSED',
  'ON TIME',
  'P99 MS',
  'MRET MS',
  'MOVES',
];

/** Rows of cells as aligned columns: text to the left, figures to the right. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function milliseconds(us: number): string {
  return (us / 1000).toFixed(1);
}

function cells(identity: TaskIdentity, task: ObservedTask | undefined): string[] {
  const jobs = task?.jobs ?? noJobs;
  if (task === undefined || jobs.released === 0) return [identity.name, identity.priority, ...Array(9).fill('-')];
  return [
    identity.name,
    identity.priority,
    String(task.context),
    String(jobs.released),
    String(jobs.rejected),
    String(jobs.completed),
    String(jobs.missed),
    onTimeRate(jobs).toFixed(3),
    milliseconds(task.responseP99Us),
    milliseconds(task.mretUs),
    String(task.migrations?.count ?? 0),
  ];
}

/** One line a task, as its newest node has it; High tasks first, then by name. */
export function renderTable(states: readonly ObservedState[], identities: readonly TaskIdentity[]): string[] {
  const sorted = [...identities].sort((a, b) =>
    a.priority === b.priority ? a.name.localeCompare(b.name) : a.priority === 'High' ? -1 : 1,
  );
  const tasks = states.flatMap((state) => state.tasks).sort((a, b) => b.epoch - a.epoch);
  const rows = sorted.map((identity) =>
    cells(
      identity,
      tasks.find(({ uid }) => uid === identity.uid),
    ),
  );
  return alignColumns([header, ...rows]);
}

/** The same in one line, for output that is not a terminal: what happened since `before`. */
export function renderLine(
  before: ObservedState,
  after: ObservedState,
  identities: readonly TaskIdentity[],
  streams: number,
): string {
  const window = windowBetween(before, after, identities);
  const [high, low] = [jobsOf(window, 'High'), jobsOf(window, 'Low')];
  const parts = [
    `${identities.length} tasks`,
    `load ${offeredLoad(window, streams).toFixed(2)}`,
    `High ${high.completed} done, ${high.missed} missed`,
    `Low ${low.completed} done, ${low.rejected} refused, ${low.missed} missed`,
  ];
  return parts.join('; ');
}
