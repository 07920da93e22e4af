// What the agent says in the status of a profile that it is to measure: how far it is, the times, or why there are none.
// Pure.
import { type ConditionState, findCondition } from '../api/conditions.ts';
import { gpuKind, gpuKindKey, gpuKindWords } from '../api/profiles.ts';
import { ModelPhase, type ObservedModel } from './native/gen/runtime.ts';
import { isMeasured } from './profile-model.ts';
import type { ProfileStatus, StoredProfile } from './resources.ts';
import type { RuntimeUp, RuntimeView } from './runtime-view.ts';
import { conditionReason, sameState } from './serving.ts';
import type { Change } from './status.ts';

export interface ProfileInput {
  readonly node: string;
  readonly view: RuntimeView;
  /** RFC 3339. */
  readonly now: string;
}

export type ProfileStatement = Pick<ProfileStatus, 'progress' | 'batches' | 'measuredAt'> & {
  readonly conditions: readonly [ConditionState];
};

/** Undefined: it is measured, not ours, or nothing is known of the runtime. */
export function profileStatement(profile: StoredProfile, input: ProfileInput): ProfileStatement | undefined {
  const { spec } = profile;
  const { node, view, now } = input;
  if (spec.node !== node || spec.estimate !== undefined || isMeasured(profile) || view.kind !== 'up') return undefined;
  const divided = dividedAs(profile, view);
  if (divided === undefined) return undefined;
  if (divided !== 'as wanted') return waiting(profile, 'OtherPartitioning', divided);
  const observed = modelOf(profile, view);
  return observed === undefined
    ? waiting(profile, 'Opening', 'the package is about to be opened')
    : byModel(profile, observed, now);
}

/** How much of it is worth a write: each new state, and each quarter of the way. */
export function profileChange(profile: StoredProfile, { conditions, progress }: ProfileStatement): Change {
  const present = profile.status;
  const known = findCondition(present?.conditions, 'Measured');
  const same = sameState(conditions[0], known) && conditions[0].message === known?.message;
  return same && quarter(progress) === quarter(present?.progress) ? 'none' : 'transition';
}

function quarter(progress: ProfileStatus['progress']): number {
  return progress === undefined ? -1 : Math.floor((4 * progress.stage) / Math.max(1, progress.of));
}

/** Otherwise how the GPU is divided, in words; undefined while it is not known or just being divided. */
export function dividedAs({ spec }: StoredProfile, { info, state }: RuntimeUp): string | undefined {
  const gpu = info.gpus.find(({ uuid }) => uuid === spec.gpu);
  if (gpu === undefined) return `there is no GPU ${spec.gpu ?? ''} here any more`;
  const contexts = state?.gpus.find(({ uuid }) => uuid === spec.gpu)?.contexts ?? [];
  const kind = gpuKind({ ...gpu, contexts }, spec.partitioning.mode);
  if (kind === undefined) return undefined;
  return gpuKindKey(kind) === gpuKindKey(spec) ? 'as wanted' : `the GPU is ${gpuKindWords(kind)}, by other terms`;
}

/** As the runtime of the profile's GPU has it: others may have it too, and measure nothing. */
export function modelOf({ spec }: StoredProfile, { state }: RuntimeUp): ObservedModel | undefined {
  return state?.modelsByGpu.get(spec.gpu ?? '')?.find(({ digest }) => digest === spec.digest);
}

function byModel(profile: StoredProfile, observed: ObservedModel, now: string): ProfileStatement {
  const { phase, reason, message, measured, stagesMeasured: stage, stagesToMeasure: of } = observed;
  const isReady = phase === ModelPhase.MODEL_PHASE_READY;
  if (isReady && measured) return result(profile, observed, now);
  // Also of a package that was opened, where it cannot be measured.
  if (phase === ModelPhase.MODEL_PHASE_FAILED || (isReady && reason !== '')) {
    const words = message === '' ? 'the runtime refuses the package and says no more' : message;
    return failed(profile, conditionReason(reason, 'ProfileFailed'), words);
  }
  if (!isReady) return waiting(profile, 'Opening', 'the package is being opened');
  if (of > 0) return { ...waiting(profile, 'Measuring', 'its stages are measured'), progress: { stage, of } };
  const isOld = observed.batches.some(({ stageAfetUs }) => stageAfetUs.length > 0);
  const words = isOld ? 'the GPU was divided anew and is measured again' : 'its stages are about to be measured';
  return waiting(profile, 'Measuring', words);
}

function result(profile: StoredProfile, observed: ObservedModel, now: string): ProfileStatement {
  const { batchSizes } = profile.spec;
  const found = observed.batches.filter(({ size }) => batchSizes.includes(size));
  if (found.length < batchSizes.length) {
    const there = observed.batches.map(({ size }) => size).join(', ');
    const message = `the package has artifacts of batch sizes ${there} for this engine; spec.batchSizes asks for ${batchSizes.join(', ')}`;
    return failed(profile, 'BatchNotInPackage', message);
  }
  const batches = found.map(({ size, stageAfetUs }) => {
    return { size, afetUs: stageAfetUs.reduce((sum, us) => sum + us, 0), stageAfetUs };
  });
  const sizes = batches.map(({ size }) => size).join(', ');
  const conditions = measuredState(
    profile,
    'True',
    'Measured',
    `${observed.stages.length} stages at batch sizes ${sizes}`,
  );
  return { conditions, batches, measuredAt: now };
}

function waiting(profile: StoredProfile, reason: string, message: string): ProfileStatement {
  return { conditions: measuredState(profile, 'Unknown', reason, message) };
}

function failed(profile: StoredProfile, reason: string, message: string): ProfileStatement {
  return { conditions: measuredState(profile, 'False', reason, message) };
}

function measuredState(
  { metadata }: StoredProfile,
  status: ConditionState['status'],
  reason: string,
  message: string,
): readonly [ConditionState] {
  return [{ type: 'Measured', status, reason, message, observedGeneration: metadata.generation ?? 0 }];
}
