// The operator's share of a model's status: who inspects it, and what follows from the inspection. Pure.
import { createHash } from 'node:crypto';

import type { ConditionState } from '../../../api/conditions.ts';
import type { PlacementNode } from '../../placement/terms.ts';
import { modelState, type ModelState } from '../../model-state.ts';
import type { StoredModel } from '../../resources.ts';

export interface ModelDecision {
  readonly observedGeneration: number;
  readonly inspector?: { readonly node: string };
  readonly conditions: readonly ConditionState[];
}

/** Conditions of a model that the operator owns. */
export const ownedModelConditions: readonly string[] = ['Ready', 'Reconciling', 'Stalled'];

type State = Omit<ConditionState, 'type' | 'observedGeneration'>;

export function decideModel(model: StoredModel, nodes: readonly PlacementNode[]): ModelDecision {
  const observedGeneration = model.metadata.generation ?? 0;
  const node = inspectorOf(model, nodes);
  const states = statesOf(modelState(model), node, nodes);
  return {
    observedGeneration,
    ...(node === undefined ? {} : { inspector: { node } }),
    conditions: Object.entries(states).map(([type, state]) => ({ type, ...state, observedGeneration })),
  };
}

/** The present one while it lives, or while there is nothing to do; else one of those that are ready. */
function inspectorOf(model: StoredModel, nodes: readonly PlacementNode[]): string | undefined {
  const present = model.status?.inspector?.node;
  const lives = nodes.some(({ name, state }) => name === present && state !== 'Lost');
  if (present !== undefined && (lives || modelState(model).kind === 'Ready')) return present;
  const ready = nodes.filter(({ state }) => state === 'Ready').map(({ name }) => name);
  return ready.length === 0 ? present : spread(model.metadata.uid, ready);
}

/** Highest hash of both names: models spread over the nodes, and nodes that come or go move few of them. */
function spread(uid: string, names: readonly string[]): string | undefined {
  const weight = (name: string): string => createHash('sha256').update(`${uid}/${name}`).digest('hex');
  return names
    .map((name) => ({ name, by: weight(name) }))
    .sort((a, b) => (a.by < b.by ? 1 : -1))
    .at(0)?.name;
}

function statesOf(
  state: ModelState,
  inspector: string | undefined,
  nodes: readonly PlacementNode[],
): Record<string, State> {
  if (state.kind === 'Ready') return { Ready: { status: 'True', reason: 'Inspected', message: state.message } };
  if (state.kind === 'Failed') return failed(state.reason, state.message);
  const known = nodes.find(({ name }) => name === inspector);
  if (inspector === undefined) return waiting('NoNode', 'no node is Ready, so none can open the package');
  if (known?.state === 'Ready') return waiting('Inspecting', `node ${inspector} opens the package`);
  const why = known === undefined ? 'there is no GpuNode of this name any more' : known.message;
  return waiting('InspectorNotReady', `node ${inspector} was to open the package, but is not ready: ${why}`);
}

function waiting(reason: string, message: string): Record<string, State> {
  return { Ready: { status: 'False', reason, message }, Reconciling: { status: 'True', reason, message } };
}

/** Nothing is tried again before the model changes. */
function failed(reason: string, message: string): Record<string, State> {
  return { Ready: { status: 'False', reason, message }, Stalled: { status: 'True', reason, message } };
}
