// Writing a status whose object others change at the same time, on a real API server: conflicts are re-read and recomputed,
// and what is no longer the same object is left alone.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { fieldManagers } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { type StoredTask, tasks } from '../../node-agent/resources.ts';
import { type Item, Subject } from '../../node-agent/subject.ts';
import { effective, placement } from '../../node-agent/testing/fixtures.ts';
import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
const operator = { fieldManager: fieldManagers.operator, force: true } as const;
const name = 'front';
let connection: Connection;
let client: KubeClient;
let namespace: string;
/** Every object that a statement was computed for. */
let stated: StoredTask[];

beforeAll(async () => {
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  client = new KubeClient(connection);
  namespace = await cluster.createNamespace('subject');
}, 30_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
}, 30_000);

beforeEach(async () => {
  stated = [];
  await cluster.kubectl(['delete', 'rit', '--all', '-n', namespace]);
});

async function place(epoch: number): Promise<StoredTask> {
  const spec = { model: 'detector', period: '50ms', priority: 'Low' };
  await client.apply(tasks, { metadata: { name, namespace }, spec }, operator);
  const status = { effective, placement: { ...placement, epoch } };
  return client.apply(tasks, { metadata: { name, namespace }, status }, { ...operator, subresource: 'status' });
}

/** What is to be written of `seen`, an object as it was at some time: that it runs under the epoch of its placement. */
function item(seen: StoredTask): Item {
  const subject = new Subject({
    client,
    resource: tasks,
    list: () => [seen],
    state: (task) => {
      stated.push(task);
      const epoch = task.status?.placement?.epoch;
      return epoch === undefined ? undefined : { change: 'transition', status: { runtime: { epoch } } };
    },
    learned: () => undefined,
    log: pino({ level: 'silent' }),
  });
  const [only] = subject.items();
  if (only === undefined) throw new Error('nothing was to be said');
  return only;
}

async function writtenEpoch(): Promise<number | undefined> {
  return (await client.get(tasks, { name, namespace })).status?.runtime?.epoch;
}

const signal = AbortSignal.timeout(60_000);

test('what was said of an older version is said anew of the newest', async () => {
  const old = await place(1);
  await place(2);
  await item(old).write(signal);
  expect(await writtenEpoch()).toBe(2);
  expect(stated.at(-1)?.status?.placement?.epoch).toBe(2);
}, 30_000);

test('an object created anew under the same name gets nothing of the old one', async () => {
  const old = await place(7);
  await client.delete(tasks, { name, namespace });
  await place(1);
  await item(old).write(signal);
  expect(await writtenEpoch()).toBeUndefined();
}, 30_000);

test('an object that is gone is no failure', async () => {
  const old = await place(1);
  await client.delete(tasks, { name, namespace });
  await expect(item(old).write(signal)).resolves.toBeUndefined();
}, 30_000);

test('what is no longer ours to say after a conflict is not said', async () => {
  const old = await place(1);
  await client.apply(
    tasks,
    { metadata: { name, namespace }, status: { effective } },
    { ...operator, subresource: 'status' },
  );
  await item(old).write(signal);
  expect(await writtenEpoch()).toBeUndefined();
}, 30_000);
