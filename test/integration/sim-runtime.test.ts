// The agent with a real runtime whose engine computes nothing: many tasks on a GPU that this machine has not. The test
// speaks for the operator.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { connect, type Connection } from '../../kube/connection.ts';
import { gpuNodes, type Effective, type Placement, type StoredTask } from '../../node-agent/resources.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { allowedCores } from '../e2e/cores.ts';
import { writeSimulatedPackage } from '../simulated-package.ts';

import { condition, isServed, NodeUnderTest } from './node-under-test.ts';
import { sharedCluster } from './shared-cluster.ts';

const contexts = 8;
const cluster = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const socketPath = join(folder, 'runtime.sock');
const modelRoot = join(folder, 'models');

let connection: Connection;
let namespace: string;
let node: NodeUnderTest;
let runtime: Daemon;
let source: { uri: string; digest: string };
/** A package that computes something. */
let real: { uri: string; digest: string };

beforeAll(async () => {
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  namespace = await cluster.createNamespace('sim-runtime');
  const flags = [`--contexts=${contexts}`, '--streams-per-context=8'];
  node = new NodeUnderTest({ cluster, connection, namespace, name: namespace, folder, socketPath, flags });
  await node.prepare();
  mkdirSync(modelRoot);
  source = await writeSimulatedPackage(modelRoot, { name: 'camera', stages: ['4ms', '2ms'], batches: [1, 8] });
  const built = join(repositoryRoot, 'build', 'models');
  cpSync(join(built, 'edge-classifier'), join(modelRoot, 'edge-classifier'), { recursive: true });
  const { examples } = JSON.parse(readFileSync(join(built, 'examples.json'), 'utf8'));
  real = { uri: 'file:///edge-classifier', digest: examples['edge-classifier'].digest };
  await startRuntime();
  await node.startAgent();
}, 60_000);

async function startRuntime(): Promise<void> {
  const command = join(repositoryRoot, 'build', 'bin', 'daris-runtime');
  const args = [
    '--engine=sim',
    '--sim-product=What if',
    '--sim-sms=80',
    '--sim-memory=40GiB',
    `--socket=${socketPath}`,
    `--model-root=${modelRoot}`,
    '--inference-address=127.0.0.1:0',
    `--cores=${allowedCores().join(',')}`,
  ];
  runtime = await Daemon.start({ name: 'daris-runtime', command, args, logFile: join(folder, 'runtime.log') });
  await runtime.ready(async () => existsSync(socketPath), 20_000);
}

afterAll(async () => {
  await node.remove();
  await runtime.stop();
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
  rmSync(folder, { recursive: true });
}, 60_000);

function serve(name: string, context: number, times: Partial<Effective> = {}): Promise<StoredTask> {
  const terms = { model: source, periodUs: 1_000_000, deadlineUs: 1_000_000, maxMissRate: '1', ...times };
  const placement: Placement = { ...node.placement(1, context), gpu: 'sim-0', gpuProduct: 'What if' };
  return node.place(name, terms, placement);
}

test('the node tells of the GPU that is stood in for, and that it computes nothing', async () => {
  await node.ready('True', 'Serving');
  const { status } = await node.client.get(gpuNodes, { name: node.name });
  const [gpu] = status?.gpus ?? [];
  expect(gpu).toMatchObject({ uuid: 'sim-0', product: 'What if', sms: 80, memoryBytes: 40 * 2 ** 30, engine: 'sim' });
  expect(gpu?.contexts).toHaveLength(contexts);
  expect(gpu?.contexts?.[7]).toMatchObject({ index: 7, sms: 10, wantedSms: 10, streams: 8 });
  expect(condition({ status: status ?? {} }, 'Ready')?.message).toContain('engine sim computes nothing');
  expect(runtime.logTail(20)).toContain('engine sim computes nothing');
}, 60_000);

