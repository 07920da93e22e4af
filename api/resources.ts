// The kinds of daris.dev, as the API server addresses them.
import type { GpuNode } from './gen/gpu-node.ts';
import type { GpuSchedulingPolicy } from './gen/gpu-scheduling-policy.ts';
import type { InferenceModel } from './gen/inference-model.ts';
import type { ModelProfile } from './gen/model-profile.ts';
import type { RealtimeInferenceTask } from './gen/realtime-inference-task.ts';

export type { GpuNode, GpuSchedulingPolicy, InferenceModel, ModelProfile, RealtimeInferenceTask };

export const apiVersion = 'daris.dev/v1alpha1';

/** Field managers of server-side apply: who owns which part of a status never changes with a process. */
export const fieldManagers = { operator: 'daris-operator', agent: 'daris-agent' } as const;

/** Namespace of the Leases by which agents show that they live, unless configured otherwise. */
export const systemNamespace = 'daris-system';

/** The Lease there by which one operator leads; all others there are called as the node of their agent. */
export const leaderLease = 'daris-operator';

export const realtimeInferenceTasks = {
  apiVersion,
  kind: 'RealtimeInferenceTask',
  plural: 'realtimeinferencetasks',
  namespaced: true,
} as const;

export const inferenceModels = {
  apiVersion,
  kind: 'InferenceModel',
  plural: 'inferencemodels',
  namespaced: true,
} as const;

export const gpuSchedulingPolicies = {
  apiVersion,
  kind: 'GpuSchedulingPolicy',
  plural: 'gpuschedulingpolicies',
  namespaced: false,
} as const;

/** What the policy of a node is called that follows no GpuSchedulingPolicy: its agent's flags say the terms. */
export const builtInPolicy = 'default';

export const gpuNodes = { apiVersion, kind: 'GpuNode', plural: 'gpunodes', namespaced: false } as const;

export const modelProfiles = {
  apiVersion,
  kind: 'ModelProfile',
  plural: 'modelprofiles',
  namespaced: false,
} as const;
