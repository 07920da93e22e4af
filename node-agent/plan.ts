// Which status writes are due: transitions at once, figures sparingly. Pure; times are ms of a monotonic clock.
// A status write costs the API server 4 to 5 ms of CPU, so a thousand nodes may not write what merely moves.
import type { Change } from './status.ts';

/** Between two writes of mere figures by one node. */
export const figuresEveryMs = 10_000;

export interface Candidate {
  /** Names the object among all candidates. */
  readonly id: string;
  readonly change: Change;
  /** When its status was last written by this process; -Infinity: never. */
  readonly writtenMs: number;
  /** Not before this, because the last attempts failed; absent: at once. */
  readonly notBeforeMs?: number | undefined;
}

export interface Plan {
  /** Ids to write now, transitions first. */
  readonly due: readonly string[];
  /** When to look again even if nothing happens; undefined: when something changes. */
  readonly nextMs: number | undefined;
}

/** `figuresWrittenMs`: when figures alone were last written, whatever the object. */
export function planWrites(candidates: readonly Candidate[], figuresWrittenMs: number, nowMs: number): Plan {
  const changed = candidates.filter((candidate) => candidate.change !== 'none');
  const ready = changed.filter((candidate) => (candidate.notBeforeMs ?? nowMs) <= nowMs);
  const transitions = ready.filter((candidate) => candidate.change === 'transition');
  const oldestFirst = ready
    .filter((candidate) => candidate.change === 'figures')
    .sort((a, b) => compare(a.writtenMs, b.writtenMs) || compare(a.id, b.id));
  const figuresDueMs = figuresWrittenMs + figuresEveryMs;
  const figures = figuresDueMs <= nowMs ? oldestFirst.slice(0, 1) : [];
  const due = [...transitions, ...figures].map((candidate) => candidate.id);
  return { due, nextMs: nextLook(changed, new Set(due), { nowMs, figuresDueMs, wroteFigures: figures.length > 0 }) };
}

function nextLook(
  changed: readonly Candidate[],
  due: ReadonlySet<string>,
  times: { nowMs: number; figuresDueMs: number; wroteFigures: boolean },
): number | undefined {
  const figuresMs = times.wroteFigures ? times.nowMs + figuresEveryMs : times.figuresDueMs;
  const waits = changed
    .filter((candidate) => !due.has(candidate.id))
    .map(({ change, notBeforeMs = times.nowMs }) =>
      change === 'figures' ? Math.max(figuresMs, notBeforeMs) : notBeforeMs,
    );
  return waits.length === 0 ? undefined : Math.min(...waits);
}

function compare<T extends number | string>(one: T, other: T): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
