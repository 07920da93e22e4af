// What a stolen token of a node's agent can do, asked of the real API server with a token that is bound to a Node: its own
// fields and conditions of the objects of its own node, and nothing else, field by field of every status.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { secondsIso, type Condition } from '../../api/conditions.ts';
import { fieldManagers, leaderLease, systemNamespace } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { events, type Event } from '../../kube/events.ts';
import { leases } from '../../kube/lease.ts';
import { objectPath, type KubeObject, type ObjectRef, type Resource } from '../../kube/resource.ts';
import { digest } from '../../node-agent/testing/fixtures.ts';
import { waitFor } from '../control-plane/wait.ts';

import { gpuNodeResource, modelResource, profileResource, taskResource } from './agent-part.ts';
import { sharedCluster } from './shared-cluster.ts';
import { statusFields, statusShares, type Share } from './status-shares.ts';

const admin = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const node = 'confined-own';
const shares = statusShares(node);
const resources = [taskResource, modelResource, profileResource, gpuNodeResource] as Resource<KubeObject>[];
const connections: Connection[] = [];
let namespace: string;
let asAdmin: KubeClient;
let asAgent: KubeClient;

function resourceOf(plural: string): Resource<KubeObject> {
  const found = resources.find((each) => each.plural === plural);
  if (found === undefined) throw new Error(`no test knows the kind ${plural}`);
  return found;
}

function shareOf(plural: string): Share {
  const found = shares[plural];
  if (found === undefined) throw new Error(`nobody said who writes ${plural}`);
  return found;
}

async function agentOf(name: string): Promise<KubeClient> {
  const kubeconfigPath = join(folder, `${name}.kubeconfig`);
  const account = { namespace: systemNamespace, name: 'daris-agent', node: name };
  await admin.writeServiceAccountKubeconfig(kubeconfigPath, account);
  return client(kubeconfigPath);
}

function client(kubeconfigPath: string): KubeClient {
  const connection = connect({ kubeconfigPath, userAgent: 'test' });
  connections.push(connection);
  return new KubeClient(connection);
}

function ref(plural: string): ObjectRef {
  if (plural === 'gpunodes') return { name: node };
  return resourceOf(plural).namespaced ? { name: 'confined', namespace } : { name: 'confined' };
}

function specOf(plural: string): object {
  const source = { uri: 'file:///x', digest };
  const partitioning = { contexts: 2, streamsPerContext: 1, oversubscription: '1' };
  const kind = { product: 'CPU', partitioning, engine: 'openvino', engineVersion: '1' };
  const specs: Record<string, object> = {
    realtimeinferencetasks: { spec: { model: 'any', period: '50ms', priority: 'Low' } },
    inferencemodels: { spec: { source } },
    modelprofiles: { spec: { digest, uri: source.uri, ...kind, batchSizes: [1], node, gpu: 'gpu-0' } },
  };
  return specs[plural] ?? {};
}

function condition(type: string, message: string): Condition {
  return { type, status: 'False', reason: 'Tried', message, lastTransitionTime: secondsIso(0) };
}

type Write = { readonly status: object; readonly metadata?: object };

function apply(who: KubeClient, plural: string, { status }: Write, fieldManager: string): Promise<unknown> {
  const resource = resourceOf(plural);
  const options = { fieldManager, force: true, subresource: 'status' } as const;
  return who.apply(resource, Object.assign({ metadata: ref(plural) }, { status }), options);
}

/** As `kubectl patch --type=merge --subresource=status` does: what is null is removed, whoever owns it. */
function merge(who: KubeClient, plural: string, body: Write, fieldManager = 'daris-agent'): Promise<unknown> {
  return who.connection.call({
    method: 'PATCH',
    path: objectPath(resourceOf(plural), ref(plural), 'status'),
    query: { fieldManager },
    contentType: 'application/merge-patch+json',
    body,
  });
}

