// What a stolen token of the operator cannot do, asked of the real API server: its Services and slices are those of tasks,
// under its own label; what others made it neither changes nor deletes; and it keeps no node alive.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { realtimeInferenceTasks, systemNamespace } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { leases } from '../../kube/lease.ts';
import type { KubeObject, Resource, Stored } from '../../kube/resource.ts';
import { managedBy, managedByLabel } from '../../operator/controllers/endpoint/decide.ts';
import { servicesResource, slicesResource } from '../../operator/resources.ts';
import { waitFor } from '../control-plane/wait.ts';

import { taskResource } from './agent-part.ts';
import { sharedCluster } from './shared-cluster.ts';

const admin = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const label = { [managedByLabel]: managedBy };
const foreignLabel = { [managedByLabel]: 'somebody' };
const connections: Connection[] = [];
let namespace: string;
let asAdmin: KubeClient;
let asOperator: KubeClient;
let taskUid: string;

function client(kubeconfigPath: string): KubeClient {
  const connection = connect({ kubeconfigPath, userAgent: 'test' });
  connections.push(connection);
  return new KubeClient(connection);
}

interface Made {
  readonly labels?: Record<string, string>;
  readonly owner?: 'task' | 'nobody';
}

function metadata(name: string, { labels, owner = 'task' }: Made): object {
  const reference = { apiVersion: 'daris.dev/v1alpha1', kind: 'RealtimeInferenceTask', name, uid: taskUid };
  return { name, namespace, labels, ...(owner === 'task' ? { ownerReferences: [reference] } : {}) };
}

const kinds: [string, Resource<KubeObject>, object][] = [
  ['services', servicesResource, { spec: { clusterIP: 'None', ports: [{ name: 'grpc', port: 8001 }] } }],
  ['endpointslices', slicesResource, { addressType: 'IPv4', endpoints: [], ports: [] }],
];

beforeAll(async () => {
  namespace = await admin.createNamespace('owned');
  const kubeconfig = join(folder, 'operator.kubeconfig');
  await admin.writeServiceAccountKubeconfig(kubeconfig, { namespace: systemNamespace, name: 'daris-operator' });
  asAdmin = client(admin.kubeconfig);
  asOperator = client(kubeconfig);
  const { apiVersion, kind } = realtimeInferenceTasks;
  const spec = { model: 'any', period: '50ms', priority: 'Low' } as const;
  taskUid = (await asAdmin.create(taskResource, { apiVersion, kind, metadata: { name: 'lane', namespace }, spec }))
    .metadata.uid;
  const isRefused = async (): Promise<true | undefined> => {
    const service = { metadata: { name: 'probe', namespace }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } };
    const created = await asOperator.create(servicesResource, service).catch(() => undefined);
    if (created === undefined) return true;
    await asOperator.delete(servicesResource, { name: 'probe', namespace });
    return undefined;
  };
  await waitFor(isRefused, { what: 'the admission policy to be in force', timeoutMs: 30_000 });
}, 90_000);

afterAll(async () => {
  await admin.kubectl(['delete', 'lease', 'owned-node', '-n', systemNamespace, '--ignore-not-found']);
  await admin.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  for (const connection of connections) await connection.close();
  rmSync(folder, { recursive: true });
}, 60_000);

describe.each(kinds)('of %s the operator', (plural, resource, content) => {
  const ref = { name: 'lane', namespace: '' };
  const made = (how: Made): KubeObject => Object.assign({ metadata: metadata('lane', how) }, content);
  const notOurs = `the operator may write only ${plural} that are labelled app.kubernetes.io/managed-by=daris-operator and owned by the task of their name`;
  const foreign = `the operator may not take over ${plural} that others made: lane is neither labelled`;

  /** As somebody else than the operator made it, whatever was there before. */
  async function present(how: Made): Promise<Stored<KubeObject>> {
    ref.namespace = namespace;
    await asAdmin.delete(resource, ref).catch(() => undefined);
    return asAdmin.create(resource, made(how));
  }

  function labelled(object: Stored<KubeObject>, labels: Record<string, string> | undefined): KubeObject {
    const { ownerReferences } = metadata('lane', {}) as { ownerReferences: unknown };
    return { ...object, metadata: Object.assign({}, object.metadata, { labels, ownerReferences }) };
  }

  test('makes, changes and deletes its own', async () => {
    const created = await asOperator.create(resource, made({ labels: label }));
    await asOperator.replace(resource, labelled(created, { ...label, more: 'x' }));
    await asOperator.delete(resource, { name: 'lane', namespace });
  });

  test.each<[string, Made]>([
    ['without a label', {}],
    ["under somebody else's label", { labels: foreignLabel }],
    ['for no task', { labels: label, owner: 'nobody' }],
  ])('makes none %s', async (_what, how) => {
    await expect(asOperator.create(resource, made(how))).rejects.toThrow(notOurs);
  });

  test.each<[string, Made]>([
    ['nobody labelled', { owner: 'nobody' }],
    ['somebody else labelled', { labels: foreignLabel, owner: 'nobody' }],
  ])('does not take over what %s', async (_what, how) => {
    const before = await present(how);
    await expect(asOperator.replace(resource, labelled(before, label))).rejects.toThrow(foreign);
    await expect(asOperator.replace(resource, before)).rejects.toThrow(notOurs);
    await expect(asOperator.delete(resource, ref)).rejects.toThrow(foreign);
    expect(await asAdmin.get(resource, ref)).toEqual(before);
  });

  test('does not give its own away', async () => {
    const own = await present({ labels: label });
    await expect(asOperator.replace(resource, labelled(own, foreignLabel))).rejects.toThrow(notOurs);
  });

  test('labels its own again whose label somebody took', async () => {
    const own = await present({});
    await asOperator.replace(resource, labelled(own, label));
  });
});

test('the operator makes no Lease of a node', async () => {
  const lease = { metadata: { name: 'owned-node', namespace: systemNamespace }, spec: { holderIdentity: 'x' } };
  await expect(asOperator.create(leases, lease)).rejects.toThrow(
    'the operator may write only the Lease daris-operator',
  );
});
