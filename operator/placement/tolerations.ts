// Labels, taints and tolerations, as the scheduler of Kubernetes reads them.
import { runsCompiledCode } from '../../api/profiles.ts';
import { compareText } from './order.ts';
import type { Taint, Toleration } from './terms.ts';

/** Taints by which the control plane tells of a node's life; the agent's Lease tells that here. */
const lifecyclePrefix = 'node.kubernetes.io/';

/** What decides which nodes and which of their GPUs a task may use, whatever is booked there, as one text. */
export function gpuClassOf(task: {
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  readonly namespace: string;
  /** Of its package; absent: not known. */
  readonly engines?: readonly string[] | undefined;
}): string {
  const { nodeSelector, tolerations, namespace, engines } = task;
  const labels = Object.entries(nodeSelector).sort(([a], [b]) => compareText(a, b));
  // Policies list namespaces for compiled code; for all other packages any namespace is as good.
  const bound = engines === undefined || engines.some(runsCompiledCode) ? [namespace] : [];
  return JSON.stringify([labels, tolerations, engines, ...bound]);
}

export function missingLabels(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): string[] {
  return Object.keys(selector).filter((key) => labels[key] !== selector[key]);
}

/** The first taint with one of the effects that nothing tolerates. */
export function untoleratedTaint(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly string[],
): Taint | undefined {
  return taints.find(
    (taint) =>
      effects.includes(taint.effect) &&
      !taint.key.startsWith(lifecyclePrefix) &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return key !== '' && value === (taint.value ?? '');
}

export function formatTaint(taint: Taint): string {
  const value = taint.value === undefined || taint.value === '' ? '' : `=${taint.value}`;
  return `${taint.key}${value}:${taint.effect}`;
}