async function presentConditions(plural: string): Promise<Condition[]> {
  const object = await asAdmin.get(resourceOf(plural), ref(plural));
  return (object as { status?: { conditions?: Condition[] } }).status?.conditions ?? [];
}

/** The operator's whole share, as it applies it. */
function operatorsStatus({ operator, operatorTypes }: Share): object {
  const fields = Object.entries(operator).map(([field, [present]]) => [field, present]);
  return { ...Object.fromEntries(fields), conditions: operatorTypes.map((type) => condition(type, 'said')) };
}

beforeAll(async () => {
  namespace = await admin.createNamespace('confined');
  await admin.createNode(node);
  await admin.createNode(leaderLease);
  asAdmin = client(admin.kubeconfig);
  asAgent = await agentOf(node);
  for (const [plural, share] of Object.entries(shares)) {
    const resource = resourceOf(plural);
    const options = { fieldManager: fieldManagers.operator, force: true };
    await asAdmin.apply(resource, Object.assign({ metadata: ref(plural) }, specOf(plural)), options);
    await apply(asAdmin, plural, { status: operatorsStatus(share) }, fieldManagers.operator);
  }
  const isRefused = (): Promise<true | undefined> =>
    merge(asAgent, 'gpunodes', { status: { policy: { name: 'forged' } } }).then(
      () => undefined,
      () => true as const,
    );
  await waitFor(isRefused, { what: 'the admission policy to be in force', timeoutMs: 30_000 });
  await apply(asAdmin, 'gpunodes', { status: operatorsStatus(shareOf('gpunodes')) }, fieldManagers.operator);
}, 90_000);

afterAll(async () => {
  await admin.kubectl(['delete', 'gpunode,node', node, leaderLease, '--ignore-not-found']);
  await admin.kubectl(['delete', 'modelprofile', 'confined', '--ignore-not-found']);
  await admin.kubectl(['delete', 'lease', node, '-n', systemNamespace, '--ignore-not-found']);
  await admin.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  for (const connection of connections) await connection.close();
  rmSync(folder, { recursive: true });
}, 60_000);

test.each(Object.keys(shares))('every field of the status of %s has one author', (plural) => {
  const { agent, operator } = shareOf(plural);
  const authored = [...Object.keys(agent), ...Object.keys(operator), 'conditions'];
  expect(statusFields(plural).toSorted()).toEqual(authored.toSorted());
});

