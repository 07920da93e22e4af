// The operator's share of a model's status: who inspects it, and what follows from the inspection. Pure.
import { createHash } from 'node:crypto';

import type { ConditionState } from '../../../api/conditions.ts';
import { runsCompiledCode } from '../../../api/profiles.ts';
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
  const state = modelState(model);
  // The word of an inspector that may not open it is no word on the package, once somebody may.
  const open = isRefusedThere(state) && suited(model, nodes).some(({ name }) => name === node);
  const states = statesOf(open ? inspecting : state, node, nodes);
  return {
    observedGeneration,
    ...(node === undefined ? {} : { inspector: { node } }),
    conditions: Object.entries(states).map(([type, each]) => ({ type, ...each, observedGeneration })),
  };
}

const inspecting: ModelState = { kind: 'Pending', reason: 'Inspecting', message: 'its inspector opens the package' };

/** It lacks the engine or the architecture, or runs compiled code of listed namespaces alone. */
function isRefusedThere(state: ModelState): boolean {
  return state.kind === 'Failed' && ['NoArtifacts', wrongBuild, 'CompiledCodeNotAllowed'].includes(state.reason);
}

/** Its compiled code is of another GPU or another version of the framework. */
const wrongBuild = 'WrongBuild';

/** Ready nodes with an engine that the package has artifacts for, as far as that is known, and that may open it. */
function suited(model: StoredModel, nodes: readonly PlacementNode[]): readonly PlacementNode[] {
  return withEngine(model, nodes).filter((node) => mayOpen(node, model));
}

/** Where it runs compiled code, its policy must list the namespace, and no other have found that code to be wrong. */
function mayOpen({ gpus, codeNamespaces }: PlacementNode, model: StoredModel): boolean {
  if (!gpus.some(({ engine }) => runsCompiledCode(engine))) return true;
  const state = modelState(model);
  const wrong = state.kind === 'Failed' && state.reason === wrongBuild;
  return !wrong && codeNamespaces?.has(model.metadata.namespace ?? '') === true;
}

function withEngine(model: StoredModel, nodes: readonly PlacementNode[]): readonly PlacementNode[] {
  const ready = nodes.filter(({ state }) => state === 'Ready');
  const found = model.status?.package;
  const engines = found?.digest === model.spec.source.digest ? (found.engines ?? []) : [];
  if (engines.length === 0) return ready;
  return ready.filter(({ gpus }) => gpus.some(({ engine }) => engines.includes(engine)));
}

/**
 * The present one while it lives, or while there is nothing to do, unless it refuses what others may open; else one of
 * those that are ready. Where none may, one is asked all the same, and refuses in words.
 */
function inspectorOf(model: StoredModel, nodes: readonly PlacementNode[]): string | undefined {
  const present = model.status?.inspector?.node;
  const state = modelState(model);
  const suiting = suited(model, nodes).map(({ name }) => name);
  const lives = nodes.some(({ name, state: is }) => name === present && is !== 'Lost');
  const another = isRefusedThere(state) && present !== undefined && !suiting.includes(present) && suiting.length > 0;
  if (present !== undefined && !another && (lives || state.kind === 'Ready')) return present;
  const among = suiting.length > 0 ? suiting : withEngine(model, nodes).map(({ name }) => name);
  return among.length === 0 ? present : spread(model.metadata.uid, among);
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
