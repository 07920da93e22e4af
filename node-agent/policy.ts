// How this node's GPUs are divided and scheduled: the built-in default, which the agent's flags say, or the policy that
// the operator wrote into the GpuNode. What that leaves out is the default's. Pure.
import { builtInPolicy } from '../api/resources.ts';
import { formatE9, wholeE9 } from '../api/utilization.ts';
import { Admission, PartitionMode, type Gpu, type Policy } from './native/gen/runtime.ts';
import type { AppliedPolicy, GpuNodeStatus, NodePolicy } from './resources.ts';

export interface PolicySettings {
  readonly contexts: number;
  readonly streamsPerContext: number;
  /** 1 (contexts share nothing) to `contexts` (each may use the whole GPU). */
  readonly oversubscription: number;
  readonly admission: 'Utilization' | 'Predicted';
  /** Share of a context's streams that High tasks may book, by AFET. */
  readonly highPriorityLimit: number;
}

export const defaultPolicy: PolicySettings = Object.freeze({
  contexts: 2,
  streamsPerContext: 1,
  oversubscription: 1,
  admission: 'Predicted',
  highPriorityLimit: 0.75,
});

/** A policy with all of its terms. */
export interface PolicyTerms extends PolicySettings {
  readonly name: string;
  /** Of the policy's spec; absent: the built-in one has none. */
  readonly generation?: number;
  /** Absent: only the counts of contexts and streams were said. */
  readonly mode?: string;
  /** Window of measured execution times (ws of eq. 1). */
  readonly mretWindow: number;
  readonly mretAging: boolean;
  /** Whether queued jobs of one class go through their stages together. */
  readonly joining: 'Off' | 'On';
  readonly highPriorityAdmission: boolean;
  /** Absent: any. */
  readonly engine?: string;
  readonly onPartition: 'Serve' | 'Stop';
  /** Absent: nobody's compiled code is loaded. */
  readonly compiledCode?: { readonly namespaces: string[] };
}

/** Why the hardware cannot carry a policy: a condition's reason, and the terms in words. */
export interface PolicyFlaw {
  readonly reason: string;
  readonly message: string;
}

export function builtInTerms(settings: PolicySettings): PolicyTerms {
  return {
    ...settings,
    name: builtInPolicy,
    mretWindow: 5,
    mretAging: true,
    joining: 'Off',
    highPriorityAdmission: false,
    onPartition: 'Serve',
  };
}

export function policyTerms(settings: PolicySettings, wanted: NodePolicy): PolicyTerms {
  const { partitioning, highPriorityUtilizationLimit, ...scheduling } = wanted;
  return {
    ...builtInTerms(settings),
    ...scheduling,
    ...(partitioning === undefined
      ? {}
      : { ...partitioning, oversubscription: Number(partitioning.oversubscription ?? 1) }),
    ...(highPriorityUtilizationLimit === undefined ? {} : { highPriorityLimit: Number(highPriorityUtilizationLimit) }),
  };
}

/** What a GpuNode says to be in force, for an agent that was restarted; undefined where it does not say all of it. */
export function appliedTerms(settings: PolicySettings, status: GpuNodeStatus | undefined): PolicyTerms | undefined {
  if (status?.appliedPolicy === undefined) return undefined;
  const { appliedPolicy, admission, highPriorityUtilizationLimit } = status;
  return {
    ...builtInTerms(settings),
    ...appliedPolicy,
    oversubscription: Number(appliedPolicy.oversubscription),
    ...(admission === undefined ? {} : { admission }),
    ...(highPriorityUtilizationLimit === undefined ? {} : { highPriorityLimit: Number(highPriorityUtilizationLimit) }),
  };
}

/** As GpuNode's status shows it; `admission` and the limit stand beside it. */
export function shownPolicy(terms: PolicyTerms): AppliedPolicy {
  const { admission: _admission, highPriorityLimit: _limit, oversubscription, ...rest } = terms;
  return { ...rest, oversubscription: formatE9(Math.round(oversubscription * wholeE9)) };
}

/** Each context needs a core or SM of its own share: OS · SM / N_c must be at least 1 (eq. 9). */
export function flawOf(terms: PolicyTerms, gpus: readonly Gpu[]): PolicyFlaw | undefined {
  for (const gpu of gpus) {
    if (terms.engine !== undefined && terms.engine !== gpu.engine) {
      const message = `it asks for engine ${terms.engine}, and ${gpu.uuid} has ${gpu.engine}; write engine: ${gpu.engine} or leave it out`;
      return { reason: 'EngineNotFound', message };
    }
    const most = Math.floor(gpu.sms * terms.oversubscription);
    if (terms.contexts > most) return { reason: 'TooManyContexts', message: tooMany(terms, gpu, most) };
  }
  return undefined;
}

function tooMany({ contexts, oversubscription }: PolicyTerms, gpu: Gpu, most: number): string {
  const units = gpu.sms === 1 ? '1 core or SM' : `${gpu.sms} cores or SMs`;
  const enough = formatE9(Math.ceil((contexts / gpu.sms) * 1e6) * 1e3);
  return (
    `${contexts} contexts at oversubscription ${oversubscription} are more than the ${units} of ${gpu.uuid} allow; ` +
    `write contexts: ${most} or oversubscription: '${enough}'`
  );
}

/** Equal exactly where a GPU is divided alike. */
export function samePartitioning(one: PolicyTerms, other: PolicyTerms): boolean {
  return (
    one.mode === other.mode &&
    one.contexts === other.contexts &&
    one.streamsPerContext === other.streamsPerContext &&
    one.oversubscription === other.oversubscription
  );
}

const admissions = {
  Utilization: Admission.ADMISSION_UTILIZATION,
  Predicted: Admission.ADMISSION_PREDICTED,
} as const;

const modes: Readonly<Record<string, PartitionMode>> = {
  Streams: PartitionMode.PARTITION_MODE_STREAMS,
  MPS: PartitionMode.PARTITION_MODE_MPS,
  MPSStreams: PartitionMode.PARTITION_MODE_MPS_STREAMS,
  GreenContexts: PartitionMode.PARTITION_MODE_GREEN_CONTEXTS,
};

export function runtimePolicy(terms: PolicyTerms): Policy {
  return {
    contexts: terms.contexts,
    streamsPerContext: terms.streamsPerContext,
    oversubscription: terms.oversubscription,
    mretWindow: terms.mretWindow,
    mretAging: terms.mretAging,
    admission: admissions[terms.admission],
    highPriorityAdmission: terms.highPriorityAdmission,
    highPriorityUtilizationLimit: terms.highPriorityLimit,
    joining: terms.joining === 'On',
    mode: modes[terms.mode ?? ''] ?? PartitionMode.PARTITION_MODE_UNSPECIFIED,
    name: terms.name,
    compiledCodeNamespaces: terms.compiledCode?.namespaces.toSorted() ?? [],
  };
}

/** The limit as GpuNode's status shows it. */
export function formatLimit(limit: number): string {
  return formatE9(Math.round(limit * wholeE9));
}