describe.each(Object.entries(shares))('of the status of %s an agent', (plural, share) => {
  const operatorFields = Object.entries(share.operator);
  const foreignTypes = [...share.operatorTypes, 'Invented'];

  test('writes its own share, and again', async () => {
    const conditions = share.agentTypes.map((type) => condition(type, 'seen'));
    await apply(asAgent, plural, { status: { ...share.agent, conditions } }, fieldManagers.agent);
    const changed = share.agentTypes.map((type) => condition(type, 'seen again'));
    await apply(asAgent, plural, { status: { ...share.agent, conditions: changed } }, fieldManagers.agent);
    const { status } = (await asAdmin.get(resourceOf(plural), ref(plural))) as {
      status?: object;
    };
    expect(status).toMatchObject(share.agent);
    expect(await presentConditions(plural)).toEqual(expect.arrayContaining(changed));
  });

  test.each(Object.entries(share.agent))('writes %s alone', async (field, value) => {
    await merge(asAgent, plural, { status: { [field]: value } });
  });

  test.each(operatorFields)('cannot change %s', async (field, [, forged]) => {
    const refusal = `only the operator writes status.${field} of ${plural}; an agent writes ${Object.keys(share.agent).toSorted().join(', ')}`;
    await expect(merge(asAgent, plural, { status: { [field]: forged } })).rejects.toThrow(refusal);
    const applied = apply(asAgent, plural, { status: { [field]: forged } }, fieldManagers.agent);
    await expect(applied).rejects.toThrow(`only the operator writes status.${field} of ${plural}`);
  });

  test.each(operatorFields)('cannot remove %s', async (field) => {
    const answer = merge(asAgent, plural, { status: { [field]: null } });
    await expect(answer).rejects.toThrow(`only the operator writes status.${field} of ${plural}`);
  });

  test.each(operatorFields)('cannot come to own %s by applying what it is', async (field, [present]) => {
    const answer = apply(asAgent, plural, { status: { [field]: present } }, fieldManagers.agent);
    await expect(answer).rejects.toThrow(`an agent may not own what the operator writes of ${plural}: f:${field}`);
  });

  test.each(foreignTypes)('cannot say %s', async (type) => {
    const refusal = `only the operator writes condition ${type} of ${plural}; an agent writes ${share.agentTypes.toSorted().join(', ')}`;
    const said = { status: { conditions: [condition(type, 'forged')] } };
    await expect(apply(asAgent, plural, said, fieldManagers.agent)).rejects.toThrow(refusal);
  });

  test.each(share.operatorTypes)('cannot take %s back, or come to own it', async (type) => {
    const present = await presentConditions(plural);
    const others = present.filter((each) => each.type !== type);
    const removed = merge(asAgent, plural, { status: { conditions: others } });
    await expect(removed).rejects.toThrow(`only the operator writes condition ${type} of ${plural}`);
    const same = present.filter((each) => each.type === type);
    const owned = apply(asAgent, plural, { status: { conditions: same } }, fieldManagers.agent);
    await expect(owned).rejects.toThrow(
      `an agent may not own what the operator writes of ${plural}: k:{"type":"${type}"}`,
    );
  });

  test('cannot make the operator own nothing', async () => {
    const owners = async (): Promise<string> => {
      const { name, namespace: within } = ref(plural);
      const scope = within === undefined ? [] : ['-n', within];
      return admin.kubectl([
        'get',
        plural,
        name,
        ...scope,
        '--show-managed-fields',
        '-o',
        'jsonpath={.metadata.managedFields[?(@.manager=="daris-operator")]}',
      ]);
    };
    const before = await owners();
    expect(before).toContain('f:status');
    await merge(asAgent, plural, { metadata: { managedFields: [{}] }, status: share.agent });
    expect(await owners()).toBe(before);
  });

  test("cannot write in the operator's name", async () => {
    const answer = apply(asAgent, plural, { status: share.agent }, fieldManagers.operator);
    await expect(answer).rejects.toThrow(/writes a status under its own field manager|only the operator writes/);
    await expect(merge(asAgent, plural, { status: share.agent }, 'kubectl')).rejects.toThrow('its own field manager');
  });
});

describe('epochs', () => {
  test.each([
    [2, 'status.runtime may not speak of epoch 2: the task is placed under epoch 1'],
    [0, 'status.runtime may not speak of epoch 0'],
  ])('an agent cannot speak of epoch %d, which was never decided or is over', async (epoch, refusal) => {
    await merge(asAgent, 'realtimeinferencetasks', { status: { runtime: { epoch: 1, context: 1 } } });
    const answer = merge(asAgent, 'realtimeinferencetasks', { status: { runtime: { epoch, context: 1 } } });
    await expect(answer).rejects.toThrow(refusal);
  });

  test('an agent cannot take away what it said of an epoch', async () => {
    await merge(asAgent, 'realtimeinferencetasks', { status: { runtime: { epoch: 1, context: 1 } } });
    await expect(merge(asAgent, 'realtimeinferencetasks', { status: { runtime: null } })).rejects.toThrow('epoch 0');
  });
});

