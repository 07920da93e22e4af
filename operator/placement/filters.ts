// What keeps a task from a node or from a context. Each filter is pure: a test, and the refusal in words for one target.
import { formatDurationUs } from '../../api/durations.ts';
import { runsCompiledCode } from '../../api/profiles.ts';
import { builtInPolicy } from '../../api/resources.ts';
import { formatE9 } from '../../api/utilization.ts';
import type { ContextState } from './context-state.ts';
import type { Exceeded, Outlook, Share } from './joining-book.ts';
import type { PlacementGpu, PlacementNode, PlacementTask, Refusal } from './terms.ts';
import { formatTaint, missingLabels, untoleratedTaint } from './tolerations.ts';
import { formatBytes, formatSum } from './words.ts';

export interface Filter<Target> {
  readonly reason: string;
  passes(task: PlacementTask, target: Target): boolean;
  /** Of a target that does not pass. */
  words(task: PlacementTask, target: Target): string;
}

/** A GPU, or a context of it: the same to those filters that ask for nothing else. */
export interface OnGpu {
  readonly node: PlacementNode;
  readonly gpu: PlacementGpu;
}

export const nodeReady: Filter<PlacementNode> = {
  reason: 'NoNode',
  passes: (_task, node) => node.state === 'Ready',
  words: (_task, node) => `node ${node.name}: ${node.message}`,
};

export const nodeSelector: Filter<PlacementNode> = {
  reason: 'NodeSelector',
  passes: (task, node) => missingLabels(task.nodeSelector, node.labels).length === 0,
  words: (task, node) => {
    const missing = missingLabels(task.nodeSelector, node.labels).map((key) => `${key}=${task.nodeSelector[key]}`);
    return `node ${node.name} lacks the label ${missing.join(', ')}`;
  },
};

const barringEffects = ['NoSchedule', 'NoExecute'];

export const taints: Filter<PlacementNode> = {
  reason: 'Taint',
  passes: (task, node) => untoleratedTaint(node.taints, task.tolerations, barringEffects) === undefined,
  words: (task, node) => {
    const taint = untoleratedTaint(node.taints, task.tolerations, barringEffects);
    return `node ${node.name} has the taint ${taint === undefined ? '' : formatTaint(taint)}, which is not tolerated`;
  },
};

/** Of the effects of taints, the one that also drives out what is there. */
export const evictingTaints: Filter<PlacementNode> = {
  ...taints,
  passes: (task, node) => untoleratedTaint(node.taints, task.tolerations, ['NoExecute']) === undefined,
};

/** A package runs on the engines that it holds artifacts for, and on no other. */
export const engine: Filter<OnGpu> = {
  reason: 'Engine',
  passes: (task, { gpu }) => task.package?.engines?.includes(gpu.engine) ?? true,
  words: (task, { gpu, node }) => {
    const there = (task.package?.engines ?? []).join(', ');
    return `the package has artifacts for engine ${there}, ${gpu.uuid} of ${node.name} runs ${gpu.engine}`;
  },
};

/** To load compiled code is to run it beside everyone's data: only for namespaces that the node's policy lists. */
export const compiledCode: Filter<OnGpu> = {
  reason: 'CompiledCodeNotAllowed',
  passes: ({ namespace }, { gpu, node }) =>
    !runsCompiledCode(gpu.engine) || node.codeNamespaces?.has(namespace) === true,
  words: ({ namespace }, { gpu, node }) => {
    const where = `engine ${gpu.engine} of ${gpu.uuid} of ${node.name} runs compiled code`;
    if (node.policy === undefined || node.policy === builtInPolicy) {
      return `${where}, and no GpuSchedulingPolicy of that node lists namespace ${namespace} in spec.compiledCode.namespaces`;
    }
    return `${where}, and namespace ${namespace} is not listed in spec.compiledCode.namespaces of policy ${node.policy}`;
  },
};

/** A GPU with a fault takes nothing new. */
export const healthy: Filter<OnGpu> = closedBy('Unhealthy');

/** Nor does one on which others work: what its profile says does not hold there. */
export const unshared: Filter<OnGpu> = closedBy('ForeignSharing');

function closedBy(reason: string): Filter<OnGpu> {
  return {
    reason,
    passes: (_task, { gpu }) => gpu.closed?.reason !== reason,
    words: (_task, { gpu, node }) => `${gpu.uuid} of ${node.name}: ${gpu.closed?.message}`,
  };
}

/** A GPU loads each package once: what is there already needs nothing more, even where more is booked than there is. */
export const memory: Filter<ContextState> = {
  reason: 'Memory',
  passes: ({ package: loaded }, context) => context.memory.holds(loaded),
  words: (task, context) => {
    const { leftBytes, totalBytes } = context.memory;
    const [needs, left] = formatBytes(context.memory.missingBytes(task.package), Math.max(0, leftBytes));
    const [total] = formatBytes(totalBytes, totalBytes);
    return `model needs ${needs}, ${context.gpu.uuid} of ${context.node.name} has ${left} left of ${total}`;
  },
};

/**
 * High tasks book at most the limit's share of a context's streams: Σ u_HP + u ≤ limit · N_s. Where jobs join, another task may also
 * change of how many the shares of others are, in every context of the GPU.
 */
