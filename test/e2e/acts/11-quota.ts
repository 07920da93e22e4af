// A namespace's quota of High utilization: a task beyond it is refused in words, and fits once the quota is raised.
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks } from '../act.ts';
import { windowBetween } from '../counters.ts';
import { checkHighTasks } from '../judge.ts';
import { labelNodes, policyInForce } from '../node-policy.ts';
import type { Stack } from '../stack.ts';
import { conditionOf, identityOf } from '../tasks.ts';

const policy = 'fair';
const task = 'one-more';
const spec = { model: 'edge-classifier', priority: 'High', release: 'Periodic', period: '200ms', deadline: '200ms' };

/** Quota of the tasks' namespace, in streams, on both nodes together. Nothing is said of contexts, so nothing is drained for it. */
async function applyQuota(stack: Stack, utilization: string, signal: AbortSignal): Promise<number> {
  const manifest = {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'GpuSchedulingPolicy',
    metadata: { name: policy },
    spec: {
      nodeSelector: { 'daris.dev/policy': policy },
      highPriorityQuotas: [{ namespace: stack.namespace, utilization }],
    },
  };
  await stack.cluster.apply(manifest, { signal });
  const args = ['get', 'gsp', policy, '-o', 'jsonpath={.metadata.generation}'];
  return Number(await stack.cluster.kubectl(args, { signal }));
}

/** What High tasks have booked, in streams. */
function bookedByHigh(tasks: readonly RealtimeInferenceTask[]): number {
  const high = tasks.filter(({ spec: { priority } }) => priority === 'High');
  return high.reduce((sum, { status }) => sum + Number(status?.placement?.bookedUtilization ?? Number.NaN), 0);
}

/** The message of condition Placed once that has this reason. */
async function placedWords(stack: Stack, reason: string, signal: AbortSignal): Promise<string> {
  const found = await stack.tasks.until(task, (each) => conditionOf(each, 'Placed')?.reason === reason, {
    what: `Placed with reason ${reason} of ${task}`,
    timeoutMs: 15_000,
    signal,
  });
  const placed = conditionOf(found, 'Placed');
  return `${placed?.status}: ${placed?.message}`;
}

/** Leaves a thousandth of a stream, less than any model here takes. */
async function refuse(checks: Checks, stack: Stack, booked: number, signal: AbortSignal): Promise<string> {
  const generation = await applyQuota(stack, (booked + 0.001).toFixed(6), signal);
  await labelNodes(stack, stack.nodes, policy, signal);
  for (const node of stack.nodes) await policyInForce(stack, node, { name: policy, generation }, signal);
  const metadata = { name: task };
  const manifest = { apiVersion: 'daris.dev/v1alpha1', kind: 'RealtimeInferenceTask', metadata, spec };
  await stack.cluster.apply(manifest, { signal });
  const refused = await placedWords(stack, 'QuotaExceeded', signal);
  const terms = /^False: HP utilization of namespace \S+ [\d.]+ \+ [\d.]+ > quota [\d.]+ on nodes of policy fair/;
  checks.holds(terms.test(refused), `${task} has Placed=${refused}`);
  return refused;
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  const running = await stack.tasks.list(signal);
  const identities = running.map(identityOf);
  const before = stack.tally.figures();
  const booked = bookedByHigh(running);
  try {
    const refused = await refuse(checks, stack, booked, signal);
    await applyQuota(stack, (booked + 1).toFixed(6), signal);
    const admitted = await placedWords(stack, 'Placed', signal);
    const window = windowBetween(before, stack.tally.figures(), identities);
    checkHighTasks(checks, window);
    for (const { name, jobs } of window.tasks) checks.atLeast(`jobs of ${name} released meanwhile`, jobs.released, 1);
    return { figures: { refused, admittedWithMore: admitted }, failures: checks.failures };
  } finally {
    await stack.remove(['rit', task]);
    await stack.remove(['gsp', policy]);
    if (!signal.aborted) await labelNodes(stack, stack.nodes, undefined);
  }
}

export const quota: Act = { title: "a High task beyond its namespace's quota is refused in words", run };