describe('Leases', () => {
  const lease = (name: string): object => ({ metadata: { name, namespace: systemNamespace } });

  test('an agent writes that of its own node alone', async () => {
    const own = await asAgent.create(leases, lease(node));
    await asAgent.replace(leases, { ...own, spec: { holderIdentity: 'me', leaseDurationSeconds: 10 } });
    await expect(asAgent.create(leases, lease('confined-other'))).rejects.toThrow(
      'may write only the object of that name',
    );
    const nameless = { metadata: { generateName: `${node}-`, namespace: systemNamespace } };
    await expect(asAgent.create(leases, nameless)).rejects.toThrow('may write only the object of that name');
  });

  test('nobody leads the operators by being the agent of a node that is called as their Lease', async () => {
    const impostor = await agentOf(leaderLease);
    const present = await asAdmin.get(leases, { name: leaderLease, namespace: systemNamespace });
    const spec = { holderIdentity: 'impostor', leaseTransitions: 99 };
    const refusal = `the Lease ${leaderLease} is the operators', by which one of them leads; a node of that name cannot have an agent: rename the node`;
    await expect(impostor.replace(leases, { ...present, spec })).rejects.toThrow(refusal);
    await expect(asAgent.replace(leases, { ...present, spec })).rejects.toThrow("is the operators'");
    expect(await asAdmin.get(leases, { name: leaderLease, namespace: systemNamespace })).toEqual(present);
  });
});

describe('events', () => {
  const regarding = { apiVersion: 'daris.dev/v1alpha1', kind: 'RealtimeInferenceTask', uid: 'u', resourceVersion: '1' };
  let names = 0;

  function event(change: Partial<Event>): Event {
    const words = { type: 'Normal', reason: 'Tried', action: 'Try', note: 'tried' };
    return {
      metadata: { name: `confined.${++names}`, namespace },
      eventTime: '2030-01-01T00:00:00.000000Z',
      reportingController: 'daris.dev/node-agent',
      reportingInstance: node,
      regarding: { ...regarding, name: 'confined', namespace },
      ...words,
      ...change,
    };
  }

  test('an agent reports tasks, and repetitions of what it reported', async () => {
    const created = await asAgent.create(events, event({}));
    await asAgent.replace(events, {
      ...created,
      series: { count: 2, lastObservedTime: '2030-01-01T00:00:01.000000Z' },
    });
  });

  test('an agent reports its own GpuNode, and no other', async () => {
    const about = (name: string): Partial<Event> => ({ regarding: { ...regarding, kind: 'GpuNode', name } });
    const inDefault = (name: string): Event => ({
      ...event(about(name)),
      metadata: { name: `confined.${++names}`, namespace: 'default' },
    });
    await asAgent.create(events, inDefault(node));
    await expect(asAgent.create(events, inDefault('another'))).rejects.toThrow(
      'only events about tasks and about its own GpuNode',
    );
  });

  test.each<[string, Partial<Event>]>([
    ['as the operator', { reportingController: 'daris.dev/operator' }],
    ['as the agent of another node', { reportingInstance: 'another' }],
  ])('an agent cannot report %s', async (_who, change) => {
    const refusal = `may write only events that daris.dev/node-agent reports, instance ${node}`;
    await expect(asAgent.create(events, event(change))).rejects.toThrow(refusal);
    const stored = await asAdmin.create(events, event(change));
    await expect(asAgent.replace(events, { ...stored, note: 'forged' })).rejects.toThrow(
      /may write only events|is immutable/,
    );
  });

  test('an agent cannot report what is none of its kinds', async () => {
    const about = { regarding: { ...regarding, apiVersion: 'v1', kind: 'Secret', name: 'token', namespace } };
    await expect(asAgent.create(events, event(about))).rejects.toThrow('only events about tasks');
  });

  test('there is no way around by the older kind of events', async () => {
    const answer = admin.kubectl([
      'auth',
      'can-i',
      'create',
      'events',
      '--as',
      `system:serviceaccount:${systemNamespace}:daris-agent`,
    ]);
    await expect(answer).rejects.toMatchObject({ cause: { stdout: 'no\n' } });
  });
});
