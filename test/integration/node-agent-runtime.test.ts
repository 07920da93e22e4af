// The agent with the real runtime and the example packages: what a task's status says is what really ran.
// The test speaks for the operator.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connect, type Connection } from '../../kube/connection.ts';
import { otherDigest } from '../../node-agent/testing/fixtures.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { allowedCores } from '../e2e/cores.ts';
import { condition, isServed, NodeUnderTest, releasedJobs } from './node-under-test.ts';
import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const socketPath = join(folder, 'runtime.sock');
const modelRoot = join(repositoryRoot, 'build', 'models');

let connection: Connection;
let namespace: string;
let node: NodeUnderTest;
let runtime: Daemon;
let source: { uri: string; digest: string };
let nodes = 0;

/** Absolute path of what `make setup` builds. */
function built(...path: string[]): string {
  const found = join(repositoryRoot, 'build', ...path);
  if (!existsSync(found)) throw new Error(`${found} is missing: make setup builds it`);
  return found;
}

async function startRuntime(): Promise<void> {
  const args = [
    `--socket=${socketPath}`,
    `--model-root=${modelRoot}`,
    '--inference-address=127.0.0.1:0',
    `--cores=${allowedCores().join(',')}`,
  ];
  runtime = await Daemon.start({
    name: 'daris-runtime',
    command: built('bin', 'daris-runtime'),
    args,
    logFile: join(folder, 'runtime.log'),
  });
  await runtime.ready(async () => existsSync(socketPath), 20_000);
}

beforeAll(async () => {
  const { examples } = JSON.parse(readFileSync(built('models', 'examples.json'), 'utf8'));
  source = { uri: 'file:///edge-classifier', digest: examples['edge-classifier'].digest };
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  namespace = await cluster.createNamespace('agent-runtime');
}, 30_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
  rmSync(folder, { recursive: true });
}, 30_000);

beforeEach(async () => {
  nodes += 1;
  node = new NodeUnderTest({ cluster, connection, namespace, name: `${namespace}-${nodes}`, folder, socketPath });
  await node.prepare();
  await startRuntime();
  await node.startAgent();
}, 60_000);

afterEach(async () => {
  await node.remove();
  await runtime.stop();
}, 60_000);

/** A periodic task of twenty jobs a second, served; its deadline leaves room for a busy machine. */
async function serve(name: string): Promise<void> {
  await node.place(name, { model: source, periodUs: 50_000, deadlineUs: 50_000, maxMissRate: '1' });
  await node.task(name, 'to be served', isServed);
}

/** Jobs released so far, as the agent's metrics mirror them from the runtime. */
async function released(name: string): Promise<number> {
  return (await node.metric(`daris_jobs_released_total{namespace="${namespace}",task="${name}"}`)) ?? 0;
}

async function releasedBeyond(name: string, least: number): Promise<number> {
  const probe = async (): Promise<number | undefined> => {
    const now = await released(name);
    return now > least ? now : undefined;
  };
  return waitFor(probe, { what: `more than ${least} releases of ${name}`, timeoutMs: 20_000 });
}

test('the node, a model and a task go from nothing to jobs that ran, and back', async () => {
  await node.ready('True', 'Serving');
  await node.inspect('classifier', source);
  await node.inspect('impostor', { uri: source.uri, digest: otherDigest });
  const model = await node.inspected('classifier', 1);
  expect(model.status?.package).toMatchObject({ digest: source.digest, stageCount: 4, engines: ['openvino'] });
  expect(model.status?.package?.batchSizes?.length).toBeGreaterThan(0);
  const impostor = await node.inspected('impostor', 1);
  expect(condition(impostor, 'Inspected')).toMatchObject({ status: 'False', reason: 'DigestMismatch' });
  await serve('front');
  const counted = await node.task('front', 'to tell of its jobs', (of) => releasedJobs(of) > 0);
  expect(counted.status?.runtime?.timing?.mretUs).toBeGreaterThan(0);
  await releasedBeyond('front', 20);
  const completed = await node.metric(`daris_jobs_completed_total{namespace="${namespace}",task="front"}`);
  expect(completed).toBeGreaterThan(0);
  await node.deleteTask('front');
  await waitFor(async () => ((await released('front')) === 0 ? true : undefined), {
    what: 'the task to be gone from the metrics',
    timeoutMs: 20_000,
  });
}, 90_000);

test('an edited period takes effect in the runtime, whose counters go on', async () => {
  await serve('front');
  const before = await releasedBeyond('front', 10);
  await node.place('front', { model: source, periodUs: 500_000, deadlineUs: 500_000, maxMissRate: '1', generation: 2 });
  await node.task('front', 'to be served under its new terms', (of) => {
    return condition(of, 'Serving')?.observedGeneration === 2 && isServed(of);
  });
  expect(await releasedBeyond('front', before)).toBeGreaterThan(before);
}, 90_000);

test('terms that the runtime refuses are told in its words, and harm no other task', async () => {
  await serve('front');
  await node.place('greedy', { model: source, batchSize: 1_000 });
  await node.place('lost', { model: source }, node.placement(1, 77));
  const greedy = await node.task('greedy', 'to be refused', (of) => condition(of, 'Serving')?.status === 'False');
  expect(condition(greedy, 'Serving')?.reason).toBe('BatchNotInPackage');
  const lost = await node.task('lost', 'to be refused', (of) => condition(of, 'Serving')?.status === 'False');
  expect(condition(lost, 'Serving')?.reason).toBe('UnknownContext');
  await releasedBeyond('front', await released('front'));
}, 90_000);

