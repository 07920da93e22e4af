// The kernel on a real API server: what it reads, writes and survives is what the server does, not what a stub says.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';

import { KubeClient } from '../../kube/client.ts';
import { SystemClock } from '../../kube/clock.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { Controller, done } from '../../kube/controller.ts';
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from '../../kube/errors.ts';
import { EventRecorder, events } from '../../kube/events.ts';
import { LeaseHolder, leases } from '../../kube/lease.ts';
import { MetricRegistry } from '../../kube/metrics.ts';
import { Reflector } from '../../kube/reflector.ts';
import { defineResource, keyOf, type KubeObject, type ObjectMeta } from '../../kube/resource.ts';
import { waitFor } from '../control-plane/wait.ts';

import { sharedCluster } from './shared-cluster.ts';

interface ConfigMap extends KubeObject {
  metadata?: ObjectMeta;
  data?: { [key: string]: string };
}

interface Gauge extends KubeObject {
  metadata?: ObjectMeta;
  spec?: { limit?: number };
  status?: { reading?: number; unit?: string };
}

const configMaps = defineResource<ConfigMap>({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
});

const namespaces = defineResource<KubeObject>({
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
});

const cluster = sharedCluster();
const clock = new SystemClock();
const log = pino({ level: 'silent' });

let connection: Connection;
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'kube-test' });
  client = new KubeClient(connection);
  namespace = await cluster.createNamespace('kube');
}, 30_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
}, 30_000);

/** TCP connections that undici opens while `work` runs. */
async function connectionsOpened(work: () => Promise<unknown>): Promise<number> {
  let opened = 0;
  const count = (): void => void opened++;
  subscribe('undici:client:connected', count);
  try {
    await work();
  } finally {
    unsubscribe('undici:client:connected', count);
  }
  return opened;
}

/** What the call was refused with. */
async function refusal(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call was not refused');
}

/** `count` calls, twenty at a time. */
async function inBatches(count: number, call: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 20) {
    await Promise.all(Array.from({ length: Math.min(20, count - from) }, (_, offset) => call(from + offset)));
  }
}

function configMap(name: string, data: { [key: string]: string } = {}): ConfigMap {
  return { metadata: { name, namespace, labels: { test: 'kube' } }, data };
}

describe('calls', () => {
  test('200 of them, twenty at a time, open two connections', async () => {
    const fresh = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'kube-test' });
    const many = new KubeClient(fresh);
    const ref = { name: 'kube-root-ca.crt', namespace: 'default' };
    const opened = await connectionsOpened(() => inBatches(200, () => many.get(configMaps, ref)));
    await fresh.close();
    expect(opened).toBeGreaterThanOrEqual(1);
    expect(opened).toBeLessThanOrEqual(2);
  }, 60_000);

  test('each refusal is told apart by its status', async () => {
    const first = await client.create(configMaps, configMap('first', { a: '1' }));
    expect(keyOf(first)).toBe(`${namespace}/first`);
    const again = client.create(configMaps, configMap('first'));
    expect(isAlreadyExists(await refusal(again))).toBe(true);
    const absent = client.get(configMaps, { namespace, name: 'absent' });
    expect(isNotFound(await refusal(absent))).toBe(true);
    const malformed = client.create(configMaps, configMap('Not_A_Name'));
    expect(isInvalid(await refusal(malformed))).toBe(true);
    await expect(malformed).rejects.toMatchObject({ causes: [expect.objectContaining({ field: 'metadata.name' })] });

    const second = await client.replace(configMaps, { ...first, data: { a: '2' } });
    expect(second.data).toEqual({ a: '2' });
    expect(isConflict(await refusal(client.replace(configMaps, { ...first, data: { a: '3' } })))).toBe(true);

    const ref = { namespace, name: 'first' };
    const wrong = client.delete(configMaps, ref, { preconditions: { uid: 'another' } });
    expect(isConflict(await refusal(wrong))).toBe(true);
    await client.delete(configMaps, ref, { preconditions: { uid: first.metadata.uid } });
    expect(isNotFound(await refusal(client.get(configMaps, ref)))).toBe(true);
  });
});

