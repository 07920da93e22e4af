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

/** Rejected jobs by reason, as the agent's metrics mirror them. */
async function rejected(name: string): Promise<{ byUtilization: number; byPrediction: number }> {
  const count = async (reason: string): Promise<number> =>
    (await node.metric(`daris_jobs_rejected_total{namespace="${namespace}",task="${name}",reason="${reason}"}`)) ?? 0;
  return { byUtilization: await count('Utilization'), byPrediction: await count('Predicted') };
}

test('rejections are counted by the test that refused, and go on where a killed runtime has left them', async () => {
  // Six milliseconds on one of eight streams: 1.2 of them, but late; and twelve of them.
  await serve('late', 0, { periodUs: 100_000, deadlineUs: 5_000 });
  await serve('large', 0, { periodUs: 100_000, deadlineUs: 500 });
  const both = async (least: number): Promise<{ late: number; large: number } | undefined> => {
    const [late, large] = [await rejected('late'), await rejected('large')];
    expect([late.byUtilization, large.byPrediction]).toEqual([0, 0]);
    const counts = { late: late.byPrediction, large: large.byUtilization };
    return Math.min(counts.late, counts.large) > least ? counts : undefined;
  };
  const before = await waitFor(() => both(3), { what: 'jobs to be rejected', timeoutMs: 20_000 });
  const told = await node.task('late', 'to tell of it', ({ status }) => (status?.runtime?.jobs?.rejected ?? 0) > 3);
  expect(told.status?.runtime?.jobs?.rejectedByPrediction).toBe(told.status?.runtime?.jobs?.rejected);
  await runtime.kill();
  await node.ready('False', 'RuntimeUnavailable');
  await startRuntime();
  const most = Math.max(before.late, before.large);
  const after = await waitFor(() => both(most), { what: 'more to be rejected', timeoutMs: 30_000 });
  expect(Math.min(after.late - before.late, after.large - before.large)).toBeGreaterThan(0);
}, 90_000);