test('restarting the agent leaves the task running, and no count goes back', async () => {
  await serve('front');
  const before = await releasedBeyond('front', 20);
  await node.stopAgent();
  await node.startAgent();
  await node.ready('True', 'Serving');
  expect(await releasedBeyond('front', before)).toBeGreaterThan(before);
}, 90_000);

test('a killed runtime is applied again as soon as it is back, with the counters carried on', async () => {
  await serve('front');
  const before = await releasedBeyond('front', 20);
  await runtime.kill();
  await node.ready('False', 'RuntimeUnavailable');
  await startRuntime();
  await node.ready('True', 'Serving');
  await node.task('front', 'to be served again', isServed);
  expect(await releasedBeyond('front', before)).toBeGreaterThan(before);
}, 90_000);

const streams = { mode: 'Streams', contexts: 1, streamsPerContext: 2 };

/** Missed jobs so far, as the agent's metrics mirror them. */
async function missed(name: string): Promise<number> {
  const all = `daris_jobs_missed_total{namespace="${namespace}",task="${name}"`;
  return (await node.metric(all)) ?? 0;
}

test('a changed partitioning drains, divides anew and serves on, and no count goes back', async () => {
  await serve('front');
  await node.place('rear', { model: source, periodUs: 50_000, maxMissRate: '1' }, node.placement(1, 1));
  await node.task('rear', 'to be served', isServed);
  const before = await releasedBeyond('front', 10);
  const missedBefore = await missed('front');
  await node.follow({ name: 'edge', generation: 1, partitioning: streams });
  const status = await node.followed('edge');
  expect(status.appliedPolicy).toMatchObject({ name: 'edge', generation: 1, contexts: 1, streamsPerContext: 2 });
  expect(status.gpus?.[0]?.contexts).toMatchObject([{ index: 0, streams: 2 }]);
  await node.task('rear', 'to be refused', (of) => condition(of, 'Serving')?.reason === 'UnknownContext');
  await node.place('rear', { model: source, periodUs: 50_000, maxMissRate: '1' }, node.placement(2, 0));
  await node.task('rear', 'to be served in the context that is left', isServed);
  expect(await releasedBeyond('front', before)).toBeGreaterThan(before);
  expect(await missed('front')).toBeGreaterThanOrEqual(missedBefore);
  await node.follow({ name: 'default' });
  const back = await node.followed('default');
  expect(back.gpus?.[0]?.contexts).toHaveLength(2);
}, 120_000);

test('a policy beyond the hardware is refused in words; what was in force stays so, and the task runs on', async () => {
  await serve('front');
  const partitioning = { mode: 'MPS', contexts: 200, streamsPerContext: 1 };
  await node.follow({ name: 'greedy', generation: 3, partitioning });
  const status = await node.followed('greedy', 'False');
  const said = condition({ status }, 'PolicyApplied');
  expect(said?.reason).toBe('TooManyContexts');
  expect(said?.message).toMatch(
    /^policy greedy, generation 3, cannot be had here: 200 contexts .* write contexts: \d+/,
  );
  expect(status.appliedPolicy).toMatchObject({ name: 'default', contexts: 2 });
  await releasedBeyond('front', await released('front'));
  await node.follow({ name: 'foreign', generation: 1, engine: 'torch' });
  expect(condition({ status: await node.followed('foreign', 'False') }, 'PolicyApplied')?.reason).toBe(
    'EngineNotFound',
  );
  await node.task('front', 'to be served still', isServed);
}, 90_000);

test('a policy of scheduling terms alone is in force without a break', async () => {
  await serve('front');
  const terms = { mretWindow: 9, mretAging: false, highPriorityAdmission: true, admission: 'Utilization' } as const;
  await node.follow({ name: 'terms', generation: 1, ...terms, highPriorityUtilizationLimit: '0.5' });
  const status = await node.followed('terms');
  const { admission, ...shown } = terms;
  expect(status).toMatchObject({ admission, highPriorityUtilizationLimit: '0.5', appliedPolicy: shown });
  await releasedBeyond('front', await released('front'));
  await node.task('front', 'to be served still', isServed);
}, 90_000);

test('the agent hands out the trace of the runtime, which the simulator makes again', async () => {
  await serve('front');
  await releasedBeyond('front', 20);
  const { traceEvents } = JSON.parse(await node.text('/trace?seconds=60')) as { traceEvents: { name?: string }[] };
  expect(traceEvents.filter(({ name }) => name === `${namespace}/front/0`).length).toBeGreaterThan(10);
  const file = join(folder, 'trace.jsonl');
  writeFileSync(file, await node.text('/trace?seconds=all&format=records'));
  const replay = spawnSync(built('bin', 'daris-sim'), ['replay', file], { encoding: 'utf8', timeout: 30_000 });
  expect(replay.stdout).toMatch(/^\d+ lines are as recorded: add 1, admit \d+/);
  expect(replay.status).toBe(0);
}, 90_000);
