// What placement knows of tasks and nodes: plain values, taken from objects by those who gather.
// Times are microseconds, utilizations billionths of one stream.

export type Priority = 'High' | 'Low';

/** What one job needs on a GPU, by average execution times (AFET). */
export interface Demand {
  readonly afetUs: number;
  readonly longestStageUs: number;
  /** Of each stage; absent where they were not measured, but stand in. */
  readonly stageAfetUs?: readonly number[];
  /** AFET / min(deadline, period), rounded up; of a job alone. */
  readonly utilizationE9: number;
  /** Where jobs join, with which others they may; absent: with none. */
  readonly joins?: JobClass;
}

/** Tasks of one package and batch size, whose jobs may go together. */
export interface JobClass {
  /** The same for all of them. */
  readonly key: string;
  /** Of more and more jobs, the first of one. */
  readonly units: readonly [UnitTimes, ...UnitTimes[]];
}

/** What a unit of so many jobs takes. */
export interface UnitTimes {
  readonly jobs: number;
  readonly afetUs: number;
  readonly longestStageUs: number;
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** One context of one GPU. */
export interface Place {
  readonly node: string;
  readonly gpu: string;
  readonly context: number;
}

export interface PlacementTask {
  /** namespace/name */
  readonly key: string;
  readonly namespace: string;
  readonly priority: Priority;
  readonly periodUs: number;
  readonly deadlineUs: number;
  /** What a job needs: at its present place where it has one, else the least that is known. Orders the tasks. */
  readonly demand: Demand;
  /** What it needs on each kind of GPU; a kind that is absent is not measured yet. Absent: `demand` on every kind. */
  readonly demands?: ReadonlyMap<string, Demand>;
  /** Kinds whose times were not measured there: those of another partitioning, or what was booked, stand in for them. */
  readonly standIns?: ReadonlySet<string>;
  /** Why there are no times of a kind, by kind. */
  readonly unmeasured?: ReadonlyMap<string, Refusal>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** What it loads; absent: nothing is known of what that needs. */
  readonly package?: PlacementPackage;
  /** Tasks of one class may use the same GPUs: `gpuClassOf` all that decides that. */
  readonly gpuClass: string;
  /** Evaluated after all others, booked nowhere. */
  readonly suspended: boolean;
  /** Where it is now. */
  readonly present?: Place;
  /** Its terms are those that its present place was booked for. */
  readonly settled: boolean;
}

/** A package on a GPU: loaded once there, however many tasks run it. */
export interface PlacementPackage {
  readonly digest: string;
  /** Of one loaded copy, without the buffers of its jobs; absent: not known. */
  readonly memoryBytes?: number;
  /** That it holds artifacts for; absent: not known. */
  readonly engines?: readonly string[];
}

/**
 * Ready: takes tasks. NotReady: keeps those that it has. Lost: its tasks go elsewhere where there is room, and stay
 * otherwise, since its runtime may well serve on.
 */
export type NodeState = 'Ready' | 'NotReady' | 'Lost';

export interface PlacementNode {
  readonly name: string;
  readonly state: NodeState;
  /** Why it is not Ready. */
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Share of a context's streams that High tasks may book. */
  readonly highLimitE9: number;
  /** Namespaces whose compiled code its GPUs load, by the policy that it follows; absent: nobody's. */
  readonly codeNamespaces?: ReadonlySet<string>;
  /** Name of that policy; absent: not known. */
  readonly policy?: string;
  /** The policy that it follows, where that has quotas. */
  readonly quotas?: Quotas;
  readonly gpus: readonly PlacementGpu[];
}

/** What High tasks of a namespace may book in sum over all nodes that follow one policy. */
export interface Quotas {
  readonly policy: string;
  /** Billionths of a stream by namespace; one that is missing has no quota. */
  readonly limitsE9: ReadonlyMap<string, number>;
}

export interface PlacementGpu {
  readonly uuid: string;
  readonly product: string;
  /** GPUs of one kind take the same time for the same stage (`gpuKindKey`). */
  readonly kind: string;
  readonly engine: string;
  /** Absent: not known, so it bounds nothing. */
  readonly memoryBytes?: number;
  /** Why it takes nothing new, although its node does; what it has stays. */
  readonly closed?: Refusal;
  /** Whether queued jobs of one class go through their stages together there. */
  readonly joins?: boolean;
  readonly contexts: readonly { readonly index: number; readonly streams: number }[];
}

/** Why something cannot be: a condition's reason, and the terms in words. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}
