// What profiles know of a package on the GPUs of this node, by batch size, for jobs that go together. Pure.
import { gpuKind, gpuKindKey } from '../api/profiles.ts';
import { type BatchTimes, profileState } from '../api/profile-state.ts';
import type { GpuNodeStatus, StoredProfile } from './resources.ts';

/** None where nothing is known, or where the GPUs of the node are of different kinds: one answer is for all of them. */
export function timesOn(
  status: GpuNodeStatus | undefined,
  profiles: readonly StoredProfile[],
  digest: string,
): readonly BatchTimes[] {
  const kinds = (status?.gpus ?? []).map((gpu) => gpuKind(gpu, status?.appliedPolicy?.mode));
  const keys = new Set(kinds.map((kind) => kind && gpuKindKey(kind)));
  const [key] = keys;
  if (keys.size !== 1 || key === undefined) return [];
  const states = profiles
    .filter(({ spec }) => spec.digest === digest && gpuKindKey(spec) === key)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((profile) => profileState(profile, undefined));
  return states.find((state) => state.kind === 'Ready')?.batches ?? [];
}
