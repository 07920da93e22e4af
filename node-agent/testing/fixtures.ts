// Objects and messages as API server and runtime give them, complete and valid; a test overrides what it is about.
import { zeroCounters } from '../counters.ts';
import { builtInTerms, defaultPolicy } from '../policy.ts';
import {
  type JobCounters,
  ModelPhase,
  type ObservedModel,
  type ObservedTask,
  TaskPhase,
} from '../native/gen/runtime.ts';
import type { NodeInfo, NodeState } from '../native/node-state.ts';
import type { Effective, Placement, StoredModel, StoredProfile, StoredTask, TaskStatus } from '../resources.ts';

export const node = 'node-1';
export const gpu = 'cpu-0';
export const digest = `sha256:${'a'.repeat(64)}`;
/** The built-in policy with its default settings. */
export const policy = builtInTerms(defaultPolicy);
export const otherDigest = `sha256:${'b'.repeat(64)}`;

export const effective: Effective = {
  generation: 1,
  model: { uri: 'file:///detector', digest },
  priority: 'Low',
  periodUs: 50_000,
  deadlineUs: 40_000,
  release: 'Periodic',
  releaseJitterUs: 0,
  offsetUs: 0,
  batchSize: 1,
  lateJobs: 'Finish',
  maxMissRate: '0',
};

export const placement: Placement = {
  node,
  gpu,
  gpuProduct: 'CPU',
  context: 1,
  epoch: 1,
  bookedUtilization: '0.1',
  leaderTransitions: 0,
};

/** A task placed on `node`, unless its status says otherwise. */
export function storedTask(uid: string, status: Partial<TaskStatus> = {}, name = uid): StoredTask {
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'RealtimeInferenceTask',
    metadata: { name, namespace: 'default', uid, resourceVersion: '100', generation: 1 },
    spec: { model: 'detector', period: '50ms', priority: 'Low' },
    status: { effective, placement, ...status },
  };
}

/** A model that `node` inspects, unless its status says otherwise. */
export function storedModel(
  name: string,
  source: { uri: string; digest: string },
  status: StoredModel['status'] = {},
  created?: Date,
): StoredModel {
  const metadata = { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '100', generation: 3 };
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'InferenceModel',
    metadata: created === undefined ? metadata : { ...metadata, creationTimestamp: created },
    spec: { source },
    status: { inspector: { node }, ...status },
  };
}

/** A profile that `node` is to measure on `gpu` as `info()` and `observedState()` show it. */
export function storedProfile(
  spec: Partial<StoredProfile['spec']> = {},
  status: StoredProfile['status'] = {},
  generation = 1,
): StoredProfile {
  const partitioning = { contexts: 2, streamsPerContext: 1, oversubscription: '1' };
  const kind = { product: 'CPU', partitioning, engine: 'openvino', engineVersion: '2025.3' };
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name: 'profile', uid: 'uid-profile', resourceVersion: '100', generation },
    spec: { digest, uri: 'file:///detector', ...kind, batchSizes: [1, 4], node, gpu, ...spec },
    status,
  };
}

export function jobs(values: Partial<JobCounters>): JobCounters {
  return { ...zeroCounters, ...values };
}

export function observedTask(uid: string, values: Partial<ObservedTask> = {}): ObservedTask {
  return {
    uid,
    epoch: 1,
    phase: TaskPhase.TASK_PHASE_SERVING,
    reason: '',
    message: '',
    context: 1,
    afetUs: 4_000,
    mretUs: 5_000,
    utilizationE9: 125_000_000,
    responseP50Us: 6_000,
    responseP99Us: 9_000,
    jobs: zeroCounters,
    migrations: undefined,
    lastMisses: [],
    response: undefined,
    executionUs: 0,
    startedJobs: 0,
    unitJobs: 0,
    capacity: 1,
    ...values,
  };
}

export function observedModel(values: Partial<ObservedModel> = {}): ObservedModel {
  return {
    digest,
    uri: 'file:///detector',
    phase: ModelPhase.MODEL_PHASE_READY,
    reason: '',
    message: '',
    name: 'detector',
    inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3, 112, 112] }],
    outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 10] }],
    stages: ['stage-0', 'stage-1'],
    engines: ['openvino'],
    memoryBytes: 1_000_000,
    batches: [
      { size: 1, stageAfetUs: [1_000, 2_000], stageMretUs: [] },
      { size: 4, stageAfetUs: [3_000, 6_000], stageMretUs: [] },
    ],
    measured: true,
    stagesMeasured: 4,
    stagesToMeasure: 4,
    ...values,
  };
}

/** As one runtime says it, and so the node. */
export function observedState(values: Partial<NodeState> = {}): NodeState {
  const context = {
    sms: 1,
    wantedSms: 1,
    streams: 1,
    highUtilizationE9: 0,
    lowUtilizationE9: 125_000_000,
    busyUs: 7_000_000,
  };
  const contexts = [0, 1].map((index) => ({ ...context, index, activeUtilizationE9: 0 }));
  const gpus = values.gpus ?? [{ uuid: gpu, contexts, partitionFault: '', xids: 0 }];
  const models = values.models ?? [];
  return {
    instanceId: 'instance-1',
    appliedGeneration: 1,
    newestGeneration: values.appliedGeneration ?? 1,
    timeUs: 1_700_000_000_000_000,
    gpus,
    models,
    modelsByGpu: new Map(gpus.map(({ uuid }) => [uuid, models])),
    tasks: [],
    ...values,
  };
}

export function info(values: Partial<NodeInfo> = {}): NodeInfo {
  return {
    runtimeVersion: '0.1.0',
    instanceId: 'instance-1',
    inferenceAddress: '127.0.0.1:43121',
    gpus: [
      { uuid: gpu, product: 'CPU', sms: 2, memoryBytes: 1_000_000_000, engine: 'openvino', engineVersion: '2025.3' },
    ],
    nodeGpus: [],
    addresses: new Map(),
    lost: new Map(),
    ...values,
  };
}
