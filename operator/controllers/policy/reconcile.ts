// Brings the operator's share of one GpuNode's status, or one policy's status, to what was decided.
import { isDeepStrictEqual } from 'node:util';

import { withTransitionTimes } from '../../../api/conditions.ts';
import type { GpuNode, GpuSchedulingPolicy } from '../../../api/resources.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { done, type Outcome } from '../../../kube/controller.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import type { ReadableStore } from '../../../kube/store.ts';
import type { Latest } from '../../latest.ts';
import type { OperatorMetrics } from '../../metrics.ts';
import { compareText } from '../../placement/order.ts';
import { gpuNodesResource, policiesResource, type Node, type StoredPolicy } from '../../resources.ts';
import { writeStatus } from '../status.ts';
import { decideGpuNode, decidePolicy, ownedNodeConditions, type LabelledNode } from './decide.ts';
import { policyEvent } from './events.ts';

export interface PolicyReconcilerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly policies: Latest<GpuSchedulingPolicy>;
  readonly gpuNodes: Latest<GpuNode>;
  readonly nodes: ReadableStore<Node>;
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
}

export async function reconcileGpuNode(
  options: PolicyReconcilerOptions,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { gpuNodes, policies, clock } = options;
  const gpuNode = gpuNodes.get(key);
  const node = options.nodes.get(key);
  // Without its Node nothing is known of its labels: what was decided stays.
  if (gpuNode === undefined || node === undefined || gpuNode.metadata.deletionTimestamp !== undefined) return done;
  const decision = decideGpuNode({ gpuNode, labels: node.metadata?.labels ?? {} }, policies.list());
  const present = gpuNode.status?.conditions;
  const wanted = {
    policy: decision.policy,
    conditions: withTransitionTimes(decision.conditions, present, clock.now()),
  };
  const owned = {
    policy: gpuNode.status?.policy,
    conditions: (present ?? []).filter(({ type }) => ownedNodeConditions.includes(type)),
  };
  if (isDeepStrictEqual(wanted, owned)) return done;
  return writeStatus(options, {
    resource: gpuNodesResource,
    latest: gpuNodes,
    object: gpuNode,
    status: wanted,
    signal,
  });
}

export async function reconcilePolicy(
  options: PolicyReconcilerOptions,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { policies, clock } = options;
  const policy = policies.get(key);
  if (policy === undefined || policy.metadata.deletionTimestamp !== undefined) return done;
  const { conditions, ...rest } = decidePolicy(policy, policies.list(), labelledNodes(options));
  const before = policy.status?.conditions;
  const status = { ...rest, conditions: withTransitionTimes(conditions, before, clock.now()) };
  if (isDeepStrictEqual(status, shown(policy, status))) return done;
  const written = (after: StoredPolicy): void => {
    const event = policyEvent(policy, after);
    if (event !== undefined) options.events.record(event);
  };
  return writeStatus(options, {
    resource: policiesResource,
    latest: policies,
    object: policy,
    status,
    signal,
    written,
  });
}

function labelledNodes({ gpuNodes, nodes }: PolicyReconcilerOptions): LabelledNode[] {
  return gpuNodes
    .list()
    .sort((a, b) => compareText(a.metadata.name, b.metadata.name))
    .flatMap((gpuNode) => {
      const node = nodes.get(gpuNode.metadata.name);
      return node === undefined ? [] : [{ gpuNode, labels: node.metadata?.labels ?? {} }];
    });
}

/** The status as it is, its conditions in the order of those wanted: the server's order says nothing. */
function shown({ status }: StoredPolicy, wanted: { conditions: readonly { type: string }[] }): object {
  const order = wanted.conditions.map(({ type }) => type);
  const conditions = (status?.conditions ?? []).toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
  return { ...status, conditions };
}
