// What the agent says in its GpuNode's status: GPUs and contexts of the node, and whether tasks can be had there. Pure.
import { isDeepStrictEqual } from 'node:util';
import { type ConditionState, findCondition } from '../api/conditions.ts';
import { formatE9 } from '../api/utilization.ts';
import { gpuHealth, type GpuStatus, lostHealth, withoutReading } from './gpu-health.ts';
import type { Gpu, ObservedContext, ObservedState } from './native/gen/runtime.ts';
import type { NodeInfo } from './native/node-state.ts';
import { formatLimit, type PolicyTerms, shownPolicy } from './policy.ts';
import type { Ruling } from './policy-in-force.ts';
import type { GpuNodeStatus, StoredGpuNode } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';
import { sameState } from './serving.ts';
import type { Change } from './status.ts';

export type GpuNodeStatement = Omit<GpuNodeStatus, 'conditions'> & { readonly conditions: readonly ConditionState[] };

export interface GpuNodeInput {
  readonly present: GpuNodeStatus | undefined;
  readonly view: RuntimeView;
  /** Undefined while it is not known what the hardware can carry. */
  readonly ruling: Ruling | undefined;
  /** Replaces the host of the runtime's inference address, which is what the runtime itself listens on. */
  readonly advertiseAddress: string | undefined;
  /** Wall time in ms, for transition times of what is said of a GPU. */
  readonly nowMs: number;
}

/** Undefined while a connection or an Apply is on its way: what status says stays, so that a restarted agent takes nothing away. */
export function gpuNodeStatement(input: GpuNodeInput): GpuNodeStatement | undefined {
  const { present, view, ruling } = input;
  if (view.kind === 'connecting') return undefined;
  if (view.kind === 'down') {
    const gone = notReady('RuntimeUnavailable', `the runtime does not answer: ${view.message}`);
    return { ...lastKnown(present), conditions: [gone, ...presentApplied(present)] };
  }
  if (view.applyError !== undefined) {
    const refused = notReady('ApplyFailed', `the runtime does not take its desired state: ${view.applyError}`);
    return { ...lastKnown(present), conditions: [refused, ...presentApplied(present)] };
  }
  const { info, state, policy } = view;
  if (policy === undefined || state === undefined) return undefined;
  const fault = state.gpus.find(({ partitionFault }) => partitionFault !== '')?.partitionFault;
  if (fault !== undefined && ruling?.flaw === undefined) {
    // Not even the node's own default can be had; of another policy the ruling tells, and goes back to the former.
    const undivided = notReady('PartitionFailed', `${policyName(policy)} cannot be had here: ${fault}`);
    return { ...lastKnown(present), conditions: [undivided, ...presentApplied(present)] };
  }
  if (!hasContexts(state)) return undefined;
  const address = advertised(info.inferenceAddress, input.advertiseAddress);
  const { observedPolicy, applied } = policyWord(policy, ruling, present);
  return {
    ...(observedPolicy === undefined ? {} : { observedPolicy }),
    appliedPolicy: shownPolicy(policy),
    admission: policy.admission,
    highPriorityUtilizationLimit: formatLimit(policy.highPriorityLimit),
    ...(address === '' ? {} : { address }),
    runtimeVersion: info.runtimeVersion,
    gpus: gpusOf(info, state, input),
    conditions: [ready(info), ...applied],
  };
}

interface PolicyWord {
  readonly observedPolicy?: GpuNodeStatus['observedPolicy'] | undefined;
  readonly applied: readonly ConditionState[];
}

/** What is said of the policy that the operator wants; while that is on its way, what was said before. */
function policyWord(inForce: PolicyTerms, ruling: Ruling | undefined, present: GpuNodeStatus | undefined): PolicyWord {
  const { wanted: observedPolicy, flaw, terms } = ruling ?? {};
  if (observedPolicy === undefined) return { applied: [] };
  const name = policyName(observedPolicy);
  if (flaw !== undefined) {
    const message = `${name} cannot be had here: ${flaw.message}; ${policyName(inForce)} stays in force`;
    return { observedPolicy, applied: [policyApplied('False', flaw.reason, message)] };
  }
  if (isDeepStrictEqual(inForce, terms)) {
    return { observedPolicy, applied: [policyApplied('True', 'Applied', `${name} is in force`)] };
  }
  return { observedPolicy: present?.observedPolicy, applied: presentApplied(present) };
}

function policyName({ name, generation }: { readonly name: string; readonly generation?: number }): string {
  return generation === undefined ? `policy ${name}` : `policy ${name}, generation ${generation},`;
}

function policyApplied(status: 'True' | 'False', reason: string, message: string): ConditionState {
  return { type: 'PolicyApplied', status, reason, message };
}

/** With server-side apply a condition that is left out is taken away, so what still holds is said again. */
function presentApplied(present: GpuNodeStatus | undefined): ConditionState[] {
  const known = findCondition(present?.conditions, 'PolicyApplied');
  if (known === undefined) return [];
  const { lastTransitionTime: _time, ...state } = known;
  return [state];
}

