// Operator, agents and runtimes together: what a profile says is what a runtime measured, or what someone estimated, and
// jobs run by it, on whichever node.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { connect, type Connection } from '../../kube/connection.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import type { ObservedModel, ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import { allowedCores } from '../e2e/cores.ts';
import { RuntimeWatch } from '../e2e/runtime-watch.ts';

import { isReady } from './agent-part.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { condition, OperatorWorld, type Profile } from './operator-world.ts';

jest.setTimeout(90_000);
const world = new OperatorWorld();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
let connection: Connection;
let node: NodeUnderTest;
const nodes: NodeUnderTest[] = [];
const runtimes: Daemon[] = [];
let examples: Record<string, { digest: string }>;

/** Absolute path of what `make setup` builds. */
function built(...path: string[]): string {
  const found = join(repositoryRoot, 'build', ...path);
  if (!existsSync(found)) throw new Error(`${found} is missing: make setup builds it`);
  return found;
}

beforeAll(async () => {
  ({ examples } = JSON.parse(readFileSync(built('models', 'examples.json'), 'utf8')));
  await world.start();
  connection = connect({ kubeconfigPath: world.cluster.kubeconfig, userAgent: 'test' });
  node = await startNode('n1');
}, 120_000);

afterAll(async () => {
  for (const each of nodes) await each.remove();
  for (const runtime of runtimes) await runtime.stop();
  await connection.close();
  await world.stop();
  rmSync(folder, { recursive: true });
}, 90_000);

function socketOf(name: string): string {
  return join(folder, `${name}.sock`);
}

/** A node with an agent and a runtime of its own; all of them have GPUs of one kind. */
async function startNode(name: string): Promise<NodeUnderTest> {
  const { cluster, namespace } = world;
  const socketPath = socketOf(name);
  const started = new NodeUnderTest({ cluster, connection, namespace, name, folder, socketPath });
  nodes.push(started);
  await started.prepare();
  await cluster.kubectl(['label', 'node', name, `daris.dev/test=${name}`]);
  const cores = `--cores=${allowedCores().join(',')}`;
  const runtime = await Daemon.start({
    name: `daris-runtime-${name}`,
    command: built('bin', 'daris-runtime'),
    args: [`--socket=${socketPath}`, `--model-root=${built('models')}`, '--inference-address=127.0.0.1:0', cores],
    logFile: join(folder, `${name}.log`),
  });
  runtimes.push(runtime);
  await runtime.ready(async () => existsSync(socketPath), 20_000);
  await started.startAgent();
  await started.ready('True', 'Serving');
  return started;
}

function digestOf(name: string): string {
  const digest = examples[name]?.digest;
  if (digest === undefined) throw new Error(`there is no example ${name}`);
  return digest;
}

function apply(kind: string, name: string, spec: object): Promise<unknown> {
  const metadata = { name, namespace: world.namespace };
  return world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind, metadata, spec });
}

/** A periodic Low task; its deadline leaves room for a busy machine. */
function applyTask(name: string, model: string, terms: object = {}): Promise<unknown> {
  return apply('RealtimeInferenceTask', name, { model, period: '1s', priority: 'Low', release: 'Periodic', ...terms });
}

function applyModel(name: string): Promise<unknown> {
  return apply('InferenceModel', name, { source: { uri: `file:///${name}`, digest: digestOf(name) } });
}

/** A model and a task of the same name. */
async function applyModelAndTask(name: string): Promise<void> {
  await applyModel(name);
  await applyTask(name, name);
}

async function applyProfile(name: string, spec: object): Promise<void> {
  await world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind: 'ModelProfile', metadata: { name }, spec });
}

/** What the runtime of a node says of a task that it serves, and of the task's model. */
async function served(on: string, name: string): Promise<{ task: ObservedTask; model: ObservedModel }> {
  const { metadata, status } = await world.untilTask(name, isReady);
  const digest = status?.effective?.model.digest;
  const watch = new RuntimeWatch(socketOf(on), () => {});
  watch.start();
  try {
    const state = await watch.fresh();
    const task = state.tasks.find(({ uid }) => uid === metadata.uid);
    const model = state.models.find((each) => each.digest === digest);
    if (task === undefined || model === undefined) throw new Error(`the runtime of ${on} has no ${name}`);
    return { task, model };
  } finally {
    watch.stop();
  }
}

function untilProfileOf(digest: string, holds: (profile: Profile) => boolean): Promise<Profile> {
  const probe = async (): Promise<Profile> => {
    const [profile, ...others] = await world.profilesOf(digest);
    if (profile !== undefined && others.length === 0 && holds(profile)) return profile;
    throw new Error(JSON.stringify(profile?.status ?? others.length));
  };
  return waitFor(probe, { what: `the profile of ${digest}`, timeoutMs: 40_000 });
}

const isMeasured = (profile: Profile): boolean => condition(profile, 'Ready')?.reason === 'Measured';

async function jobsRun(name: string, on: NodeUnderTest = node): Promise<void> {
  const line = `daris_jobs_completed_total{namespace="${world.namespace}",task="${name}"}`;
  const probe = async (): Promise<true | undefined> => ((await on.metric(line)) ?? 0) > 0 || undefined;
  await waitFor(probe, { what: `a job of ${name}`, timeoutMs: 20_000 });
}

