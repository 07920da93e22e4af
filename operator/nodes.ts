// What the operator makes of a node: whether it takes tasks, and why not. Joins Node, GpuNode and the agent's Lease.
import { findCondition } from '../api/conditions.ts';
import { gpuKind, gpuKindKey, type GpuKind } from '../api/profiles.ts';
import type { GpuNode, GpuSchedulingPolicy } from '../api/resources.ts';
import { parseE9, wholeE9 } from '../api/utilization.ts';
import type { ReadableStore } from '../kube/store.ts';
import type { Node } from './resources.ts';
import type { NodeState, PlacementGpu, PlacementNode, Quotas, Refusal } from './placement/terms.ts';

/** By the built-in policy, where a node names no limit of its own. */
const defaultHighLimitE9 = 0.75 * wholeE9;

export interface NodeView {
  readonly placement: PlacementNode;
  /** host:port at which requests reach the runtime of a GPU (UUID). */
  readonly addressOf: (gpu: string) => string | undefined;
  /** What its GPUs are, by the key that `placement` names them by. */
  readonly kinds: ReadonlyMap<string, GpuKind>;
}

export interface Liveness {
  /** Undefined while the agent lives; otherwise how it is known that it does not. */
  lost(node: string): string | undefined;
}

export interface NodeSources {
  readonly gpuNodes: ReadableStore<GpuNode>;
  readonly nodes: ReadableStore<Node>;
  readonly policies: ReadableStore<GpuSchedulingPolicy>;
  readonly liveness: Liveness;
}

export class Nodes {
  readonly #gpuNodes: ReadableStore<GpuNode>;
  readonly #nodes: ReadableStore<Node>;
  readonly #policies: ReadableStore<GpuSchedulingPolicy>;
  readonly #liveness: Liveness;

  constructor({ gpuNodes, nodes, policies, liveness }: NodeSources) {
    this.#gpuNodes = gpuNodes;
    this.#nodes = nodes;
    this.#policies = policies;
    this.#liveness = liveness;
  }

  get(name: string): NodeView | undefined {
    const gpuNode = this.#gpuNodes.get(name);
    if (gpuNode === undefined) return undefined;
    const policy = this.#policies.get(gpuNode.status?.policy?.name ?? '');
    return viewNode({ gpuNode, node: this.#nodes.get(name), policy, lost: this.#liveness.lost(name) });
  }

  list(): NodeView[] {
    return this.#gpuNodes.keys().flatMap((name) => this.get(name) ?? []);
  }
}

export interface NodeFacts {
  readonly gpuNode: GpuNode;
  readonly node: Node | undefined;
  /** The one that it is to follow; undefined: the built-in default. */
  readonly policy?: GpuSchedulingPolicy | undefined;
  readonly lost: string | undefined;
}

export function viewNode(facts: NodeFacts): NodeView {
  const { gpuNode, node } = facts;
  const limit = highLimit(gpuNode);
  const [state, message] = typeof limit === 'string' ? (['NotReady', limit] as const) : stateOf(facts);
  const gpus = (gpuNode.status?.gpus ?? []).map((gpu) => ({
    gpu,
    kind: gpuKind(gpu, gpuNode.status?.appliedPolicy?.mode),
  }));
  const kinds = gpus.flatMap(({ kind }) => (kind === undefined ? [] : [kind]));
  return {
    addressOf: (uuid) => gpus.find(({ gpu }) => gpu.uuid === uuid)?.gpu.address ?? gpuNode.status?.address,
    kinds: new Map(kinds.map((kind) => [gpuKindKey(kind), kind])),
    placement: {
      name: gpuNode.metadata.name ?? '',
      state,
      message,
      labels: node?.metadata?.labels ?? {},
      taints: node?.spec?.taints ?? [],
      highLimitE9: typeof limit === 'string' ? 0 : limit,
      ...codeOf(gpuNode),
      ...quotasOf(facts.policy),
      gpus: gpus.map(({ gpu, kind }) => ({ ...placementGpu(gpu, kind), ...joinsOf(gpuNode, kinds) })),
    },
  };
}

function stateOf({ gpuNode, node, lost }: NodeFacts): readonly [NodeState, string] {
  if (node === undefined) return ['Lost', 'there is a GpuNode of this name but no Node'];
  if (lost !== undefined) return ['Lost', lost];
  if (node.metadata?.deletionTimestamp !== undefined) return ['NotReady', 'it is being deleted'];
  const ready = findCondition(gpuNode.status?.conditions, 'Ready');
  if (ready === undefined) return ['NotReady', 'its agent has not reported yet'];
  return ready.status === 'True' ? ['Ready', ready.message] : ['NotReady', ready.message];
}

/** In billionths, or what is wrong with it. */
function highLimit(gpuNode: GpuNode): number | string {
  const text = gpuNode.status?.highPriorityUtilizationLimit;
  if (text === undefined) return defaultHighLimitE9;
  try {
    const limit = parseE9(text);
    if (limit >= 0) return limit;
  } catch {
    // Said below, together with what is out of range.
  }
  return `its highPriorityUtilizationLimit "${text}" is not a decimal like 0.75`;
}

/** By the policy that it is to follow, as the operator has written it for the agent. */
function codeOf({ status }: GpuNode): Pick<PlacementNode, 'codeNamespaces' | 'policy'> {
  if (status?.policy === undefined) return {};
  const { name, compiledCode } = status.policy;
  return {
    policy: name,
    ...(compiledCode === undefined ? {} : { codeNamespaces: new Set(compiledCode.namespaces) }),
  };
}

/** By the policy in force. A runtime is told one set of times for all of its GPUs, so these must be of one kind. */
function joinsOf({ status }: GpuNode, kinds: readonly GpuKind[]): Pick<PlacementGpu, 'joins'> {
  const isOneKind = new Set(kinds.map(gpuKindKey)).size === 1;
  return status?.appliedPolicy?.joining === 'On' && isOneKind ? { joins: true } : {};
}

function quotasOf(policy: GpuSchedulingPolicy | undefined): { quotas?: Quotas } {
  const { highPriorityQuotas = [] } = policy?.spec ?? {};
  if (highPriorityQuotas.length === 0) return {};
  const limitsE9 = new Map(
    highPriorityQuotas.map(({ namespace, utilization }) => [namespace, parseE9(String(utilization))]),
  );
  return { quotas: { policy: policy?.metadata.name ?? '', limitsE9 } };
}

type Gpu = NonNullable<NonNullable<GpuNode['status']>['gpus']>[number];

/** What its agent says that keeps new work from it; a fault goes before company. */
function closedOf({ conditions }: Gpu): { closed?: Refusal } {
  const healthy = findCondition(conditions, 'Healthy');
  if (healthy?.status === 'False') return { closed: { reason: 'Unhealthy', message: healthy.message } };
  const shared = findCondition(conditions, 'ForeignSharing');
  if (shared?.status === 'True') return { closed: { reason: 'ForeignSharing', message: shared.message } };
  return {};
}

function placementGpu(gpu: Gpu, kind: GpuKind | undefined): PlacementGpu {
  const { uuid, product, engine, memoryBytes, contexts } = gpu;
  return {
    uuid,
    product,
    kind: kind === undefined ? '' : gpuKindKey(kind),
    engine,
    ...(memoryBytes > 0 ? { memoryBytes } : {}),
    ...closedOf(gpu),
    contexts: (contexts ?? []).filter(({ streams }) => streams > 0).map(({ index, streams }) => ({ index, streams })),
  };
}