/** Utilizations move all the time and are figures; everything else is what placements rest on. */
export function gpuNodeChange(object: StoredGpuNode | undefined, statement: GpuNodeStatement): Change {
  const present = object?.status;
  const { conditions, ...rest } = statement;
  // What the operator says of this node is no part of our word.
  const { conditions: known, policy: _policy, ...presentRest } = present ?? {};
  const turned =
    ownConditions.some((type) => !sameState(stateOf(conditions, type), findCondition(known, type))) ||
    !isDeepStrictEqual(withoutFigures(rest), withoutFigures(presentRest));
  if (turned) return 'transition';
  const sameWords = conditions.every(({ type, message }) => message === findCondition(known, type)?.message);
  return isDeepStrictEqual(rest, presentRest) && sameWords ? 'none' : 'figures';
}

const ownConditions = ['Ready', 'PolicyApplied'];

function stateOf(conditions: readonly ConditionState[], type: string): ConditionState | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** `host:port` with its host replaced; an IPv6 host gets its brackets. */
export function advertised(inferenceAddress: string, host: string | undefined): string {
  if (host === undefined) return inferenceAddress;
  const port = /:(\d+)$/.exec(inferenceAddress)?.[1];
  if (port === undefined) return '';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Nobody shall take zeros for results because the node looks like any other. */
function ready({ gpus, lost }: NodeInfo): ConditionState {
  const simulated = gpus.some(({ engine }) => engine === 'sim') ? '; its engine sim computes nothing' : '';
  const missing = lost.size > 0 ? `; the runtime of ${[...lost.keys()].join(', ')} does not answer` : '';
  const message = `the runtime answers and takes tasks${simulated}${missing}`;
  return { type: 'Ready', status: 'True', reason: 'Serving', message };
}

function notReady(reason: string, message: string): ConditionState {
  return { type: 'Ready', status: 'False', reason, message };
}

/** What the runtime said before it went away: placements are kept against it until the operator decides otherwise. */
function lastKnown(present: GpuNodeStatus | undefined): Omit<GpuNodeStatus, 'conditions'> {
  const { conditions: _conditions, policy: _policy, ...own } = present ?? {};
  return own;
}

function hasContexts(state: ObservedState): boolean {
  return state.gpus.some((gpu) => gpu.contexts.length > 0);
}

/** Those whose runtime does not answer are kept as they were known: what runs there comes back with it. */
function gpusOf(info: NodeInfo, state: ObservedState, { present, nowMs, advertiseAddress }: GpuNodeInput): GpuStatus[] {
  const { gpus, nodeGpus, addresses, lost } = info;
  const input = { present, nowMs };
  const there = gpus.map((gpu) => {
    const address = nodeGpus.length < 2 ? '' : advertised(addresses.get(gpu.uuid) ?? '', advertiseAddress);
    return { ...gpuStatus(gpu, state, input), ...(address === '' ? {} : { address }) };
  });
  const gone = (present?.gpus ?? []).flatMap((gpu) => {
    const why = lost.get(gpu.uuid);
    return why === undefined ? [] : [{ ...gpu, ...lostHealth(gpu, why, nowMs) }];
  });
  const place = ({ uuid }: GpuStatus): number => nodeGpus.indexOf(uuid);
  return [...there, ...gone].sort((one, other) => place(one) - place(other));
}

type ContextStatus = NonNullable<GpuStatus['contexts']>[number];

function gpuStatus(
  gpu: Gpu,
  state: ObservedState,
  { present, nowMs }: Pick<GpuNodeInput, 'present' | 'nowMs'>,
): GpuStatus {
  const observed = state.gpus.find((each) => each.uuid === gpu.uuid);
  const known = present?.gpus?.find((each) => each.uuid === gpu.uuid);
  const contexts = observed?.contexts ?? [];
  const { uuid, product, sms, memoryBytes, engine, engineVersion } = gpu;
  return {
    uuid,
    product,
    sms,
    memoryBytes,
    engine,
    ...(engineVersion === '' ? {} : { engineVersion }),
    ...gpuHealth(observed, known, nowMs),
    contexts: contexts.map(contextStatus).sort((a, b) => a.index - b.index),
  };
}

function contextStatus(context: ObservedContext): ContextStatus {
  return {
    index: context.index,
    sms: context.sms,
    ...(context.wantedSms > 0 ? { wantedSms: context.wantedSms } : {}),
    streams: context.streams,
    highUtilization: formatE9(context.highUtilizationE9),
    lowUtilization: formatE9(context.lowUtilizationE9),
    activeUtilization: formatE9(context.activeUtilizationE9),
  };
}

function withoutFigures(status: Omit<GpuNodeStatus, 'conditions'>): object {
  const gpus = status.gpus?.map((gpu) => ({
    ...withoutReading(gpu),
    contexts: gpu.contexts?.map(({ index, sms, wantedSms, streams }) => ({ index, sms, wantedSms, streams })),
  }));
  return { ...status, gpus };
}
