// A node that was cut off: its runtime serves on, its tasks are placed elsewhere, and once its agent reaches the API server
// again it drops what is no longer its own, without a word about it in their statuses.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { connect, type Connection } from '../../kube/connection.ts';
import type { ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import type { Daemon } from '../control-plane/daemon.ts';
import { waitFor } from '../control-plane/wait.ts';

import { isReady, type AgentPart } from './agent-part.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { OperatorWorld, type Task } from './operator-world.ts';
import { exampleSource, observe, startRuntime } from './runtime-process.ts';

jest.setTimeout(150_000);
const timeoutMs = 60_000;
const world = new OperatorWorld();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const socketPath = join(folder, 'runtime.sock');
let connection: Connection;
let node: NodeUnderTest;
let runtime: Daemon;
let refuge: AgentPart;

beforeAll(async () => {
  await world.startWithoutOperator();
  const election = ['--leader-lease-seconds=120', '--leader-renew-seconds=100', '--leader-retry-seconds=1'];
  await world.addOperator([...election, '--node-lease-seconds=10']);
  const { cluster, namespace } = world;
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  node = new NodeUnderTest({ cluster, connection, namespace, name: 'n1', folder, socketPath });
  await node.prepare();
  runtime = await startRuntime({ socketPath, logFile: join(folder, 'runtime.log') });
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

function untilTask(name: string, what: string, holds: (task: Task) => boolean): Promise<Task> {
  const probe = async (): Promise<Task> => {
    const task = await world.task(name);
    if (holds(task)) return task;
    throw new Error(JSON.stringify(task.status));
  };
  return waitFor(probe, { what: `${name} ${what}`, timeoutMs });
}

/** High, so that it stays where it is until its node is lost. */
async function serve(name: string, model: string): Promise<Task> {
  const apply = (kind: string, called: string, spec: object): Promise<void> => {
    const metadata = { name: called, namespace: world.namespace };
    return world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind, metadata, spec });
  };
  await apply('InferenceModel', model, { source: exampleSource(model) });
  await apply('RealtimeInferenceTask', name, { model, period: '500ms', priority: 'High', release: 'Periodic' });
  return untilTask(name, 'to be served', isReady);
}

async function inRuntime(uid: string): Promise<ObservedTask | undefined> {
  return (await observe(socketPath)).tasks.find((task) => task.uid === uid);
}

test('its runtime serves on while others have its task, and drops that when the node is back', async () => {
  const first = await serve('lane', 'edge-classifier');
  const { uid } = first.metadata;
  expect(first.status?.placement).toMatchObject({ node: 'n1', epoch: 1 });
  refuge = await world.addNode('n2', 2, '192.0.2.1:8001', { memoryBytes: 2 ** 30 });

  node.proxy.sever();
  const moved = await untilTask('lane', 'to be placed elsewhere', ({ status }) => status?.placement?.node === 'n2');
  expect(moved.status?.placement?.epoch).toBe(2);
  await refuge.serve(moved);
  const atRefuge = (task: Task): boolean => isReady(task) && task.status?.endpoint?.service !== undefined;
  const served = await untilTask('lane', 'to be served elsewhere', atRefuge);
  const left = await inRuntime(uid);
  expect(left?.epoch).toBe(1);
  const jobs = left?.jobs?.completed ?? 0;
  await waitFor(async () => ((await inRuntime(uid))?.jobs?.completed ?? 0) > jobs || undefined, {
    what: 'the runtime that was cut off to serve on',
    timeoutMs,
  });

  node.proxy.mend();
  await waitFor(async () => (await inRuntime(uid)) === undefined || undefined, {
    what: 'the task to be dropped where it is no longer placed',
    timeoutMs,
  });
  await node.ready('True', 'Serving');
  // Not a single write: neither the operator nor the agent that was away had to say anything about it.
  expect(await world.task('lane')).toEqual(served);
});

test('what comes back to it begins anew, under a higher epoch', async () => {
  refuge.die();
  const back = await untilTask('lane', 'to be back', (task) => task.status?.placement?.node === 'n1' && isReady(task));
  expect(back.status?.placement?.epoch).toBe(3);
  expect(back.status?.runtime?.epoch).toBe(3);
  expect((await inRuntime(back.metadata.uid))?.epoch).toBe(3);
});

test('an agent that starts anew while it is cut off leaves the runtime alone until it knows better', async () => {
  const { uid } = (await world.task('lane')).metadata;
  await node.stopAgent();
  node.proxy.sever();
  await node.startAgent();
  const before = await observe(socketPath);
  await world.deleteTasks('lane');
  const jobs = before.tasks[0]?.jobs?.completed ?? 0;
  const on = async (): Promise<true | undefined> =>
    ((await inRuntime(uid))?.jobs?.completed ?? 0) > jobs + 3 || undefined;
  await waitFor(on, { what: 'the runtime to serve on', timeoutMs });
  expect((await observe(socketPath)).appliedGeneration).toBe(before.appliedGeneration);
  node.proxy.mend();
  const gone = async (): Promise<true | undefined> => (await inRuntime(uid)) === undefined || undefined;
  await waitFor(gone, { what: 'the deleted task to be dropped', timeoutMs });
});
