// The kinds that the operator reads and writes, as the kernel addresses them.
import type { V1EndpointSlice, V1Node, V1Service } from '@kubernetes/client-node';

import {
  gpuNodes,
  gpuSchedulingPolicies,
  inferenceModels,
  modelProfiles,
  realtimeInferenceTasks,
  type GpuNode,
  type GpuSchedulingPolicy,
  type InferenceModel,
  type ModelProfile,
  type RealtimeInferenceTask,
} from '../api/resources.ts';
import { defineResource, type Stored } from '../kube/resource.ts';

/** client-node describes objects by classes, with Dates; what travels is plain, with times as text. */
type Plain<T> = T extends Date ? string : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

export type Node = Plain<V1Node>;
export type Service = Plain<V1Service>;
export type EndpointSlice = Plain<V1EndpointSlice>;

export type StoredTask = Stored<RealtimeInferenceTask>;
export type StoredModel = Stored<InferenceModel>;
export type StoredProfile = Stored<ModelProfile>;
export type StoredGpuNode = Stored<GpuNode>;
export type StoredPolicy = Stored<GpuSchedulingPolicy>;
export type StoredNode = Stored<Node>;
export type StoredService = Stored<Service>;
export type StoredSlice = Stored<EndpointSlice>;

export type TaskStatus = NonNullable<RealtimeInferenceTask['status']>;
export type Effective = NonNullable<TaskStatus['effective']>;
export type TaskPlacement = NonNullable<TaskStatus['placement']>;
export type TaskEndpoint = NonNullable<TaskStatus['endpoint']>;
export type ModelStatus = NonNullable<InferenceModel['status']>;
export type PolicySpec = GpuSchedulingPolicy['spec'];
export type PolicyStatus = NonNullable<GpuSchedulingPolicy['status']>;
export type GpuNodeStatus = NonNullable<GpuNode['status']>;
/** The terms that a node is to follow. */
export type NodePolicy = NonNullable<GpuNodeStatus['policy']>;
export type ModelPackage = NonNullable<ModelStatus['package']>;
export type ProfileSpec = ModelProfile['spec'];
export type ProfileStatus = NonNullable<ModelProfile['status']>;

export const tasksResource = defineResource<RealtimeInferenceTask>(realtimeInferenceTasks);
export const modelsResource = defineResource<InferenceModel>(inferenceModels);
export const profilesResource = defineResource<ModelProfile>(modelProfiles);
export const gpuNodesResource = defineResource<GpuNode>(gpuNodes);
export const policiesResource = defineResource<GpuSchedulingPolicy>(gpuSchedulingPolicies);
export const nodesResource = defineResource<Node>({
  apiVersion: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
});
export const servicesResource = defineResource<Service>({
  apiVersion: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
});
export const slicesResource = defineResource<EndpointSlice>({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
});
