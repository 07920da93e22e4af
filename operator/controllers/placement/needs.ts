// Which profiles the tasks of a cycle need: one for each package on each kind of GPU that a task of it may use. Pure.
import { profileName, type GpuKind } from '../../../api/profiles.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import type { ProfileSpec } from '../../resources.ts';
import type { Evaluation } from './evaluate.ts';

export interface Need {
  readonly spec: ProfileSpec;
  readonly stageCount: number | undefined;
}

/** By name of the profile. Suspended tasks need theirs too: their status says where they would fit. */
export function neededProfiles(
  evaluations: Iterable<Evaluation>,
  snapshot: Snapshot,
  kinds: ReadonlyMap<string, GpuKind>,
): ReadonlyMap<string, Need> {
  const needs = new Map<string, Need>();
  // Most tasks ask for what others have asked for, and a name takes a hash to make.
  const seen = new Set<string>();
  for (const evaluation of evaluations) {
    if (evaluation.kind !== 'Candidate' || evaluation.profiled === undefined) continue;
    const { digest, uri, batchSizes, stageCount } = evaluation.profiled;
    for (const key of snapshot.poolsFor(evaluation.task).keys()) {
      const kind = kinds.get(key);
      const asked = `${digest} ${batchSizes.join()} ${key}`;
      if (kind === undefined || seen.has(asked)) continue;
      seen.add(asked);
      const spec = { digest, uri, batchSizes: [...batchSizes].sort((a, b) => a - b), ...kind };
      needs.set(profileName(spec), { spec, stageCount });
    }
  }
  return needs;
}
