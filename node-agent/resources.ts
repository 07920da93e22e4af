// The kinds that the agent reads and writes, with their types.
import { defineResource, type Stored } from '../kube/resource.ts';
import {
  type GpuNode,
  gpuNodes as gpuNodesPath,
  type InferenceModel,
  inferenceModels as inferenceModelsPath,
  type ModelProfile,
  modelProfiles as modelProfilesPath,
  type RealtimeInferenceTask,
  realtimeInferenceTasks as realtimeInferenceTasksPath,
} from '../api/resources.ts';

export const tasks = defineResource<RealtimeInferenceTask>(realtimeInferenceTasksPath);
export const models = defineResource<InferenceModel>(inferenceModelsPath);
export const profiles = defineResource<ModelProfile>(modelProfilesPath);
export const gpuNodes = defineResource<GpuNode>(gpuNodesPath);

export type StoredTask = Stored<RealtimeInferenceTask>;
export type StoredModel = Stored<InferenceModel>;
export type StoredProfile = Stored<ModelProfile>;
export type StoredGpuNode = Stored<GpuNode>;

export type TaskStatus = NonNullable<RealtimeInferenceTask['status']>;
export type TaskRuntime = NonNullable<TaskStatus['runtime']>;
export type Effective = NonNullable<TaskStatus['effective']>;
export type Placement = NonNullable<TaskStatus['placement']>;
export type ModelStatus = NonNullable<InferenceModel['status']>;
export type ModelPackage = NonNullable<ModelStatus['package']>;
export type ProfileStatus = NonNullable<ModelProfile['status']>;
export type GpuNodeStatus = NonNullable<GpuNode['status']>;
export type NodePolicy = NonNullable<GpuNodeStatus['policy']>;
export type ObservedPolicy = NonNullable<GpuNodeStatus['observedPolicy']>;
export type AppliedPolicy = NonNullable<GpuNodeStatus['appliedPolicy']>;

/** Milliseconds since 1970 of the object's creation; 0 where the server gave none. */
export function createdMs(object: { readonly metadata: { readonly creationTimestamp?: Date | string } }): number {
  const { creationTimestamp } = object.metadata;
  const ms = creationTimestamp === undefined ? 0 : new Date(creationTimestamp).getTime();
  return Number.isNaN(ms) ? 0 : ms;
}
