// The operator's share of a task's status, from the task, its evaluation and the verdict of the last cycle. Pure.
import { findCondition, type ConditionState } from '../../../api/conditions.ts';
import { formatE9 } from '../../../api/utilization.ts';
import type { NodeView } from '../../nodes.ts';
import type { Verdict } from '../../placement/cycle.ts';
import { shareWords } from '../../placement/filters.ts';
import { profileFailed, profileReasons } from '../../placement/kinds.ts';
import { exactE9 } from '../../placement/words.ts';
import type { Effective, StoredTask, TaskEndpoint, TaskPlacement } from '../../resources.ts';
import type { Evaluation } from './evaluate.ts';

/** What is known of a task's Service. */
export interface EndpointFacts {
  /** DNS name and port that follow the task. */
  readonly service?: string;
  /** Why no Service can be had under the task's name. */
  readonly conflict?: string;
}

export interface DecisionInput {
  readonly task: StoredTask;
  readonly evaluation: Evaluation;
  /** Of the last cycle; only candidates have one. */
  readonly verdict: Verdict | undefined;
  /** The node of the verdict's place. */
  readonly node: NodeView | undefined;
  readonly endpoint: EndpointFacts;
  /** Transitions of the operator's Lease. */
  readonly leaderTransitions: number;
}

export interface TaskDecision {
  readonly observedGeneration: number;
  readonly effective?: Effective;
  readonly placement?: TaskPlacement;
  readonly endpoint: TaskEndpoint;
  readonly conditions: readonly ConditionState[];
}

/** Conditions of a task that the operator owns. */
export const ownedConditions: readonly string[] = [
  'ModelReady',
  'Placed',
  'Ready',
  'Reconciling',
  'Stalled',
  'EndpointConflict',
];

type State = Omit<ConditionState, 'type' | 'observedGeneration'>;

export function decideTask(input: DecisionInput): TaskDecision {
  const { task, evaluation, verdict } = input;
  const observedGeneration = task.metadata.generation ?? 0;
  const effective = evaluation.kind === 'Candidate' ? evaluation.effective : undefined;
  const placement =
    verdict?.kind === 'Placed' && effective !== undefined ? placementOf(input, verdict, effective) : undefined;
  const states = statesOf(input, placement);
  return {
    observedGeneration,
    ...(effective === undefined ? {} : { effective }),
    ...(placement === undefined ? {} : { placement }),
    endpoint: endpointOf(input, placement),
    conditions: Object.entries(states).map(([type, state]) => ({ type, ...state, observedGeneration })),
  };
}

function placementOf(
  input: DecisionInput,
  verdict: Extract<Verdict, { kind: 'Placed' }>,
  effective: Effective,
): TaskPlacement {
  const { place, gpuProduct, utilizationE9, capacity, stageAfetUs } = verdict;
  const together = capacity === undefined ? {} : { capacity };
  const bookedUtilization = exactE9(utilizationE9);
  const before = input.task.status?.placement;
  if (before !== undefined && samePlace(before, place) && sameModel(input.task, effective)) {
    const { stageAfetUs: former, capacity: _former, ...kept } = before;
    const stages = stageAfetUs ?? (sameBatch(input.task, effective) ? former : undefined);
    return { ...kept, gpuProduct, bookedUtilization, ...together, ...withStages(stages) };
  }
  const { leaderTransitions, task } = input;
  const stages = withStages(stageAfetUs);
  return { ...place, gpuProduct, epoch: nextEpoch(task), bookedUtilization, ...together, ...stages, leaderTransitions };
}

function samePlace(before: TaskPlacement, place: { node: string; gpu: string; context: number }): boolean {
  return before.node === place.node && before.gpu === place.gpu && before.context === place.context;
}

function sameModel(task: StoredTask, effective: Effective): boolean {
  return task.status?.effective?.model.digest === effective.model.digest;
}

function sameBatch(task: StoredTask, effective: Effective): boolean {
  return task.status?.effective?.batchSize === effective.batchSize;
}

function withStages(stageAfetUs: readonly number[] | undefined): Pick<TaskPlacement, 'stageAfetUs'> {
  return stageAfetUs === undefined ? {} : { stageAfetUs: [...stageAfetUs] };
}

/** Greater than any that this task had, also where its placement was taken away in between. */
function nextEpoch({ status }: StoredTask): number {
  return Math.max(status?.placement?.epoch ?? 0, status?.runtime?.epoch ?? 0) + 1;
}

function endpointOf(input: DecisionInput, placement: TaskPlacement | undefined): TaskEndpoint {
  const { name, namespace = '' } = input.task.metadata;
  const address = placement === undefined ? undefined : input.node?.addressOf(placement.gpu);
  const { service } = input.endpoint;
  return {
    model: `${name}.${namespace}`,
    ...(address === undefined || address === '' ? {} : { address }),
    ...(service === undefined ? {} : { service }),
  };
}

