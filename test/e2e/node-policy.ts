// The policy of the demo's nodes: chosen as a user chooses it, by a label of the Node; read where a user reads it, in the
// GpuNode.
import { findCondition } from '../../api/conditions.ts';
import type { GpuNode } from '../../api/resources.ts';
import { waitFor } from '../control-plane/wait.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { Stack } from './stack.ts';

const label = 'daris.dev/policy';

/** Labels nodes for a policy, or takes the label away. */
export async function labelNodes(
  stack: Stack,
  nodes: readonly ClusterNode[],
  policy: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const change = policy === undefined ? `${label}-` : `${label}=${policy}`;
  const names = nodes.map(({ name }) => name);
  await stack.cluster.kubectl(['label', 'node', ...names, '--overwrite', change], { signal });
}

/** A node's GpuNode once its agent says that this policy, and this generation of it if one is given, is in force. */
export function policyInForce(
  stack: Pick<Stack, 'cluster'>,
  node: Pick<ClusterNode, 'name'>,
  wanted: { readonly name: string; readonly generation?: number },
  signal: AbortSignal,
): Promise<GpuNode> {
  const what = `policy ${wanted.name} to be in force on ${node.name}`;
  const probe = async (): Promise<GpuNode> => {
    const args = ['get', 'gpunode', node.name, '-o', 'json'];
    const gpuNode = JSON.parse(await stack.cluster.kubectl(args, { signal })) as GpuNode;
    const { observedPolicy, appliedPolicy, conditions } = gpuNode.status ?? {};
    const said = findCondition(conditions, 'PolicyApplied');
    const { name, generation = observedPolicy?.generation } = wanted;
    const speaks = observedPolicy?.name === name && observedPolicy.generation === generation;
    if (speaks && appliedPolicy?.name === name && said?.status === 'True') return gpuNode;
    throw new Error(`${appliedPolicy?.name} is in force; PolicyApplied=${said?.status}: ${said?.message}`);
  };
  return waitFor(probe, { what, timeoutMs: 60_000, intervalMs: 300, signal });
}

/** `1 × 2`: contexts × streams of each, as the GpuNode shows them. */
export function layoutOf({ status }: GpuNode): string {
  const contexts = (status?.gpus ?? []).flatMap((gpu) => gpu.contexts ?? []);
  return `${contexts.length} × ${[...new Set(contexts.map(({ streams }) => streams))].join('/')}`;
}