test('a package tells its times, and one without them is refused', async () => {
  await node.inspect('camera', source);
  const model = await node.inspected('camera', 1);
  expect(model.status?.package).toMatchObject({ stageCount: 2, engines: ['sim'], batchSizes: [1, 8] });
  await node.inspect('real', real);
  expect(condition(await node.inspected('real', 1), 'Inspected')).toMatchObject({
    status: 'False',
    reason: 'NoArtifacts',
    message: expect.stringContaining("no artifacts of engine 'sim'"),
  });
}, 60_000);

test('many tasks are served side by side, each in the time that its package says', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `task-${at}`);
  await Promise.all(names.map((name, at) => serve(name, at % contexts)));
  // One after the other: to ask for all of them at once would keep the API server from serving the agent.
  for (const name of names) {
    const { status } = await node.task(name, 'to be served', isServed);
    expect(status?.runtime?.timing?.afetUs).toBe(6_000);
  }
  const line = `daris_jobs_completed_total{namespace="${namespace}",task="task-39"}`;
  const completed = async (): Promise<true | undefined> => ((await node.metric(line)) ?? 0) > 0 || undefined;
  await waitFor(completed, { what: 'a job of task-39', timeoutMs: 20_000 });
}, 90_000);

test('a partitioning that only trying proves impossible is told in the words of the engine, and tasks run on', async () => {
  await serve('steady', 0);
  await node.task('steady', 'to be served', isServed);
  // Within what 80 SMs allow, and more streams than the engine has.
  const partitioning = { mode: 'MPSStreams', contexts: 1000, streamsPerContext: 300, oversubscription: '1000' };
  await node.follow({ name: 'greedy', generation: 1, partitioning });
  const status = await node.followed('greedy', 'False');
  expect(condition({ status }, 'PolicyApplied')).toMatchObject({
    reason: 'PartitionFailed',
    message: expect.stringMatching(
      /^policy greedy, generation 1, cannot be had here: 300000 streams in all; .* stays in force$/,
    ),
  });
  expect(status.appliedPolicy).toMatchObject({ name: 'default', contexts });
  expect(condition({ status }, 'Ready')?.status).toBe('True');
  await node.task('steady', 'to be served again', isServed);
}, 90_000);

interface Refusals {
  readonly byUtilization: number;
  readonly byPrediction: number;
  /** Released and not skipped. */
  readonly tested: number;
}

/** What the agent's metrics say at one time. */
async function refusals(name: string): Promise<Refusals> {
  const lines = (await node.metrics()).split('\n');
  const count = (metric: string, more = ''): number => {
    const series = `daris_jobs_${metric}_total{namespace="${namespace}",task="${name}"${more}} `;
    return Number(lines.find((line) => line.startsWith(series))?.slice(series.length) ?? 0);
  };
  return {
    byUtilization: count('rejected', ',reason="Utilization"'),
    byPrediction: count('rejected', ',reason="Predicted"'),
    tested: count('released') - count('skipped'),
  };
}

/** Until more than `least` jobs were tested. */
function refusedBeyond(name: string, least: number): Promise<Refusals> {
  const probe = async (): Promise<Refusals | undefined> => {
    const now = await refusals(name);
    return now.tested > least ? now : undefined;
  };
  return waitFor(probe, { what: `more than ${least} jobs of ${name}`, timeoutMs: 20_000 });
}

test('rejections are counted by the test that refused, and go on where a killed runtime has left them', async () => {
  // Six milliseconds are 1.2 streams where five are given, which fits in eight and is late; where half of one is given, 12.
  await serve('late', 0, { periodUs: 100_000, deadlineUs: 5_000 });
  await serve('large', 0, { periodUs: 100_000, deadlineUs: 500 });
  const check = async (least: number): Promise<number> => {
    const [late, large] = [await refusedBeyond('late', least), await refusedBeyond('large', least)];
    expect(late).toEqual({ byUtilization: 0, byPrediction: late.tested, tested: late.tested });
    expect(large).toEqual({ byUtilization: large.tested, byPrediction: 0, tested: large.tested });
    return Math.max(late.tested, large.tested);
  };
  const before = await check(10);
  await runtime.kill();
  await node.ready('False', 'RuntimeUnavailable');
  await startRuntime();
  // Of all that were ever tested, since counters go on from what the first runtime had told.
  await check(before);
}, 90_000);
