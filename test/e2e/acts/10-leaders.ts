// The leading operator is halted past its Lease, and another one leads. When the first goes on, it ends without a write, and
// what it might have sent is refused by the API server. No task is moved by any of it.
import { systemNamespace } from '../../../api/resources.ts';
import { Cluster } from '../../control-plane/cluster.ts';
import { waitFor } from '../../control-plane/wait.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import type { OperatorName } from '../operators.ts';
import type { Stack } from '../stack.ts';
import { placesOf } from '../tasks.ts';

const [first, second]: readonly [OperatorName, OperatorName] = ['operator', 'operator-2'];
/** Exit status of an operator that led and does not any more. */
const lostStatus = 3;
/** The Lease lasts 15 s, a look at it is taken every 2 s; a busy machine may need some more. */
const takeoverTimeoutMs = 40_000;
/** Less than the Lease lasts: whoever leads within it has not waited for it to expire. */
const longestHandoverSeconds = 10;

/** Seconds until the operator leads. */
async function leads(stack: Stack, name: OperatorName, signal: AbortSignal): Promise<number> {
  const started = performance.now();
  const probe = async (): Promise<true | undefined> => ((await isLeader(stack, name)) ? true : undefined);
  await waitFor(probe, { what: `${name} to lead`, timeoutMs: takeoverTimeoutMs, intervalMs: 200, signal });
  return round((performance.now() - started) / 1000);
}

async function isLeader(stack: Stack, name: OperatorName): Promise<boolean> {
  return (await stack.operators.metrics(name)).split('\n').includes('daris_leader 1');
}

async function transitions(stack: Stack, signal: AbortSignal): Promise<number> {
  const path = 'jsonpath={.spec.leaseTransitions}';
  const args = ['get', 'lease', 'daris-operator', '-n', systemNamespace, '-o', path];
  return Number(await stack.cluster.kubectl(args, { signal }));
}

/** With the identity of the operators takes a placement away under a former leader's number; answers what is said. */
async function writeAsFormerLeader(stack: Stack, leaderTransitions: number, signal: AbortSignal): Promise<string> {
  const task = (await stack.tasks.list(signal)).find(({ status }) => status?.placement !== undefined);
  if (task === undefined) throw new Error('no task is placed that a former leader could write');
  const { apiVersion, kind, metadata } = task;
  const { name, namespace } = metadata;
  const input = JSON.stringify({ apiVersion, kind, metadata: { name, namespace }, status: { leaderTransitions } });
  const how = ['--server-side', '--force-conflicts', '--subresource=status', '--field-manager=daris-operator'];
  const written = new Cluster(stack.operators.kubeconfig).kubectl(['apply', ...how, '-f', '-'], { input, signal });
  return written.then(
    () => 'accepted',
    (error: unknown) => String(error),
  );
}

/** Halts the leader until the other leads, and lets it go on; answers how long the takeover took. */
async function haltLeader(stack: Stack, checks: Checks, signal: AbortSignal): Promise<number> {
  stack.operators.pause(first);
  let seconds: number;
  try {
    seconds = await leads(stack, second, signal);
  } finally {
    stack.operators.resume(first);
  }
  checks.equal('exit status of the halted leader', await stack.operators.ended(first, 20_000), lostStatus);
  return seconds;
}

/** Back to one operator, the first: the other is told to end, and gives the Lease up. */
async function handOver(stack: Stack, signal: AbortSignal): Promise<number> {
  await stack.operators.start(first);
  await stack.operators.stop(second);
  return leads(stack, first, signal);
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  const before = placesOf(await stack.tasks.list(signal));
  const stale = await transitions(stack, signal);
  await stack.operators.start(second);
  checks.holds(!(await isLeader(stack, second)), 'two operators lead');

  const takeoverSeconds = await haltLeader(stack, checks, signal);
  const said = await writeAsFormerLeader(stack, stale, signal);
  const refusal = `written under leaderTransitions ${stale}, but the Lease daris-operator is at ${stale + 1}`;
  checks.holds(said.includes(refusal), `a former leader's write is answered: ${said}`);

  const handoverSeconds = await handOver(stack, signal);
  checks.atMost('seconds of the clean handover', handoverSeconds, longestHandoverSeconds);
  checks.equal('the tasks placed', placesOf(await stack.tasks.list(signal)), before);
  return { figures: { takeoverSeconds, handoverSeconds, leadersSoFar: stale + 2 }, failures: checks.failures };
}

export const leaders: Act = {
  title: 'the leading operator is halted past its Lease: another leads, and what the first still writes is refused',
  run,
};