function statesOf(input: DecisionInput, placement: TaskPlacement | undefined): Record<string, State> {
  const { evaluation, endpoint } = input;
  const states: Record<string, State> = {
    ...(evaluation.kind === 'Invalid' ? {} : { ModelReady: modelReady(evaluation, input.verdict) }),
    ...placedStates(input, placement),
  };
  if (endpoint.conflict === undefined) return states;
  return { ...states, EndpointConflict: { status: 'True', reason: 'ServiceExists', message: endpoint.conflict } };
}

/** A model is ready for a task once it is known what it takes on some GPU that the task may use. */
function modelReady({ model }: Exclude<Evaluation, { kind: 'Invalid' }>, verdict: Verdict | undefined): State {
  if (verdict?.kind === 'Refused' && profileReasons.includes(verdict.reason)) {
    return { status: 'False', reason: verdict.reason, message: verdict.message };
  }
  return { status: model.ready ? 'True' : 'False', reason: model.reason, message: model.message };
}

function placedStates(input: DecisionInput, placement: TaskPlacement | undefined): Record<string, State> {
  const { evaluation, verdict } = input;
  if (evaluation.kind === 'Invalid') return stalled('InvalidSpec', evaluation.message);
  if (evaluation.kind !== 'Candidate' && evaluation.suspended) return suspended(`would not fit: ${whyNot(evaluation)}`);
  if (evaluation.kind === 'BatchNotInPackage') return stalled('BatchNotInPackage', evaluation.message);
  if (evaluation.kind === 'Waiting') return waiting(evaluation.model.reason, evaluation.model.message);
  if (verdict === undefined) return waiting('Pending', 'the next placement cycle decides');
  if (verdict.kind === 'Suspended') return suspended(verdict.message);
  if (verdict.kind === 'Refused') {
    const hopeless = verdict.never || verdict.reason === profileFailed;
    return (hopeless ? stalled : waiting)(verdict.reason, verdict.message);
  }
  return { Placed: placedState(verdict), ...servingStates(input, placement) };
}

function whyNot(evaluation: Extract<Evaluation, { kind: 'Waiting' | 'BatchNotInPackage' }>): string {
  return evaluation.kind === 'Waiting' ? evaluation.model.message : evaluation.message;
}

function stalled(reason: string, message: string): Record<string, State> {
  const no: State = { status: 'False', reason, message };
  return { Placed: no, Ready: no, Stalled: { status: 'True', reason, message } };
}

function waiting(reason: string, message: string): Record<string, State> {
  const no: State = { status: 'False', reason, message };
  return { Placed: no, Ready: no, Reconciling: { status: 'True', reason, message } };
}

function suspended(message: string): Record<string, State> {
  return {
    Placed: { status: 'False', reason: 'Suspended', message },
    Ready: { status: 'True', reason: 'Suspended', message: 'suspended by spec.suspend; it runs nowhere' },
  };
}

function placedState({ place, utilizationE9, capacity }: Extract<Verdict, { kind: 'Placed' }>): State {
  const where = `context ${place.context} of ${place.gpu} of node ${place.node}`;
  const booked =
    capacity === undefined ? `utilization ${formatE9(utilizationE9)}` : shareWords({ utilizationE9, jobs: capacity });
  return { status: 'True', reason: 'Placed', message: `${where}, ${booked}` };
}

function servingStates(input: DecisionInput, placement: TaskPlacement | undefined): Record<string, State> {
  const ready = readyState(input, placement);
  if (ready.status === 'True') return { Ready: ready };
  return { Ready: ready, Reconciling: { status: 'True', reason: ready.reason, message: ready.message } };
}

function readyState({ task, evaluation, node }: DecisionInput, placement: TaskPlacement | undefined): State {
  if (evaluation.kind !== 'Candidate' || placement === undefined) {
    throw new Error('only a candidate with a place can serve');
  }
  const { model, effective } = evaluation;
  if (node?.placement.state === 'Lost') {
    const message = `Serving is Unknown (NodeLost): node ${placement.node}: ${node.placement.message}`;
    return { status: 'Unknown', reason: 'NodeLost', message };
  }
  if (!model.ready) return { status: 'False', reason: model.reason, message: model.message };
  const generation = task.metadata.generation ?? 0;
  if (effective.generation !== generation) {
    return { status: 'False', reason: model.reason, message: `terms of generation ${effective.generation} in force` };
  }
  return servedState(task, effective, placement);
}

/** What the agent says, where it speaks of this very epoch and of these terms. */
function servedState(task: StoredTask, effective: Effective, placement: TaskPlacement): State {
  const { node, epoch } = placement;
  const serving = findCondition(task.status?.conditions, 'Serving');
  const current = serving?.observedGeneration === effective.generation && task.status?.runtime?.epoch === epoch;
  if (serving === undefined || !current) {
    return { status: 'False', reason: 'Starting', message: `node ${node} has not reported on epoch ${epoch} yet` };
  }
  if (serving.status === 'True') return { status: 'True', reason: 'Serving', message: `served by node ${node}` };
  return { status: 'False', reason: serving.reason, message: `node ${node}: ${serving.message}` };
}
