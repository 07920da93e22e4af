// Objects as the API server answers them, for tables of tests: whole, with what a test leaves out filled in.
import { gpuKindKey, profileName, type GpuKind } from '../../api/profiles.ts';
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import type { NodeView } from '../nodes.ts';
import { ProfileBook } from '../profile-book.ts';
import type { NodeState } from '../placement/terms.ts';
import type {
  Effective,
  ModelStatus,
  ProfileSpec,
  ProfileStatus,
  StoredModel,
  StoredProfile,
  StoredTask,
  TaskPlacement,
  TaskStatus,
} from '../resources.ts';
import type { Measurements } from './placement/demands.ts';

export const digestA = `sha256:${'a'.repeat(64)}`;
export const digestB = `sha256:${'b'.repeat(64)}`;
const time = '2030-01-01T00:00:00Z';

export interface TaskParts {
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly spec?: Partial<RealtimeInferenceTask['spec']>;
  readonly status?: TaskStatus;
}

export function storedTask({ resourceVersion = '10', generation = 1, spec = {}, status }: TaskParts = {}): StoredTask {
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'RealtimeInferenceTask',
    metadata: { name: 'lane', namespace: 'vision', uid: 'uid-lane', resourceVersion, generation },
    spec: { model: 'detector', period: '20ms', priority: 'High', ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

export function effective(changes: Partial<Effective> = {}): Effective {
  return {
    generation: 1,
    model: { uri: 'file:///detector', digest: digestA },
    priority: 'High',
    periodUs: 20_000,
    deadlineUs: 20_000,
    release: 'OnRequest',
    releaseJitterUs: 10_000,
    offsetUs: 0,
    batchSize: 1,
    lateJobs: 'Finish',
    maxMissRate: '0',
    ...changes,
  };
}

export function placement(changes: Partial<TaskPlacement> = {}): TaskPlacement {
  const place = { node: 'n1', gpu: 'gpu-0', gpuProduct: 'test', context: 1 };
  return { ...place, epoch: 3, bookedUtilization: '0.2', leaderTransitions: 0, ...changes };
}

/** Placed in context 1 of gpu-0 of n1 under epoch 3, by the terms of `effective()`. */
export function runningStatus(changes: Partial<TaskStatus> = {}): TaskStatus {
  return { observedGeneration: 1, effective: effective(), placement: placement(), ...changes };
}

export function conditionOf(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  more: { message?: string; observedGeneration?: number } = {},
): NonNullable<TaskStatus['conditions']>[number] {
  return { type, status, reason, message: `${reason} message`, lastTransitionTime: time, ...more };
}

export interface ModelParts {
  readonly uid?: string;
  readonly generation?: number;
  readonly digest?: string;
  readonly status?: ModelStatus;
}

export function storedModel({
  uid = 'uid-detector',
  generation = 1,
  digest = digestA,
  status,
}: ModelParts = {}): StoredModel {
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'InferenceModel',
    metadata: { name: 'detector', namespace: 'vision', uid, resourceVersion: '5', generation },
    spec: { source: { uri: 'file:///detector', digest } },
    ...(status === undefined ? {} : { status }),
  };
}

/** Of a package with batch sizes 1 and 2. */
export function inspectedStatus(changes: Partial<ModelStatus> = {}): ModelStatus {
  return {
    inspector: { node: 'n1' },
    package: {
      digest: digestA,
      name: 'detector',
      batchSizes: [1, 2],
    },
    conditions: [conditionOf('Inspected', 'True', 'Inspected', { message: '3 stages', observedGeneration: 1 })],
    ...changes,
  };
}

/** What the GPUs of test nodes are. */
export const testKind: GpuKind = {
  product: 'test',
  partitioning: { contexts: 2, streamsPerContext: 1, oversubscription: '1' },
  engine: 'openvino',
  engineVersion: '',
};
export const otherKind: GpuKind = { ...testKind, product: 'other', engine: 'torch' };
/** The same GPU, undivided. */
export const undividedKind: GpuKind = {
  ...testKind,
  partitioning: { contexts: 1, streamsPerContext: 2, oversubscription: '1' },
};

export interface ProfileParts {
  readonly name?: string;
  readonly generation?: number;
  readonly digest?: string;
  readonly kind?: GpuKind;
  readonly spec?: Partial<ProfileSpec>;
  readonly status?: ProfileStatus;
}

/** Of digestA on test GPUs at batch sizes 1 and 2, assigned to nobody, unless told otherwise. */
export function storedProfile({
  generation = 1,
  digest = digestA,
  kind = testKind,
  spec = {},
  status,
  ...rest
}: ProfileParts = {}): StoredProfile {
  const whole = { digest, uri: 'file:///detector', ...kind, batchSizes: [1, 2], ...spec };
  const name = rest.name ?? profileName(whole);
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '7', generation },
    spec: whole,
    ...(status === undefined ? {} : { status }),
  };
}

/** Stages of 1, 2 and 1 ms at batch 1, twice that at batch 2. */
export function measuredStatus(stageAfetUs: readonly number[] = [1_000, 2_000, 1_000]): ProfileStatus {
  const batches = [1, 2].map((size) => {
    const stages = stageAfetUs.map((us) => us * size);
    return { size, afetUs: stages.reduce((sum, us) => sum + us, 0), stageAfetUs: stages };
  });
  return { batches, measuredAt: time, conditions: [conditionOf('Measured', 'True', 'Measured')] };
}

/** A cycle's view of so many profiles, with a GPU of one kind on every node. */
export function measurementsOf(
  profiles: readonly StoredProfile[],
  there: GpuKind = testKind,
  elsewhere: readonly GpuKind[] = [],
): Measurements {
  const book = new ProfileBook();
  book.refresh(profiles);
  return {
    of: (digest) => book.of(digest),
    kindAt: () => gpuKindKey(there),
    products: new Map([there, ...elsewhere].map((kind) => [gpuKindKey(kind), kind.product])),
  };
}

export function nodeView(name: string, state: NodeState = 'Ready', message = 'well'): NodeView {
  const placementNode = { name, state, message, labels: {}, taints: [], highLimitE9: 750_000_000, gpus: [] };
  return { addressOf: () => '10.1.2.3:8001', kinds: new Map(), placement: placementNode };
}