export const highPriorityLimit: Filter<ContextState> = {
  reason: 'HighPriorityLimit',
  passes: (task, context) =>
    context.joining === undefined
      ? task.priority !== 'High' || context.highE9 + task.demand.utilizationE9 <= context.limitE9
      : context.outlook(task)?.exceeded === undefined,
  words: (task, context) => {
    const outlook = context.outlook(task);
    if (outlook?.exceeded !== undefined) return joinedLimitWords(task, context, outlook, outlook.exceeded);
    const sum = formatSum(context.highE9, task.demand.utilizationE9, context.limitE9);
    return `HP load ${sum} on ${context.gpu.uuid} of ${context.node.name}`;
  },
};

function joinedLimitWords(
  { priority }: PlacementTask,
  { gpu, node, place }: ContextState,
  { share, there }: Outlook,
  { index, highE9, limitE9 }: Exceeded,
): string {
  const where = `${gpu.uuid} of ${node.name}`;
  if (index === place.context && priority === 'High') {
    const sum = formatSum(there.highE9 - share.utilizationE9, share.utilizationE9, limitE9);
    return `HP load ${sum} on ${where}, ${shareWords(share)}`;
  }
  const [load, limit] = [highE9, limitE9].map(formatE9);
  return `fewer jobs would go together there: HP load ${load} > ${limit} in context ${index} of ${where}`;
}

/** Like `5 % of a stream as one of 16 that go together`. */
export function shareWords({ utilizationE9: e9, jobs }: Share): string {
  const percent = Number((e9 / 1e7).toPrecision(3));
  return `${percent} % of a stream${jobs > 1 ? ` as one of ${jobs} that go together` : ''}`;
}

/** The High tasks of a namespace book at most its quota, on all nodes of the policy together. */
export const highPriorityQuota: Filter<ContextState> = {
  reason: 'QuotaExceeded',
  passes: ({ priority, namespace, demand }, { quotas }) =>
    priority !== 'High' ||
    quotas === undefined ||
    quotas.bookedE9(namespace) + demand.utilizationE9 <= quotas.limitE9(namespace),
  words: ({ namespace, demand }, { quotas }) => {
    if (quotas === undefined) return `namespace ${namespace}`;
    const sum = formatSum(quotas.bookedE9(namespace), demand.utilizationE9, quotas.limitE9(namespace), 'quota ');
    return `HP utilization of namespace ${namespace} ${sum} on nodes of policy ${quotas.policy}`;
  },
};

/** On a GPU that takes longer than the deadline no job would ever be in time. */
export const fastEnough: Filter<OnGpu> = {
  reason: 'TooSlow',
  passes: ({ demand, deadlineUs }) => demand.afetUs <= deadlineUs,
  words: ({ demand, deadlineUs }, { gpu, node }) => {
    const terms = `AFET ${formatDurationUs(demand.afetUs)} > deadline ${formatDurationUs(deadlineUs)}`;
    return `${terms} on ${gpu.uuid} of ${node.name}`;
  },
};

/** Stages are not preempted: a High task's AFET plus the longest stage of any other task here must meet its deadline. */
export const blocking: Filter<ContextState> = {
  reason: 'Blocking',
  passes: (task, context) =>
    task.demand.longestStageUs <= context.slackUs &&
    (task.priority !== 'High' || task.demand.afetUs + context.longestStageUs <= task.deadlineUs),
  words: (task, context) => {
    const where = `context ${context.place.context} of ${context.gpu.uuid} of ${context.node.name}`;
    return `${isBlocked(task, context) ? blockedWords(task, context) : blockerWords(task, context)} in ${where}`;
  },
};

function isBlocked(task: PlacementTask, context: ContextState): boolean {
  return task.priority === 'High' && task.demand.afetUs + context.longestStageUs > task.deadlineUs;
}

function blockedWords(task: PlacementTask, context: ContextState): string {
  const longest = context.tasks.find((other) => other.demand.longestStageUs === context.longestStageUs);
  const stage = `longest stage ${formatDurationUs(context.longestStageUs)} of ${longest?.key}`;
  return `AFET ${formatDurationUs(task.demand.afetUs)} + ${stage} > deadline ${formatDurationUs(task.deadlineUs)}`;
}

function blockerWords(task: PlacementTask, context: ContextState): string {
  const hurt = context.tasks.find(
    (other) => other.priority === 'High' && other.deadlineUs - other.demand.afetUs === context.slackUs,
  );
  const stage = `longest stage ${formatDurationUs(task.demand.longestStageUs)}`;
  if (hurt === undefined) return stage;
  const left = `${formatDurationUs(hurt.demand.afetUs)} of ${hurt.key} > its deadline ${formatDurationUs(hurt.deadlineUs)}`;
  return `${stage} + AFET ${left}`;
}

/** In the order in which they are tried; a task is refused for the last one that any node reached. */
export const nodeFilters: readonly Filter<PlacementNode>[] = [nodeReady, nodeSelector, taints];
/**
 * What keeps a task from a GPU whatever is booked there, the same for all tasks of a class; a task is refused for the
 * last one that any GPU reached.
 */
export const gpuFilters: readonly Filter<OnGpu>[] = [engine, compiledCode, healthy, unshared];
/** The same for all contexts of a kind of GPU, so not asked of each. */
export const kindFilters: readonly Filter<OnGpu>[] = [engine, fastEnough];
export const contextFilters: readonly Filter<ContextState>[] = [memory, highPriorityQuota, highPriorityLimit, blocking];

export function refusalBy<Target>(
  filters: readonly Filter<Target>[],
  task: PlacementTask,
  target: Target,
): Refusal | undefined {
  const filter = filters.find((each) => !each.passes(task, target));
  return filter === undefined ? undefined : { reason: filter.reason, message: filter.words(task, target) };
}
