// The API server's side of leadership: a status written under another number than the Lease's is refused, whoever's clock
// said what. With the operator's real identity, and no operator running.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { fieldManagers, systemNamespace } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { leases, type Lease } from '../../kube/lease.ts';
import { waitFor } from '../control-plane/wait.ts';

import { modelResource, taskResource } from './agent-part.ts';
import { profilesResource } from '../../operator/resources.ts';
import { digest, OperatorWorld, timeoutMs } from './operator-world.ts';

const world = new OperatorWorld();
const lease = { name: 'daris-operator', namespace: systemNamespace };
const node = 'n1';
jest.setTimeout(60_000);
let connections: Connection[];
let operator: KubeClient;
let agent: KubeClient;

beforeAll(async () => {
  await world.startWithoutOperator();
  await world.cluster.createNode(node);
  const agentKubeconfig = `${world.operatorKubeconfig}.agent`;
  await world.cluster.writeServiceAccountKubeconfig(agentKubeconfig, {
    namespace: systemNamespace,
    name: 'daris-agent',
    node,
  });
  connections = [world.operatorKubeconfig, agentKubeconfig].map((kubeconfigPath) =>
    connect({ kubeconfigPath, userAgent: 'fencing-test' }),
  );
  [operator, agent] = connections.map((connection) => new KubeClient(connection)) as [KubeClient, KubeClient];
  await world.cluster.apply(manifest('RealtimeInferenceTask', { model: 'any', period: '50ms', priority: 'Low' }));
  const source = { uri: 'file:///any', digest: digest('a') };
  await world.cluster.apply(manifest('InferenceModel', { source }));
  await world.cluster.apply({
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name: 'fenced' },
    spec: profileSpec(source),
  });
  await refusedWith(/no operator leads at present/, () => write({}));
}, 120_000);

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await world.stop();
}, 60_000);

function profileSpec(source: { uri: string; digest: string }): object {
  const partitioning = { contexts: 1, streamsPerContext: 1, oversubscription: '1' };
  return { ...source, product: 'test', partitioning, engine: 'test', engineVersion: '1', batchSizes: [1] };
}

function manifest(kind: string, spec: object): object {
  return { apiVersion: 'daris.dev/v1alpha1', kind, metadata: { name: 'fenced', namespace: world.namespace }, spec };
}

const asOperator = { fieldManager: fieldManagers.operator, force: true, subresource: 'status' } as const;
const asAgent = { ...asOperator, fieldManager: fieldManagers.agent };

function metadata(): { name: string; namespace: string } {
  return { name: 'fenced', namespace: world.namespace };
}

/** The operator's whole share of the task's status: what is left out is removed. */
function write(status: object): Promise<unknown> {
  return operator.apply(taskResource, { metadata: metadata(), status }, asOperator);
}

function placement(epoch: number, leaderTransitions: number): object {
  const booked = { bookedUtilization: '0.1', leaderTransitions };
  return { node, gpu: 'gpu-0', gpuProduct: 'test', context: 0, epoch, ...booked };
}

/** The server's policy follows the Lease by a watch of its own, so that it may know of a change some moments late. */
async function refusedWith(words: RegExp, attempt: () => Promise<unknown>): Promise<void> {
  const probe = async (): Promise<true | undefined> => {
    const said = await attempt().then(
      () => 'accepted',
      (error: unknown) => String(error),
    );
    if (words.test(said)) return true;
    throw new Error(said);
  };
  await waitFor(probe, { what: `a refusal that says ${String(words)}`, timeoutMs });
}

async function accepted(attempt: () => Promise<unknown>): Promise<void> {
  await waitFor(() => attempt().then(() => true), { what: 'the write to be accepted', timeoutMs });
}

async function setLease(spec: Lease['spec']): Promise<void> {
  const stored = await world.client.get(leases, lease);
  await world.client.replace(leases, { ...stored, spec: { ...stored.spec, ...spec } });
}