describe('server-side apply on the status of a custom resource', () => {
  let group: string;

  beforeAll(async () => {
    group = `${namespace}.example.com`;
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await cluster.apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `gauges.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind: 'Gauge', plural: 'gauges' },
        versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }],
      },
    });
    await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', `crd/gauges.${group}`]);
  }, 60_000);

  afterAll(() => cluster.kubectl(['delete', 'crd', `gauges.${group}`]));

  test('owners share the status, take it over by force only, and a stale or recreated object is refused', async () => {
    const gauges = defineResource<Gauge>({
      apiVersion: `${group}/v1`,
      kind: 'Gauge',
      plural: 'gauges',
      namespaced: true,
    });
    const metadata = { namespace, name: 'oil' };
    const created = await client.apply(gauges, { metadata, spec: { limit: 5 } }, { fieldManager: 'user' });
    const status = { fieldManager: 'reader', subresource: 'status' } as const;
    const read = await client.apply(gauges, { metadata, status: { reading: 1 } }, status);
    expect(read).toMatchObject({ spec: { limit: 5 }, status: { reading: 1 } });
    expect(read.metadata).not.toHaveProperty('managedFields');

    const other = { ...status, fieldManager: 'other' };
    const both = await client.apply(gauges, { metadata, status: { unit: 'bar' } }, other);
    expect(both.status).toEqual({ reading: 1, unit: 'bar' });
    const grab = client.apply(gauges, { metadata, status: { reading: 2 } }, other);
    expect(isConflict(await refusal(grab))).toBe(true);
    const forced = await client.apply(gauges, { metadata, status: { reading: 2 } }, { ...other, force: true });
    expect(forced.status).toEqual({ reading: 2 });

    const stale = { ...other, force: true, resourceVersion: created.metadata.resourceVersion };
    expect(isConflict(await refusal(client.apply(gauges, { metadata, status: { reading: 3 } }, stale)))).toBe(true);

    await client.delete(gauges, metadata);
    await client.apply(gauges, { metadata, spec: { limit: 6 } }, { fieldManager: 'user' });
    const slow = { ...other, force: true, resourceVersion: forced.metadata.resourceVersion };
    expect(isConflict(await refusal(client.apply(gauges, { metadata, status: { reading: 4 } }, slow)))).toBe(true);
  }, 30_000);
});

describe('many objects', () => {
  const count = 2_000;

  test('2,000 are listed in pages, kept by a reflector, and each change reaches a controller once', async () => {
    await inBatches(count, (index) => client.create(configMaps, configMap(`map-${index}`, { index: String(index) })));
    const metrics = new MetricRegistry();
    const counted = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'kube-test', metrics });
    const paged = new KubeClient(counted);
    const selection = { namespace, labelSelector: 'test=kube' };
    const list = await paged.list(configMaps, { ...selection, pageSize: 300 });
    expect(new Set(list.items.map((object) => object.data?.['index'])).size).toBe(count);
    expect(metrics.expose()).toContain('kube_client_requests_total{method="GET",status="200"} 7\n');

    const reflector = new Reflector({
      client: paged,
      resource: configMaps,
      selection,
      indexes: { byDigit: ({ data }) => [data?.['index']?.at(-1) ?? ''] },
      clock,
      log,
    });
    const runs = new Map<string, number>();
    const reconcile = async (key: string): Promise<typeof done> => {
      runs.set(key, (runs.get(key) ?? 0) + 1);
      return done;
    };
    const controller = new Controller({ name: 'maps', reconcile, clock, log, workers: 4 }).watch(reflector);
    reflector.start();
    controller.start();
    await reflector.synced(AbortSignal.timeout(20_000));
    expect(reflector.store.size).toBe(count);
    expect(reflector.store.byIndex('byDigit', '7')).toHaveLength(count / 10);
    await waitFor(() => runs.size === count || undefined, { what: 'all to be reconciled', timeoutMs: 20_000 });

    const key = `${namespace}/map-5`;
    await client.apply(
      configMaps,
      { ...configMap('map-5', { more: 'x' }), metadata: { namespace, name: 'map-5' } },
      { fieldManager: 'kube-test' },
    );
    await client.delete(configMaps, { namespace, name: 'map-6' });
    await waitFor(() => runs.get(`${namespace}/map-6`) === 2 || undefined, { what: 'the deletion', timeoutMs: 20_000 });
    expect(runs.get(key)).toBe(2);
    expect(reflector.store.get(key)?.data).toMatchObject({ index: '5', more: 'x' });
    expect(reflector.store.size).toBe(count - 1);
    await controller.stop();
    await reflector.stop();
    await counted.close();
  }, 120_000);
});

describe('events and leases', () => {
  test('the server takes an event, its series, and one about a cluster-scoped object', async () => {
    const recorder = new EventRecorder({ client, controller: 'example.com/kube-test', instance: 'here', clock, log });
    recorder.start();
    const regarding = await client.create(configMaps, configMap('subject'));
    const event = { regarding, type: 'Normal', reason: 'Tried', action: 'Try' } as const;
    recorder.record({ ...event, note: 'once' });
    const subject = { namespace, fieldSelector: 'reportingController=example.com/kube-test' };
    const noted = async (note: string): Promise<number | undefined> => {
      const found = (await client.list(events, subject)).items.find((item) => item.note === note);
      return found && (found.series?.count ?? 1);
    };
    expect(await waitFor(() => noted('once'), { what: 'the event', timeoutMs: 10_000 })).toBe(1);
    for (let index = 0; index < 4; index++) recorder.record({ ...event, note: 'once' });
    recorder.record({ ...event, type: 'Warning', note: 'stopping' });
    const scopeless = await client.get(namespaces, { name: namespace });
    recorder.record({ ...event, regarding: scopeless, note: `about ${namespace}` });
    await recorder.stop();
    expect(await noted('once')).toBe(5);
    expect(await noted('stopping')).toBe(1);
    const inDefault = await client.list(events, { ...subject, namespace: 'default' });
    expect(inDefault.items.map(({ note }) => note)).toContain(`about ${namespace}`);
    expect(await cluster.kubectl(['describe', 'configmap', 'subject', '-n', namespace])).toContain('once');
  }, 30_000);

  test('a lease is created, renewed and released', async () => {
    const ref = { namespace, name: 'node-1' };
    const timing = { durationMs: 3_000, renewEveryMs: 200 };
    const holder = new LeaseHolder({ client, lease: ref, holder: 'node-1', ...timing, clock, log });
    holder.start();
    await waitFor(() => holder.held || undefined, { what: 'the lease', timeoutMs: 10_000 });
    const first = await client.get(leases, ref);
    expect(first.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 3, leaseTransitions: 0 });
    const renewed = async (): Promise<true | undefined> =>
      (await client.get(leases, ref)).spec?.renewTime !== first.spec?.renewTime || undefined;
    await waitFor(renewed, { what: 'a renewal', timeoutMs: 10_000 });
    await holder.stop({ release: true });
    expect((await client.get(leases, ref)).spec?.holderIdentity).toBe('');
  }, 30_000);
});
