// A task on GPUs of different kinds: the same task takes another time on each, and none is known before it was measured.
import type { Snapshot } from './snapshot.ts';
import type { Demand, PlacementTask, Refusal } from './terms.ts';

/** The task by what it needs on GPUs of a kind; undefined where that is not measured yet. */
export function onKind(task: PlacementTask, kind: string): PlacementTask | undefined {
  if (task.demands === undefined) return task;
  const demand = task.demands.get(kind);
  return demand && { ...task, demand };
}

/** The least that is known of any kind; undefined while nothing is, or while a kind that it may use is not measured. */
export function leastDemand(snapshot: Snapshot, task: PlacementTask): Demand | undefined {
  const { demands } = task;
  if (demands === undefined) return task.demand;
  if ([...snapshot.poolsFor(task).keys()].some((kind) => !demands.has(kind))) return undefined;
  return [...demands.values()].reduce<Demand | undefined>(
    (least, demand) => (least === undefined || demand.afetUs < least.afetUs ? demand : least),
    undefined,
  );
}

/** Why it must wait for a profile; undefined where times of some kind that it may use are known, or it may use none. */
export function waitsForProfile(snapshot: Snapshot, task: PlacementTask): Refusal | undefined {
  const { demands, unmeasured } = task;
  const kinds = [...snapshot.poolsFor(task).keys()];
  if (demands === undefined || kinds.length === 0 || kinds.some((kind) => demands.has(kind))) return undefined;
  const reasons = kinds.map((kind) => unmeasured?.get(kind) ?? toBeProfiled);
  return reasons.find(({ reason }) => reason === profiling) ?? reasons[0];
}

export const profiling = 'Profiling';
export const profileFailed = 'ProfileFailed';
/** Refusals that speak of times which are not known. */
export const profileReasons: readonly string[] = [profiling, profileFailed];

const toBeProfiled: Refusal = { reason: profiling, message: 'its package is about to be profiled' };
