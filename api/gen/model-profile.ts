// Generated from crds/modelprofiles.yaml by hack/generate-types.ts. Do not edit.
import type {V1ObjectMeta} from '@kubernetes/client-node';

/**
 * Average execution times (AFET) of a model's stages on one GPU product under one partitioning. Made by the operator where a task needs one, measured once, kept and reused; what is no longer of use is deleted with kubectl.
 */
export interface ModelProfile {
  apiVersion: 'daris.dev/v1alpha1';
  kind: 'ModelProfile';
  metadata: V1ObjectMeta;
  spec: {
    /**
     * Of the package; see InferenceModel.
     */
    digest: string;
    /**
     * Where the package is, below the model root of the node, as file:///NAME.
     */
    uri: string;
    /**
     * The GPU, as GpuNode shows it.
     */
    product: string;
    /**
     * How the GPU is divided while it is measured, since a stage takes longer the more others share the GPU.
     */
    partitioning: {
      /**
       * How contexts are kept apart, where that is known.
       */
      mode?: string;
      contexts: number;
      streamsPerContext: number;
      /**
       * Sum of the contexts' SMs (or cores) over those of the GPU, as a decimal; 1 where nothing is shared.
       */
      oversubscription: string;
    };
    engine: string;
    engineVersion: string;
    /**
     * Batch sizes to measure; those of the package.
     *
     * @minItems 1
     * @maxItems 64
     */
    batchSizes: number[];
    /**
     * The node whose agent measures. Written by the operator; absent while no GPU of the kind may be measured on.
     */
    node?: string;
    /**
     * The GPU of the node that is measured on. Written by the operator.
     */
    gpu?: string;
    /**
     * What the stages take, given by someone who knows. It counts instead of a measurement for as long as it is given, and nothing is measured.
     */
    estimate?: {
      /**
       * One duration a stage, in order, at batch size 1. A batch of n counts n times that.
       *
       * @minItems 1
       * @maxItems 64
       */
      stageAfet: (number | string)[];
    };
  };
  status?: {
    observedGeneration?: number;
    /**
     * Transitions of the operator's Lease at the operator's last write; a former leader's number is refused.
     */
    leaderTransitions?: number;
    /**
     * Ready, Reconciling, Stalled by the operator; Measured by the agent of spec.node.
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
     * Which times placements go by. Written by the operator.
     */
    source?: 'Measured' | 'Estimate';
    /**
     * Sum over the stages at the smallest batch size. Written by the operator.
     */
    afetUs?: number;
    /**
     * Stages measured so far, counted once for each batch size. Written by the agent while it measures.
     */
    progress?: {
      stage: number;
      of: number;
    };
    /**
     * What was measured, by batch size. Written by the agent.
     *
     * @maxItems 64
     */
    batches?: {
      size: number;
      /**
       * Sum over the stages.
       */
      afetUs: number;
      /**
       * @maxItems 64
       */
      stageAfetUs: number[];
      /**
       * In service on the node of spec.node, where jobs of this package join: the longest of the last execution times of each stage, in units as large as this batch size. Absent while none has run so.
       *
       * @maxItems 64
       */
      stageMretUs?: number[];
    }[];
    measuredAt?: string;
  };
}
