// Generated from crds/inferencemodels.yaml by hack/generate-types.ts. Do not edit.
import type {V1ObjectMeta} from '@kubernetes/client-node';

/**
 * A staged model package that tasks of the same namespace run.
 */
export interface InferenceModel {
  apiVersion: 'daris.dev/v1alpha1';
  kind: 'InferenceModel';
  metadata: V1ObjectMeta;
  spec: {
    source: {
      /**
       * A package folder or .tar below the model root of the node, as file:///NAME.
       */
      uri: string;
      /**
       * sha256 of the package's model.json, which names the digest of every other file.
       */
      digest: string;
    };
    /**
     * Memory that one loaded copy needs on a GPU, like 64Mi; placement counts it once for each GPU. Absent, what the inspecting agent measured.
     */
    memory?: string;
  };
  status?: {
    observedGeneration?: number;
    /**
     * Transitions of the operator's Lease at the operator's last write; a former leader's number is refused.
     */
    leaderTransitions?: number;
    /**
     * Ready, Reconciling, Stalled by the operator; Inspected by the agent that the operator names.
     *
     * @maxItems 16
     */
    conditions?: {
      type: string;
      status: 'True' | 'False' | 'Unknown';
      reason: string;
      message: string;
      observedGeneration?: number;
      lastTransitionTime: string;
    }[];
    /**
     * The node whose agent opens the package. Written by the operator.
     */
    inspector?: {
      node: string;
    };
    /**
     * What the package holds, as its inspector read it; of the digest that it names.
     */
    package?: {
      digest: string;
      name?: string;
      stageCount?: number;
      /**
       * Of one loaded copy, as its inspector measured it; without the buffers of jobs.
       */
      memoryBytes?: number;
      /**
       * Engines that it holds artifacts for; it runs on their GPUs alone.
       *
       * @maxItems 8
       */
      engines?: string[];
      /**
       * @maxItems 64
       */
      inputs?: {
        name: string;
        datatype: string;
        /**
         * @maxItems 16
         */
        shape: number[];
      }[];
      /**
       * @maxItems 64
       */
      outputs?: {
        name: string;
        datatype: string;
        /**
         * @maxItems 16
         */
        shape: number[];
      }[];
      /**
       * @maxItems 64
       */
      stages?: {
        name: string;
      }[];
      /**
       * Batch sizes that the package holds artifacts for. What its stages take is in its ModelProfiles.
       *
       * @maxItems 64
       */
      batchSizes?: number[];
    };
  };
}
