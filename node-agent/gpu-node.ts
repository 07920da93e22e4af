// What the agent says in its GpuNode's status: GPUs and contexts of the node, and whether tasks can be had there. Pure.
import { isDeepStrictEqual } from 'node:util';
import { type ConditionState, findCondition } from '../api/conditions.ts';
import { formatE9 } from '../api/utilization.ts';
import type { Gpu, ObservedContext, ObservedState } from './native/gen/runtime.ts';
import { builtInPolicy, formatLimit, type PolicySettings } from './policy.ts';
import type { GpuNodeStatus, StoredGpuNode } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';
import { sameState } from './serving.ts';
import type { Change } from './status.ts';

export type GpuNodeStatement = Omit<GpuNodeStatus, 'conditions'> & { readonly conditions: readonly [ConditionState] };

export interface GpuNodeInput {
  readonly present: GpuNodeStatus | undefined;
  readonly view: RuntimeView;
  readonly policy: PolicySettings;
  /** Replaces the host of the runtime's inference address, which is what the runtime itself listens on. */
  readonly advertiseAddress: string | undefined;
}

/** Undefined while a connection or an Apply is on its way: what status says stays, so that a restarted agent takes nothing away. */
export function gpuNodeStatement(input: GpuNodeInput): GpuNodeStatement | undefined {
  const { present, view, policy } = input;
  if (view.kind === 'connecting') return undefined;
  const terms = {
    policy: builtInPolicy,
    admission: policy.admission,
    highPriorityUtilizationLimit: formatLimit(policy.highPriorityLimit),
  };
  if (view.kind === 'down') {
    const gone = notReady('RuntimeUnavailable', `the runtime does not answer: ${view.message}`);
    return { ...lastKnown(present), ...terms, conditions: [gone] };
  }
  if (view.applyError !== undefined) {
    const refused = notReady('ApplyFailed', `the runtime does not take its desired state: ${view.applyError}`);
    return { ...lastKnown(present), ...terms, conditions: [refused] };
  }
  if (view.terms === undefined || view.state === undefined || !hasContexts(view.state)) return undefined;
  const { info, state } = view;
  const address = advertised(info.inferenceAddress, input.advertiseAddress);
  return {
    ...terms,
    ...(address === '' ? {} : { address }),
    runtimeVersion: info.runtimeVersion,
    gpus: info.gpus.map((gpu) => gpuStatus(gpu, state)),
    conditions: [ready()],
  };
}

/** Utilizations move all the time and are figures; everything else is what placements rest on. */
export function gpuNodeChange(object: StoredGpuNode | undefined, statement: GpuNodeStatement): Change {
  const present = object?.status;
  const known = findCondition(present?.conditions, 'Ready');
  const { conditions, ...rest } = statement;
  const { conditions: _conditions, ...presentRest } = present ?? {};
  const turned =
    !sameState(conditions[0], known) || !isDeepStrictEqual(withoutFigures(rest), withoutFigures(presentRest));
  if (turned) return 'transition';
  return isDeepStrictEqual(rest, presentRest) && conditions[0].message === known?.message ? 'none' : 'figures';
}

/** `host:port` with its host replaced; an IPv6 host gets its brackets. */
export function advertised(inferenceAddress: string, host: string | undefined): string {
  if (host === undefined) return inferenceAddress;
  const port = /:(\d+)$/.exec(inferenceAddress)?.[1];
  if (port === undefined) return '';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

function ready(): ConditionState {
  return { type: 'Ready', status: 'True', reason: 'Serving', message: 'the runtime answers and takes tasks' };
}

function notReady(reason: string, message: string): ConditionState {
  return { type: 'Ready', status: 'False', reason, message };
}

/** What the runtime said before it went away: placements are kept against it until the operator decides otherwise. */
function lastKnown(present: GpuNodeStatus | undefined): Omit<GpuNodeStatus, 'conditions'> {
  const { address, runtimeVersion, gpus } = present ?? {};
  return {
    ...(address === undefined ? {} : { address }),
    ...(runtimeVersion === undefined ? {} : { runtimeVersion }),
    ...(gpus === undefined ? {} : { gpus }),
  };
}

function hasContexts(state: ObservedState): boolean {
  return state.gpus.some((gpu) => gpu.contexts.length > 0);
}

type GpuStatus = NonNullable<GpuNodeStatus['gpus']>[number];
type ContextStatus = NonNullable<GpuStatus['contexts']>[number];

function gpuStatus(gpu: Gpu, state: ObservedState): GpuStatus {
  const contexts = state.gpus.find((observed) => observed.uuid === gpu.uuid)?.contexts ?? [];
  const { uuid, product, sms, memoryBytes, engine, engineVersion } = gpu;
  return {
    uuid,
    product,
    sms,
    memoryBytes,
    engine,
    ...(engineVersion === '' ? {} : { engineVersion }),
    contexts: contexts.map(contextStatus).sort((a, b) => a.index - b.index),
  };
}

function contextStatus(context: ObservedContext): ContextStatus {
  return {
    index: context.index,
    sms: context.sms,
    streams: context.streams,
    highUtilization: formatE9(context.highUtilizationE9),
    lowUtilization: formatE9(context.lowUtilizationE9),
    activeUtilization: formatE9(context.activeUtilizationE9),
  };
}

function withoutFigures(status: Omit<GpuNodeStatus, 'conditions'>): object {
  const gpus = status.gpus?.map((gpu) => ({
    ...gpu,
    contexts: gpu.contexts?.map(({ index, sms, streams }) => ({ index, sms, streams })),
  }));
  return { ...status, gpus };
}
