// Which policy a node is to follow, and with which terms. Pure.
import { builtInPolicy, type GpuSchedulingPolicy } from '../../../api/resources.ts';
import { compareText } from '../../placement/order.ts';
import { missingLabels } from '../../placement/tolerations.ts';
import type { NodePolicy, StoredPolicy } from '../../resources.ts';

export type Labels = Readonly<Record<string, string>>;

/** The policies that select a node with these labels, in order of their names. */
export function matching<T extends GpuSchedulingPolicy>(policies: readonly T[], labels: Labels): T[] {
  return policies
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ spec }) => missingLabels(spec.nodeSelector ?? {}, labels).length === 0)
    .sort((a, b) => compareText(a.metadata.name ?? '', b.metadata.name ?? ''));
}

/**
 * One match: its terms. None: the built-in default. More: neither; what is in force stays, since to change it would
 * drain every context for the sake of a mistake.
 */
export function followedPolicy(matches: readonly StoredPolicy[], present: NodePolicy | undefined): NodePolicy {
  const [only, second] = matches;
  if (only === undefined) return { name: builtInPolicy };
  return second === undefined ? termsOf(only) : (present ?? { name: builtInPolicy });
}

/** What the node obeys; the selector and the quotas are the operator's own. */
function termsOf({ metadata, spec }: StoredPolicy): NodePolicy {
  const { nodeSelector: _selector, highPriorityQuotas: _quotas, partitioning, ...rest } = spec;
  const terms = {
    name: metadata.name,
    ...(metadata.generation === undefined ? {} : { generation: metadata.generation }),
    ...(partitioning === undefined ? {} : { partitioning }),
    ...rest,
  };
  // The schema of the policy admits no other values than the type here does.
  return terms as NodePolicy;
}

export function conflictWords(node: string, matches: readonly StoredPolicy[]): string {
  const names = matches.map(({ metadata }) => metadata.name).join(' and ');
  return `node ${node} is selected by the policies ${names}: none of them is applied there; narrow a nodeSelector`;
}
