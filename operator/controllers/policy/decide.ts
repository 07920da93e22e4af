// The operator's share of a GpuNode's status, and a policy's status, from the policies, the nodes and what the agents say
// of them. Pure.
import { findCondition, type ConditionState } from '../../../api/conditions.ts';
import type { GpuNodeStatus, NodePolicy, StoredGpuNode, StoredPolicy } from '../../resources.ts';
import { conflictWords, followedPolicy, matching, type Labels } from './match.ts';

export interface LabelledNode {
  readonly gpuNode: StoredGpuNode;
  /** Of its Node. */
  readonly labels: Labels;
}

export interface GpuNodeDecision {
  readonly policy: NodePolicy;
  readonly conditions: readonly ConditionState[];
}

export interface PolicyDecision {
  readonly observedGeneration: number;
  readonly matchedNodes: number;
  readonly appliedNodes: number;
  readonly nodes: readonly string[];
  readonly conditions: readonly ConditionState[];
}

/** Conditions of a GpuNode that the operator owns. */
export const ownedNodeConditions: readonly string[] = ['Stalled'];

const conflictReason = 'PolicyConflict';
const namedNodes = 32;

export function decideGpuNode({ gpuNode, labels }: LabelledNode, policies: readonly StoredPolicy[]): GpuNodeDecision {
  const matches = matching(policies, labels);
  const policy = followedPolicy(matches, gpuNode.status?.policy);
  if (matches.length < 2) return { policy, conditions: [] };
  const message = `${conflictWords(gpuNode.metadata.name, matches)}; policy ${policy.name} stays in force`;
  return { policy, conditions: [{ type: 'Stalled', status: 'True', reason: conflictReason, message }] };
}

/** `nodes`: all there are, in order of their names. */
export function decidePolicy(
  policy: StoredPolicy,
  policies: readonly StoredPolicy[],
  nodes: readonly LabelledNode[],
): PolicyDecision {
  const observedGeneration = policy.metadata.generation ?? 0;
  const matched = nodes.filter(({ labels }) => matching([policy], labels).length > 0);
  const outcomes = matched.map((node) => outcomeOf(node, policy, policies));
  return {
    observedGeneration,
    matchedNodes: matched.length,
    appliedNodes: outcomes.filter(({ kind }) => kind === 'Applied').length,
    nodes: matched.slice(0, namedNodes).map(({ gpuNode }) => gpuNode.metadata.name),
    conditions: conditionsOf(outcomes).map((state) => ({ ...state, observedGeneration })),
  };
}

interface Outcome {
  readonly kind: 'Applied' | 'Pending' | 'Stalled';
  readonly reason: string;
  readonly message: string;
}

function outcomeOf(
  { gpuNode, labels }: LabelledNode,
  policy: StoredPolicy,
  policies: readonly StoredPolicy[],
): Outcome {
  const { name } = gpuNode.metadata;
  const matches = matching(policies, labels);
  if (matches.length > 1) return { kind: 'Stalled', reason: conflictReason, message: conflictWords(name, matches) };
  const said = answerTo(policy, gpuNode.status);
  if (said === undefined) {
    const message = `node ${name} has not applied generation ${policy.metadata.generation} yet`;
    return { kind: 'Pending', reason: 'Applying', message };
  }
  if (said.status === 'True') return { kind: 'Applied', reason: 'Applied', message: `in force on node ${name}` };
  return { kind: 'Stalled', reason: said.reason, message: `node ${name}: ${said.message}` };
}

/** The agent's word on this very generation. */
function answerTo({ metadata }: StoredPolicy, status: GpuNodeStatus | undefined): ConditionState | undefined {
  const observed = status?.observedPolicy;
  const speaks = observed?.name === metadata.name && observed.generation === metadata.generation;
  return speaks ? findCondition(status?.conditions, 'PolicyApplied') : undefined;
}

type State = Omit<ConditionState, 'observedGeneration'>;

function conditionsOf(outcomes: readonly Outcome[]): State[] {
  const stalled = outcomes.filter(({ kind }) => kind === 'Stalled');
  if (stalled.length > 0) return unready('Stalled', stalled);
  const pending = outcomes.filter(({ kind }) => kind === 'Pending');
  if (pending.length > 0) return unready('Reconciling', pending);
  if (outcomes.length === 0) {
    const message = 'no node has the labels of its nodeSelector and an agent; it is applied as soon as one does';
    return [{ type: 'Ready', status: 'True', reason: 'NoNode', message }];
  }
  const message = `in force on ${outcomes.length} ${outcomes.length === 1 ? 'node' : 'nodes'}`;
  return [{ type: 'Ready', status: 'True', reason: 'Applied', message }];
}

/** Speaks of the first of them. */
function unready(type: 'Stalled' | 'Reconciling', outcomes: readonly Outcome[]): State[] {
  const [first] = outcomes;
  if (first === undefined) return [];
  const more = outcomes.length - 1;
  const message = more === 0 ? first.message : `${first.message}; and so ${more} ${more === 1 ? 'node' : 'nodes'} more`;
  const { reason } = first;
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type, status: 'True', reason, message },
  ];
}
