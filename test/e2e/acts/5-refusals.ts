// What cannot be had is refused in words: by the API server where the spec alone is wrong, by conditions elsewhere.
import type { InferenceModel, ModelProfile } from '../../../api/resources.ts';
import { KubectlError } from '../../control-plane/cluster.ts';
import { waitFor } from '../../control-plane/wait.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks } from '../act.ts';
import { windowBetween } from '../counters.ts';
import { checkHighTasks } from '../judge.ts';
import type { Stack } from '../stack.ts';
import { conditionOf, identityOf } from '../tasks.ts';

const largeBatch = 4;
const valid = { model: 'person-detector', priority: 'Low', release: 'Periodic', period: '100ms' };

/** Each spec with the message that the API server must answer. */
export const invalidSpecs: readonly [spec: object, message: string][] = [
  [{ ...valid, period: '33' }, 'period must be a duration with a unit (us, ms, s, m), like 33ms or 16.667ms'],
  [{ ...valid, deadline: '200ms' }, 'deadline must not be longer than period'],
  [{ ...valid, offset: '100ms' }, 'offset must be shorter than period'],
  [{ ...valid, priority: 'Medium' }, 'priority must be High or Low'],
  [{ ...valid, batchSize: 0 }, 'batchSize must be between 1 and 1024'],
];

function manifest(name: string, spec: object): object {
  return { apiVersion: 'daris.dev/v1alpha1', kind: 'RealtimeInferenceTask', metadata: { name }, spec };
}

async function refusal(stack: Stack, spec: object, signal: AbortSignal): Promise<string> {
  try {
    await stack.cluster.apply(manifest('invalid', spec), { signal });
    return 'accepted';
  } catch (error) {
    if (error instanceof KubectlError) return error.stderr;
    throw error;
  }
}

/**
 * A period at which the model alone takes 0.8 of a stream, more than High tasks may book of one whoever else is there.
 * A large batch, so that its stages are long beside those that it would wait for: the limit is what refuses it.
 */
async function tooShortPeriod(stack: Stack, signal: AbortSignal): Promise<string> {
  const read = async (): Promise<number | undefined> => {
    const model = JSON.parse(
      await stack.cluster.kubectl(['get', 'im', valid.model, '-o', 'json'], { signal }),
    ) as InferenceModel;
    const { items } = JSON.parse(await stack.cluster.kubectl(['get', 'mp', '-o', 'json'], { signal })) as {
      items: ModelProfile[];
    };
    const profile = items.find(({ spec }) => spec.digest === model.spec.source.digest);
    return profile?.status?.batches?.find(({ size }) => size === largeBatch)?.afetUs;
  };
  const what = `the measured execution time of ${valid.model}`;
  const afetUs = await waitFor(read, { what, timeoutMs: 10_000, signal });
  return `${Math.ceil(afetUs / 0.8)}us`;
}

async function placedMessage(stack: Stack, name: string, reason: string, signal: AbortSignal): Promise<string> {
  const task = await stack.tasks.until(name, (each) => conditionOf(each, 'Placed')?.reason === reason, {
    what: `Placed=False, ${reason} of ${name}`,
    timeoutMs: 15_000,
    signal,
  });
  const placed = conditionOf(task, 'Placed');
  return `${placed?.status}: ${placed?.message}`;
}

/** Tasks that are valid but do not run: one that has no room, one that is suspended. Each says why. */
async function checkConditions(checks: Checks, stack: Stack, signal: AbortSignal): Promise<ActResult['figures']> {
  const period = await tooShortPeriod(stack, signal);
  const large = { ...valid, priority: 'High', period, batchSize: largeBatch };
  try {
    await stack.cluster.apply(manifest('too-much', large), { signal });
    await stack.cluster.apply(manifest('dry-run', { ...valid, suspend: true }), { signal });
    const unplaced = await placedMessage(stack, 'too-much', 'HighPriorityLimit', signal);
    const suspended = await placedMessage(stack, 'dry-run', 'Suspended', signal);
    checks.holds(/^False: HP load [\d.]+ \+ [\d.]+ > [\d.]+ on \S+/.test(unplaced), `too-much has Placed=${unplaced}`);
    checks.holds(/^False: would fit on gpu \S+ of node \S+/.test(suspended), `dry-run has Placed=${suspended}`);
    return { unplaced, suspended };
  } finally {
    await stack.remove(['rit', 'too-much', 'dry-run']);
  }
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  const running = (await stack.tasks.list(signal)).map(identityOf);
  const before = await stack.node1.watch.fresh(signal);
  for (const [spec, message] of invalidSpecs) {
    const answer = await refusal(stack, spec, signal);
    checks.holds(
      answer.includes(message),
      `${JSON.stringify(spec)} was answered "${answer.trim()}", wanted "${message}"`,
    );
  }
  const conditions = await checkConditions(checks, stack, signal);
  const window = windowBetween(before, await stack.node1.watch.fresh(signal), running);
  checkHighTasks(checks, window);
  for (const { name, jobs } of window.tasks) checks.atLeast(`jobs of ${name} released meanwhile`, jobs.released, 1);
  return { figures: { refusedByApiServer: invalidSpecs.length, ...conditions }, failures: checks.failures };
}

export const refusals: Act = { title: 'what is invalid or cannot fit is refused with the reason', run };
