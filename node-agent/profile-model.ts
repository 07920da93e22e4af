// For which profiles the runtime is to load a model. Pure.
import { isTrue } from '../api/conditions.ts';
import type { StoredProfile } from './resources.ts';

/** Once measured, a model is kept that long for the tasks that waited for it. */
export const keepMeasuredMs = 15_000;

/** Whether the runtime should have the model of this profile loaded, for measuring or for what comes after. */
export function wantsModel(profile: StoredProfile, node: string, nowMs: number): boolean {
  const { spec, status } = profile;
  if (spec.node !== node || spec.estimate !== undefined) return false;
  if (!isMeasured(profile)) return true;
  const ageMs = nowMs - Date.parse(status?.measuredAt ?? '');
  return ageMs >= 0 && ageMs < keepMeasuredMs;
}

export function isMeasured({ status }: StoredProfile): boolean {
  return isTrue(status?.conditions, 'Measured') && (status?.batches ?? []).length > 0;
}
