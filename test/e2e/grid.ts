// Releases against the wall-clock grid: what a periodic task must have released between two states, exactly.
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import type { Checks } from './act.ts';
import { gridReleases, type Figures } from './counters.ts';
import type { RuntimeWatch } from './runtime-watch.ts';

export interface Grid {
  uid: string;
  name: string;
  periodUs: number;
  offsetUs: number;
}

/** One release more or less: a state may be taken between the grid's instant and the release. */
const tolerated = 1;

export function gridOf({ metadata, status }: RealtimeInferenceTask): Grid {
  const { periodUs = Number.NaN, offsetUs = Number.NaN } = status?.effective ?? {};
  return { uid: metadata.uid ?? '', name: metadata.name ?? '', periodUs, offsetUs };
}

/** Releases counted less releases of the grid; NaN for a task that a state does not know. */
export function gridError(before: Figures, after: Figures, { uid, periodUs, offsetUs }: Grid): number {
  const [start, end] = [before, after].map(({ tasks }) => tasks.find((task) => task.uid === uid)?.jobs?.released);
  if (start === undefined || end === undefined) return Number.NaN;
  return end - start - gridReleases(before.timeUs, after.timeUs, periodUs, offsetUs);
}

function agrees(before: ObservedState, after: ObservedState, grid: Grid): boolean {
  return Math.abs(gridError(before, after, grid)) <= tolerated;
}

/**
 * The first new state in which every task agrees with its grid, or the newest after some seconds. A machine that is
 * short of time makes counters late for moments; a release that was lost or made twice stays so.
 */
export async function settledState(
  watch: RuntimeWatch,
  before: ObservedState,
  grids: readonly Grid[],
  signal: AbortSignal,
): Promise<ObservedState> {
  await watch.fresh(signal);
  const settled = (state: ObservedState): boolean => grids.every((grid) => agrees(before, state, grid));
  const options = { what: 'the counters to agree with the grid', timeoutMs: 3000, signal };
  return watch.until(settled, options).catch(() => watch.fresh(signal));
}

export function checkGrid(checks: Checks, before: ObservedState, after: ObservedState, grids: readonly Grid[]): void {
  for (const grid of grids) {
    const error = Math.abs(gridError(before, after, grid));
    checks.atMost(`|releases − grid| of ${grid.name} at ${grid.periodUs / 1000} ms`, error, tolerated);
  }
}
