// For which profiles the runtime is to load a model, and whether it may be measured now. Pure.
import { isTrue } from '../api/conditions.ts';
import { measuresBesideOthers } from '../api/profiles.ts';
import type { StoredProfile, StoredTask } from './resources.ts';

/** Once measured, a model is kept that long for the tasks that waited for it. */
export const keepMeasuredMs = 15_000;

/** Whether the runtime should have the model of this profile loaded, for measuring or for what comes after. */
export function wantsModel(profile: StoredProfile, node: string, tasks: readonly StoredTask[], nowMs: number): boolean {
  const { spec, status } = profile;
  if (spec.node !== node || spec.estimate !== undefined) return false;
  if (!isMeasured(profile)) return mayMeasure(profile, tasks);
  const ageMs = nowMs - Date.parse(status?.measuredAt ?? '');
  return ageMs >= 0 && ageMs < keepMeasuredMs;
}

export function isMeasured({ status }: StoredProfile): boolean {
  return isTrue(status?.conditions, 'Measured') && (status?.batches ?? []).length > 0;
}

/** Work that nobody waits for must not disturb what has been promised its time. */
export function mayMeasure({ spec }: StoredProfile, tasks: readonly StoredTask[]): boolean {
  return (
    measuresBesideOthers(spec.engine) ||
    !tasks.some(({ status }) => status?.placement?.gpu === spec.gpu && status?.effective?.priority === 'High')
  );
}