describe('under the number of the present leader', () => {
  beforeAll(() => setLease({ holderIdentity: 'second', leaseTransitions: 7 }));

  test('writes, places and takes a placement away', async () => {
    await accepted(() => write({ leaderTransitions: 7, placement: placement(1, 7) }));
    await write({ leaderTransitions: 7 });
    await write({ leaderTransitions: 7, placement: placement(2, 7) });
  });

  test('a placement that stays keeps the number under which it was made', async () => {
    await setLease({ leaseTransitions: 8 });
    await accepted(() => write({ leaderTransitions: 8, placement: placement(2, 7) }));
    const stale = placement(3, 7);
    await refusedWith(/a new placement must carry leaderTransitions 8/, () =>
      write({ leaderTransitions: 8, placement: stale }),
    );
  });

  test("a model's status", async () => {
    const status = { leaderTransitions: 8, inspector: { node } };
    await operator.apply(modelResource, { metadata: metadata(), status }, asOperator);
  });

  test("a profile's status", async () => {
    const status = { leaderTransitions: 8, observedGeneration: 1 };
    await operator.apply(profilesResource, { metadata: { name: 'fenced' }, status }, asOperator);
  });
});

describe('under another number', () => {
  const refusal = /written under leaderTransitions 8, but the Lease daris-operator is at 9: third leads now/;

  beforeAll(async () => {
    await setLease({ holderIdentity: 'third', leaseTransitions: 9 });
    await refusedWith(refusal, () => write({ leaderTransitions: 8, placement: placement(2, 7) }));
  });

  test('no write is accepted, though nobody has touched the task since', async () => {
    const before = await world.task('fenced');
    await expect(write({ leaderTransitions: 8, placement: placement(3, 8) })).rejects.toThrow(refusal);
    await expect(write({ leaderTransitions: 8, observedGeneration: 1 })).rejects.toMatchObject({ status: 403 });
    expect(await world.task('fenced')).toEqual(before);
  });

  test('no placement is taken away', async () => {
    await expect(write({ leaderTransitions: 8 })).rejects.toThrow(refusal);
  });

  test('no number at all', async () => {
    await expect(write({ observedGeneration: 1 })).rejects.toThrow("an operator's status must carry leaderTransitions");
  });

  test('no model', async () => {
    const status = { leaderTransitions: 8, inspector: { node: 'n2' } };
    const attempt = operator.apply(modelResource, { metadata: metadata(), status }, asOperator);
    await expect(attempt).rejects.toThrow(refusal);
  });

  test('no profile', async () => {
    const object = { metadata: { name: 'fenced' }, status: { leaderTransitions: 8, source: 'Estimate' as const } };
    await expect(operator.apply(profilesResource, object, asOperator)).rejects.toThrow(refusal);
  });

  test('nobody leads any more: the last one no longer writes either', async () => {
    await setLease({ holderIdentity: '' });
    await refusedWith(/no operator leads at present/, () =>
      write({ leaderTransitions: 9, placement: placement(2, 7) }),
    );
    await setLease({ holderIdentity: 'third' });
  });
});

test('agents and users write as before, whoever leads', async () => {
  await setLease({ holderIdentity: 'fourth', leaseTransitions: 10 });
  const runtime = { runtime: { epoch: 2, context: 0 } };
  await agent.apply(taskResource, { metadata: metadata(), status: runtime }, asAgent);
  const other = { fieldManager: 'somebody', force: true, subresource: 'status' } as const;
  await world.client.apply(taskResource, { metadata: metadata(), status: { observedGeneration: 1 } }, other);
  await world.cluster.kubectl(['annotate', 'rit', 'fenced', '-n', world.namespace, 'note=changed']);
});

test('the operator may change its own Lease and no other, and delete none', async () => {
  const spec = { holderIdentity: node, leaseDurationSeconds: 10 };
  const agents = await world.client.create(leases, { metadata: { name: node, namespace: systemNamespace }, spec });
  await expect(operator.replace(leases, agents)).rejects.toMatchObject({ status: 403 });
  await expect(operator.delete(leases, lease)).rejects.toMatchObject({ status: 403 });
  await operator.replace(leases, await operator.get(leases, lease));
});

test('without the Lease nothing is accepted', async () => {
  await world.client.delete(leases, lease);
  await refusedWith(/no params found for policy binding with `Deny`/, () => write({ leaderTransitions: 10 }));
});
