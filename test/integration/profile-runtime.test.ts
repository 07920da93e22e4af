// Operator, agent and runtime together: what a profile says is what the runtime measured, and jobs run by it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { connect, type Connection } from '../../kube/connection.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { allowedCores } from '../e2e/cores.ts';

import { isReady } from './agent-part.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { condition, OperatorWorld, type Profile } from './operator-world.ts';

jest.setTimeout(90_000);
const world = new OperatorWorld();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const socketPath = join(folder, 'runtime.sock');
let connection: Connection;
let node: NodeUnderTest;
let runtime: Daemon;
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
  const { cluster, namespace } = world;
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  node = new NodeUnderTest({ cluster, connection, namespace, name: 'n1', folder, socketPath });
  await node.prepare();
  const cores = `--cores=${allowedCores().join(',')}`;
  runtime = await Daemon.start({
    name: 'daris-runtime',
    command: built('bin', 'daris-runtime'),
    args: [`--socket=${socketPath}`, `--model-root=${built('models')}`, '--inference-address=127.0.0.1:0', cores],
    logFile: join(folder, 'runtime.log'),
  });
  await runtime.ready(async () => existsSync(socketPath), 20_000);
  await node.startAgent();
  await node.ready('True', 'Serving');
}, 120_000);

afterAll(async () => {
  await node.remove();
  await runtime.stop();
  await connection.close();
  await world.stop();
  rmSync(folder, { recursive: true });
}, 90_000);

function digestOf(name: string): string {
  const digest = examples[name]?.digest;
  if (digest === undefined) throw new Error(`there is no example ${name}`);
  return digest;
}

/** A model and a periodic Low task of the same name; its deadline leaves room for a busy machine. */
async function applyModelAndTask(name: string): Promise<void> {
  const apply = (kind: string, spec: object): Promise<unknown> =>
    world.cluster.apply({
      apiVersion: 'daris.dev/v1alpha1',
      kind,
      metadata: { name, namespace: world.namespace },
      spec,
    });
  await apply('InferenceModel', { source: { uri: `file:///${name}`, digest: digestOf(name) } });
  await apply('RealtimeInferenceTask', { model: name, period: '1s', priority: 'Low', release: 'Periodic' });
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

async function jobsRun(name: string): Promise<void> {
  const line = `daris_jobs_completed_total{namespace="${world.namespace}",task="${name}"}`;
  const probe = async (): Promise<true | undefined> => ((await node.metric(line)) ?? 0) > 0 || undefined;
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
  const booked = Number(task.status?.placement?.bookedUtilization);
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
  const metadata = { name: 'by-hand' };
  const missing = { ...kind, digest, uri: 'file:///nowhere' };
  await world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind: 'ModelProfile', metadata, spec: missing });
  const stalled = await untilProfileOf(digest, (profile) => condition(profile, 'Stalled') !== undefined);
  expect(condition(stalled, 'Stalled')).toMatchObject({
    reason: 'NotFound',
    message: expect.stringContaining('nowhere'),
  });
  await world.cluster.kubectl(['delete', 'modelprofile', 'by-hand']);
});
