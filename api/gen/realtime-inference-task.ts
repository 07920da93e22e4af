// Generated from crds/realtimeinferencetasks.yaml by hack/generate-types.ts. Do not edit.
import type {V1ObjectMeta} from '@kubernetes/client-node';

/**
 * A DNN that must finish each job within a deadline on a shared GPU. Admitted means predicted to meet its deadline; every miss is counted and explained.
 */
export interface RealtimeInferenceTask {
  apiVersion: 'daris.dev/v1alpha1';
  kind: 'RealtimeInferenceTask';
  metadata: V1ObjectMeta;
  spec: {
    /**
     * Name of an InferenceModel of the same namespace.
     */
    model: string;
    /**
     * Time between two releases of a job (T).
     */
    period: number | string;
    /**
     * Time from the release of a job to the latest acceptable end of it (D), at most the period. Absent, the period.
     */
    deadline?: number | string;
    /**
     * High tasks keep their context and are booked at placement; Low tasks take an admission test at each release and may migrate between contexts.
     */
    priority: string;
    /**
     * Periodic: jobs are released on a wall-clock grid, from the newest input. OnRequest (absent): each request releases one job.
     */
    release?: string;
    /**
     * How much earlier than a period after its predecessor a request may come. Absent, half the period.
     */
    releaseJitter?: number | string;
    /**
     * Phase of periodic releases on the wall clock, shorter than the period. Absent, 0.
     */
    offset?: number | string;
    /**
     * Inputs of one job. Absent, 1. The model's package must hold artifacts of this batch size.
     */
    batchSize?: number;
    /**
     * Finish (absent): a late job runs to its end. Drop: it ends where its next stage would start late.
     */
    lateJobs?: string;
    /**
     * Share of admitted jobs that may miss before DeadlinesMet turns False, a decimal between 0 and 1. Absent, 0.
     */
    maxMissRate?: number | string;
    /**
     * Labels that a Node must have.
     */
    nodeSelector?: {
      [k: string]: string;
    };
    /**
     * Taints of Nodes that this task tolerates, as in a Pod.
     *
     * @maxItems 32
     */
    tolerations?: {
      key?: string;
      operator?: string;
      value?: string;
      effect?: string;
    }[];
    /**
     * A suspended task runs nowhere; Placed=False with reason Suspended says whether and where it would fit.
     */
    suspend?: boolean;
  };
  status?: {
    observedGeneration?: number;
    /**
     * Transitions of the operator's Lease at the operator's last write; a former leader's number is refused.
     */
    leaderTransitions?: number;
    /**
     * Ready, Reconciling, Stalled (kstatus), ModelReady, Placed by the operator; Serving, DeadlinesMet by the agent.
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
     * The terms in force, with what spec leaves out resolved. Written by the operator; what the runtime obeys.
     */
    effective?: {
      /**
       * metadata.generation that these terms were resolved from.
       */
      generation: number;
      model: {
        uri: string;
        digest: string;
      };
      priority: 'High' | 'Low';
      periodUs: number;
      deadlineUs: number;
      release: 'Periodic' | 'OnRequest';
      releaseJitterUs: number;
      offsetUs: number;
      batchSize: number;
      lateJobs: 'Finish' | 'Drop';
      maxMissRate: string;
    };
    /**
     * Where the task runs. Written by the operator; a node runs only tasks whose placement names it.
     */
    placement?: {
      node: string;
      /**
       * UUID of the GPU (or of the CPU runtime).
       */
      gpu: string;
      gpuProduct: string;
      context: number;
      /**
       * Grows with each placement; what speaks for another epoch is ignored.
       */
      epoch: number;
      /**
       * AFET / min(deadline, period) on this GPU, a decimal; as one of `capacity` jobs that go together, where it has that.
       */
      bookedUtilization: string;
      /**
       * Where jobs join: how many jobs of its class are counted to go together (n*); bookedUtilization is its share of those. Absent: each alone.
       */
      capacity?: number;
      /**
       * Average execution time of each stage there, microseconds, by which it was booked; the runtime goes by it until it has measured jobs. Absent where nothing was measured on that kind of GPU: then the runtime measures.
       *
       * @maxItems 64
       */
      stageAfetUs?: number[];
      /**
       * Transitions of the operator's Lease at this placement.
       */
      leaderTransitions: number;
    };
    /**
     * What really happened. Written by the agent of the node.
     */
    runtime?: {
      epoch: number;
      /**
       * Present context; Low tasks migrate.
       */
      context?: number;
      timing?: {
        /**
         * Average execution time measured at load (sum of stages).
         */
        afetUs?: number;
        /**
         * Maximum of the last measured execution times (sum of stages).
         */
        mretUs?: number;
        /**
         * MRET / min(deadline, period).
         */
        utilization?: string;
        responseP50Us?: number;
        responseP99Us?: number;
      };
      /**
       * Where its jobs go through the stages together with those of other tasks. Absent where they never did.
       */
      joining?: {
        /**
         * How many jobs of its class the runtime counts to go together (n*).
         */
        capacity?: number;
        /**
         * Mean over its jobs, since the runtime started, of how many went together.
         */
        meanUnitSize?: string;
      };
      jobs?: {
        released?: number;
        /**
         * Released while the previous job was still active.
         */
        skipped?: number;
        /**
         * Refused by the admission test.
         */
        rejected?: number;
        /**
         * Of the rejected: no context had the utilization free, inequality (12).
         */
        rejectedByUtilization?: number;
        /**
         * Of the rejected: predicted to finish after their deadline wherever they fitted.
         */
        rejectedByPrediction?: number;
        /**
         * Requests refused because they came too early.
         */
        early?: number;
        /**
         * Waiting requests replaced by a newer one.
         */
        superseded?: number;
        /**
         * Waiting requests taken back: their client left, or their task changed.
         */
        withdrawn?: number;
        admitted?: number;
        completed?: number;
        missed?: number;
        dropped?: number;
        /**
         * Ended by an engine error.
         */
        failed?: number;
        /**
         * Completed by the deadline.
         */
        onTime?: number;
      };
      /**
       * missed / admitted since the first placement.
       */
      deadlineMissRate?: string;
      /**
       * finished in time / released since the first placement.
       */
      onTimeRate?: string;
      /**
       * The same rates over the last window.
       */
      window?: {
        seconds?: number;
        released?: number;
        missed?: number;
        deadlineMissRate?: string;
        onTimeRate?: string;
      };
      migrations?: {
        count?: number;
        /**
         * Time, from and to of the last one.
         */
        last?: string;
      };
      /**
       * @maxItems 10
       */
      lastMisses?: {
        time?: string;
        lateUs?: number;
        cause?: 'Overrun' | 'Blocked' | 'Queued' | 'Loading';
        /**
         * namespace/name of the task that it waited behind longest.
         */
        behind?: string;
      }[];
    };
    /**
     * Where requests for this task go (gRPC, Open Inference Protocol). Written by the operator.
     */
    endpoint?: {
      /**
       * host:port of the runtime that serves the task now.
       */
      address?: string;
      /**
       * DNS name and port that follow the task; absent where no Service can be had.
       */
      service?: string;
      /**
       * model_name to send: task.namespace.
       */
      model?: string;
    };
  };
}
