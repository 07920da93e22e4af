// The order in which tasks are placed (Algorithm 1): High before Low, then descending utilization, then by name. Of one
// priority those go first that have lost their place: what runs is not lost to what merely waits.
import type { PlacementTask } from './terms.ts';

export function comparePlacementTasks(a: PlacementTask, b: PlacementTask): number {
  if (a.priority !== b.priority) return a.priority === 'High' ? -1 : 1;
  const displaced = Number(b.present !== undefined) - Number(a.present !== undefined);
  if (displaced !== 0) return displaced;
  return b.demand.utilizationE9 - a.demand.utilizationE9 || compareText(a.key, b.key);
}

/** By code units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
