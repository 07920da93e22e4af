// Generated from crds/gpuschedulingpolicies.yaml by hack/generate-types.ts. Do not edit.
import type {V1ObjectMeta} from '@kubernetes/client-node';

/**
 * How the GPUs of the nodes that it selects are divided and scheduled. What it leaves out is the node's built-in default, which its agent's flags say. A node follows one policy; where two match, neither is applied.
 */
export interface GpuSchedulingPolicy {
  apiVersion: 'daris.dev/v1alpha1';
  kind: 'GpuSchedulingPolicy';
  metadata: V1ObjectMeta;
  spec: {
    /**
     * Labels that a Node must have. Absent or empty, every node matches.
     */
    nodeSelector?: {
      [k: string]: string;
    };
    /**
     * Contexts and streams of each GPU. A change ends the jobs under way, divides the GPU anew and goes on.
     */
    partitioning?: {
      /**
       * How contexts are kept apart. Streams: one context. MPS: contexts of one stream each. MPSStreams: contexts of several streams. GreenContexts: contexts of one process with SMs of their own. On a CPU, contexts are sets of cores in each mode.
       */
      mode: string;
      /**
       * Contexts of each GPU (N_c).
       */
      contexts: number;
      /**
       * Streams of each context (N_s); each runs one stage at a time.
       */
      streamsPerContext: number;
      /**
       * How far the shares of the contexts overlap (OS), as a decimal in quotes. Absent, 1.
       */
      oversubscription?: number | string;
    };
    /**
     * Measured execution times that the MRET of a stage is the longest of (ws).
     */
    mretWindow?: number;
    /**
     * Whether a task that was rejected so often in a row as mretWindow says forgets its oldest measurements.
     */
    mretAging?: boolean;
    /**
     * Test of Low jobs. Utilization: the test of the paper. Predicted: the predicted finish must meet the deadline too.
     */
    admission?: string;
    /**
     * Whether queued jobs of tasks that share a package and a batch size go through its stages together, without anyone waiting for company. On: far more small tasks fit on a GPU, for packages that have larger batch sizes too; responses take as long as the larger batch. Off (absent): each job goes alone. A change divides nothing anew. In quotes, since YAML reads a bare On as true.
     */
    joining?: string;
    /**
     * Whether High jobs take an admission test too (HPA).
     */
    highPriorityAdmission?: boolean;
    /**
     * Share of a context's streams that High tasks may book, as a decimal in quotes.
     */
    highPriorityUtilizationLimit?: number | string;
    /**
     * What the High tasks of a namespace may book in sum over all contexts of all nodes that follow this policy. A namespace that is not listed has no quota. A lowered quota ends nothing that runs.
     *
     * @maxItems 64
     */
    highPriorityQuotas?: {
      namespace: string;
      /**
       * Streams, as a decimal in quotes; 1 is one stream fully used.
       */
      utilization: number | string;
    }[];
    /**
     * Engine that a node must have for this policy to apply. Absent, any.
     */
    engine?: string;
    /**
     * Whose compiled code GPUs load, where their engine (torch) runs such. To load it is to run it in one process with all tasks of the GPU. Absent, nobody's.
     */
    compiledCode?: {
      /**
       * Namespaces whose InferenceModels and tasks are trusted with that. Tasks of one that is taken away end.
       *
       * @maxItems 64
       */
      namespaces: string[];
    };
    /**
     * What a node does whose agent cannot renew its Lease. Serve (absent): it goes on. Stop: it serves nothing from when the Lease is over, since others may have taken over its tasks.
     */
    onPartition?: string;
  };
  status?: {
    observedGeneration?: number;
    /**
     * Nodes with a GpuNode that it selects.
     */
    matchedNodes?: number;
    /**
     * Of these, those where it is in force.
     */
    appliedNodes?: number;
    /**
     * Names of the matched nodes, the first 32 of them.
     *
     * @maxItems 32
     */
    nodes?: string[];
    /**
     * Ready: in force on all nodes that it selects. Reconciling: a node has yet to apply it. Stalled: a node is selected by another policy too, or cannot carry this one.
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
  };
}
