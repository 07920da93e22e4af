// Generated from crds/gpunodes.yaml by hack/generate-types.ts. Do not edit.
import type {V1ObjectMeta} from '@kubernetes/client-node';

/**
 * The GPUs of a node as its agent sees them.
 */
export interface GpuNode {
  apiVersion: 'daris.dev/v1alpha1';
  kind: 'GpuNode';
  metadata: V1ObjectMeta;
  status?: {
    /**
     * Ready: the runtime answers and takes tasks. PolicyApplied: whether the policy that the node is to follow is in force. Stalled: more than one policy selects the node.
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
     * host:port at which requests reach the runtime; of several GPUs, that of one of them.
     */
    address?: string;
    /**
     * The policy that this node is to follow, written by the operator; what is absent is the node's built-in default, which has the name default.
     */
    policy?: {
      name: string;
      /**
       * Of the policy's spec.
       */
      generation?: number;
      partitioning?: {
        mode: string;
        contexts: number;
        streamsPerContext: number;
        oversubscription?: string;
      };
      mretWindow?: number;
      mretAging?: boolean;
      admission?: 'Utilization' | 'Predicted';
      joining?: 'Off' | 'On';
      highPriorityAdmission?: boolean;
      highPriorityUtilizationLimit?: string;
      engine?: string;
      compiledCode?: {
        /**
         * @maxItems 64
         */
        namespaces: string[];
      };
      onPartition?: 'Serve' | 'Stop';
    };
    /**
     * The policy that the condition PolicyApplied speaks of.
     */
    observedPolicy?: {
      name: string;
      generation?: number;
    };
    /**
     * The policy in force, with its terms; default is what the agent's flags say.
     */
    appliedPolicy?: {
      name: string;
      generation?: number;
      mode?: string;
      contexts: number;
      streamsPerContext: number;
      oversubscription: string;
      mretWindow?: number;
      mretAging?: boolean;
      /**
       * On: placement books tasks by joined shares.
       */
      joining?: 'Off' | 'On';
      highPriorityAdmission?: boolean;
      engine?: string;
      compiledCode?: {
        /**
         * @maxItems 64
         */
        namespaces: string[];
      };
      onPartition?: 'Serve' | 'Stop';
    };
    admission?: 'Utilization' | 'Predicted';
    /**
     * Share of a context's streams that High tasks may book.
     */
    highPriorityUtilizationLimit?: string;
    runtimeVersion?: string;
    /**
     * @maxItems 64
     */
    gpus?: {
      uuid: string;
      product: string;
      /**
       * Streaming multiprocessors, or cores of a CPU runtime.
       */
      sms: number;
      memoryBytes: number;
      engine: string;
      engineVersion?: string;
      /**
       * host:port at which requests reach the runtime of this GPU; absent: that of the node.
       */
      address?: string;
      /**
       * Healthy: False keeps new tasks from this GPU; absent where no driver tells, and its runtime answers. ForeignSharing: others work on this GPU, so no new tasks go there; present only while True.
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
       * What the driver tells of the GPU, coarsely; the agent's metrics daris_gpu_* are exact. Absent where no driver tells.
       */
      reading?: {
        /**
         * By whomever.
         */
        memoryUsedBytes?: number;
        memoryFreeBytes?: number;
        smClockMHz?: number;
        memoryClockMHz?: number;
        powerWatts?: number;
        temperatureCelsius?: number;
        /**
         * What keeps its clocks down.
         *
         * @maxItems 16
         */
        throttling?: string[];
        /**
         * Memory errors since the GPU was reset.
         */
        eccUncorrectable?: number;
        /**
         * The last error that the driver logged since the runtime started.
         */
        lastXid?: {
          code: number;
          time: string;
        };
      };
      /**
       * @maxItems 256
       */
      contexts?: {
        index: number;
        /**
         * SMs, or cores, that the hardware granted.
         */
        sms: number;
        /**
         * SMs, or cores, that eq. 9 asks for; a GPU hands them out in granules (8 on Hopper).
         */
        wantedSms?: number;
        streams: number;
        /**
         * Sum over High tasks, by MRET (eq. 4).
         */
        highUtilization?: string;
        /**
         * Sum over Low tasks, by MRET (eq. 5).
         */
        lowUtilization?: string;
        /**
         * High tasks and Low tasks with a job under way (eq. 7).
         */
        activeUtilization?: string;
      }[];
    }[];
  };
}