test('from a model and a task to jobs, by a profile that was measured once', async () => {
  await applyModelAndTask('edge-classifier');
  const profile = await untilProfileOf(digestOf('edge-classifier'), isMeasured);
  expect(profile.spec).toMatchObject({ node: 'n1', gpu: 'cpu-0', engine: 'openvino', partitioning: { contexts: 2 } });
  const { batches = [], progress, afetUs } = profile.status ?? {};
  expect(progress).toBeUndefined();
  expect(batches.map(({ size }) => size)).toEqual(profile.spec.batchSizes);
  for (const batch of batches) {
    expect(batch.stageAfetUs).toHaveLength(4);
    expect(Math.min(...batch.stageAfetUs)).toBeGreaterThan(0);
    expect(batch.afetUs).toBe(batch.stageAfetUs.reduce((sum, us) => sum + us, 0));
  }
  expect(afetUs).toBe(batches[0]?.afetUs);
  const task = await world.untilTask('edge-classifier', isReady);
  const { bookedUtilization, stageAfetUs } = task.status?.placement ?? {};
  expect(stageAfetUs).toEqual(batches[0]?.stageAfetUs);
  const booked = Number(bookedUtilization);
  expect(booked).toBeCloseTo((afetUs ?? 0) / 1_000_000, 6);
  await jobsRun('edge-classifier');
});

test('an agent that starts anew measures nothing again', async () => {
  const before = await untilProfileOf(digestOf('edge-classifier'), isMeasured);
  await node.stopAgent();
  await node.startAgent();
  await node.ready('True', 'Serving');
  await world.untilTask('edge-classifier', isReady);
  const after = await untilProfileOf(digestOf('edge-classifier'), isMeasured);
  expect(after.status?.measuredAt).toBe(before.status?.measuredAt);
  expect(after.status?.batches).toEqual(before.status?.batches);
});

test('an agent that is gone half-way goes on where it was, once it is back', async () => {
  const name = Object.keys(examples).find((each) => each !== 'edge-classifier') ?? '';
  await applyModelAndTask(name);
  await untilProfileOf(digestOf(name), ({ spec }) => spec.node === 'n1');
  await node.stopAgent();
  const waiting = await world.untilTask(name, (task) => condition(task, 'Ready')?.status !== 'True');
  expect(['Profiling', 'NodeNotReady', 'NoNode', 'Starting', 'NodeLost']).toContain(
    condition(waiting, 'Ready')?.reason,
  );
  await node.startAgent();
  await untilProfileOf(digestOf(name), isMeasured);
  await world.untilTask(name, isReady);
  await jobsRun(name);
});

test('a profile of a package that is not there says so, in the words of the runtime', async () => {
  const { spec } = await untilProfileOf(digestOf('edge-classifier'), isMeasured);
  const { node: _node, gpu: _gpu, ...kind } = spec;
  const digest = `sha256:${'9'.repeat(64)}`;
  await applyProfile('by-hand', { ...kind, digest, uri: 'file:///nowhere' });
  const stalled = await untilProfileOf(digest, (profile) => condition(profile, 'Stalled') !== undefined);
  expect(condition(stalled, 'Stalled')).toMatchObject({
    reason: 'NotFound',
    message: expect.stringContaining('nowhere'),
  });
  await world.cluster.kubectl(['delete', 'modelprofile', 'by-hand']);
});

describe('a second node of the same kind', () => {
  const onSecond = { nodeSelector: { 'daris.dev/test': 'n2' } };
  let second: NodeUnderTest;

  beforeAll(async () => {
    second = await startNode('n2');
  }, 60_000);

  test('serves by what the first one measured, and measures nothing itself', async () => {
    const profile = await untilProfileOf(digestOf('edge-classifier'), isMeasured);
    await applyTask('elsewhere', 'edge-classifier', onSecond);
    const { task, model } = await served('n2', 'elsewhere');
    expect(task.afetUs).toBe(profile.status?.afetUs);
    expect(model).toMatchObject({ measured: false, stagesToMeasure: 0 });
    expect(model.batches.flatMap(({ stageAfetUs }) => stageAfetUs)).toEqual([]);
    await jobsRun('elsewhere', second);
  });

  test('goes by an estimate where there is one', async () => {
    const { spec } = await untilProfileOf(digestOf('edge-classifier'), isMeasured);
    const { node: _node, gpu: _gpu, ...kind } = spec;
    const name = 'person-detector';
    const estimate = { stageAfet: ['11ms', '12ms', '13ms', '14ms'] };
    await applyProfile('estimated', { ...kind, digest: digestOf(name), uri: `file:///${name}`, estimate });
    await untilProfileOf(digestOf(name), (profile) => condition(profile, 'Ready')?.status === 'True');
    await applyModel(name);
    await applyTask('estimated', name, onSecond);
    const { task, model } = await served('n2', 'estimated');
    expect(task.afetUs).toBe(50_000);
    expect(model.measured).toBe(false);
    await jobsRun('estimated', second);
  });
});
