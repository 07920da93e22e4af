// What is known of a profile: times to place by, none yet, or why there will be none. Pure.
import { findCondition, type Condition } from './conditions.ts';
import { parseDurationUs } from './durations.ts';
import type { ModelProfile } from './resources.ts';

export interface BatchTimes {
  readonly size: number;
  /** Average execution times (AFET) of the stages, microseconds. */
  readonly stageAfetUs: readonly number[];
}

export type ProfileState =
  | { readonly kind: 'Ready'; readonly source: 'Measured' | 'Estimate'; readonly batches: readonly BatchTimes[] }
  | { readonly kind: 'Failed'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Pending'; readonly message: string };

/** `stageCount`: of the package, where it is known. An estimate counts for as long as it is given. */
export function profileState(profile: ModelProfile, stageCount: number | undefined): ProfileState {
  if (profile.spec.estimate !== undefined) return estimated(profile, profile.spec.estimate.stageAfet, stageCount);
  const measured = findCondition(profile.status?.conditions, 'Measured');
  const batches = profile.status?.batches ?? [];
  // What the times hold for cannot change under them, whatever else of the spec does.
  if (measured?.status === 'True' && batches.length > 0) return { kind: 'Ready', source: 'Measured', batches };
  if (measured?.status === 'False' && speaksOf(profile, measured)) {
    return { kind: 'Failed', reason: measured.reason, message: measured.message };
  }
  return { kind: 'Pending', message: pendingWords(profile, measured) };
}

/** An agent's word counts for the assignment that it was given, not for one to another node. */
function speaksOf(profile: ModelProfile, measured: Condition | undefined): boolean {
  return measured?.observedGeneration === profile.metadata.generation;
}

function pendingWords(profile: ModelProfile, measured: Condition | undefined): string {
  const { node } = profile.spec;
  const ready = findCondition(profile.status?.conditions, 'Ready');
  if (node === undefined) return ready?.message ?? 'no GPU is chosen yet to measure it on';
  const current = speaksOf(profile, measured);
  const progress = current ? profile.status?.progress : undefined;
  if (progress !== undefined) return `profiling on node ${node}: ${progress.stage} of ${progress.of} stages`;
  const details = current && measured !== undefined ? `: ${measured.message}` : '';
  return `profiling on node ${node}${details}`;
}

function estimated(
  { spec }: ModelProfile,
  durations: readonly (string | number)[],
  stageCount: number | undefined,
): ProfileState {
  if (stageCount !== undefined && stageCount !== durations.length) {
    const message = `spec.estimate has ${durations.length} stages, the package has ${stageCount}; write one duration for each stage`;
    return { kind: 'Failed', reason: 'EstimateMismatch', message };
  }
  try {
    const stageUs = durations.map((each) => positive(parseDurationUs(String(each))));
    const batches = spec.batchSizes.map((size) => ({ size, stageAfetUs: stageUs.map((us) => us * size) }));
    return { kind: 'Ready', source: 'Estimate', batches };
  } catch (error) {
    const message = `spec.estimate: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: 'Failed', reason: 'InvalidEstimate', message };
  }
}

function positive(us: number): number {
  if (us <= 0) throw new RangeError('no stage takes no time; write a duration above 0, or leave spec.estimate out');
  return us;
}

/** Sum over the stages at the smallest batch size. */
export function smallestAfet(batches: readonly BatchTimes[]): { readonly size: number; readonly afetUs: number } {
  const [first, ...others] = batches;
  if (first === undefined) throw new Error('a ready profile has times');
  const smallest = others.reduce((least, batch) => (batch.size < least.size ? batch : least), first);
  return { size: smallest.size, afetUs: smallest.stageAfetUs.reduce((sum, us) => sum + us, 0) };
}
