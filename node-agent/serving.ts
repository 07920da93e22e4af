// Condition Serving: whether the runtime serves a task under its present terms. Pure.
import type { Condition, ConditionState } from '../api/conditions.ts';
import { findCondition } from '../api/conditions.ts';
import { type ObservedTask, TaskPhase } from './native/gen/runtime.ts';
import { whyNoRuntime } from './native/node-state.ts';
import type { StoredTask } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';

/**
 * Undefined: nothing new can be said yet, because an Apply with the present terms is still on its way; what status
 * says stays, and the operator sees from epoch and observedGeneration that it speaks of older terms.
 */
export function servingCondition(
  task: StoredTask,
  view: RuntimeView,
  observed: ObservedTask | undefined,
): ConditionState | undefined {
  const placement = task.status?.placement;
  if (placement === undefined || view.kind === 'connecting') return undefined;
  if (view.kind === 'down')
    return unknown(task, `the runtime of node ${placement.node} does not answer: ${view.message}`);
  const why = whyNoRuntime(view.info, placement.gpu);
  if (why !== undefined) {
    return unknown(task, `the runtime of ${placement.gpu} of node ${placement.node} does not answer: ${why}`);
  }
  const terms = view.terms?.get(task.metadata.uid);
  if (terms === undefined || terms.epoch !== placement.epoch) return undefined;
  if (observed === undefined || observed.epoch !== terms.epoch) return undefined;
  return { type: 'Serving', ...phaseOf(observed, placement.gpu), observedGeneration: terms.generation };
}

/** A phase that this agent does not know, of a newer runtime, is Unknown too. */
function phaseOf(observed: ObservedTask, gpu: string): Pick<ConditionState, 'status' | 'reason' | 'message'> {
  const { phase, reason, message } = observed;
  if (phase === TaskPhase.TASK_PHASE_SERVING) {
    const remark = message === '' ? '' : `; ${message}`;
    return { status: 'True', reason: 'Serving', message: `jobs run on ${gpu}${remark}` };
  }
  if (phase === TaskPhase.TASK_PHASE_LOADING) {
    return { status: 'False', reason: 'Loading', message: 'the runtime loads the model' };
  }
  if (phase === TaskPhase.TASK_PHASE_REFUSED) {
    const words = message === '' ? 'the runtime refuses the task and says no more' : message;
    return { status: 'False', reason: conditionReason(reason, 'Refused'), message: words };
  }
  return { status: 'Unknown', reason: 'UnknownPhase', message: `the runtime reports phase ${phase}` };
}

function unknown(task: StoredTask, message: string): ConditionState {
  const generation = task.status?.effective?.generation;
  return {
    type: 'Serving',
    status: 'Unknown',
    reason: 'RuntimeUnavailable',
    message,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}

/** `reason` where it is what a condition's reason must be (CamelCase, no blanks), otherwise `fallback`. */
export function conditionReason(reason: string, fallback: string): string {
  return /^[A-Za-z]([A-Za-z0-9_,:]{0,126}[A-Za-z0-9_])?$/.test(reason) ? reason : fallback;
}

export function sameState(one: ConditionState | undefined, other: Condition | undefined): boolean {
  return (
    one?.status === other?.status &&
    one?.reason === other?.reason &&
    one?.observedGeneration === other?.observedGeneration
  );
}

export function presentCondition(task: StoredTask, type: string): Condition | undefined {
  return findCondition(task.status?.conditions, type);
}
