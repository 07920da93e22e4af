// Least privilege, asked of the real API server: an agent writes its own node's share and nothing else, and neither
// identity has a right that its work does not need.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Cluster } from '../control-plane/cluster.ts';
import { waitFor } from '../control-plane/wait.ts';

import { sharedCluster } from './shared-cluster.ts';

const admin = sharedCluster();
const system = 'daris-system';
let folder = '';
let namespace = '';
let ownNode = '';
let otherNode = '';
let agent: Cluster;
let operator: Cluster;

async function identity(name: string, node?: string): Promise<Cluster> {
  const path = join(folder, `${name}-${node ?? 'unbound'}.kubeconfig`);
  await admin.writeServiceAccountKubeconfig(path, {
    namespace: system,
    name,
    ...(node === undefined ? {} : { node }),
  });
  return new Cluster(path);
}

/** As operator and agents write: server-side apply, which needs no right to read the subresource. */
function applyStatus(as: Cluster, name: string, status: object): Promise<string> {
  const manifest = {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'RealtimeInferenceTask',
    metadata: { name, namespace },
    status,
  };
  const manager = `--field-manager=${as === admin ? 'daris-operator' : 'daris-agent'}`;
  return as.kubectl(['apply', '--server-side', '--force-conflicts', '--subresource=status', manager, '-f', '-'], {
    input: JSON.stringify(manifest),
  });
}

function applyNodeStatus(as: Cluster, status: object): Promise<string> {
  const manifest = { ...gpuNode(ownNode), status };
  const manager = `--field-manager=${as === operator ? 'daris-operator' : 'daris-agent'}`;
  return as.kubectl(['apply', '--server-side', '--force-conflicts', '--subresource=status', manager, '-f', '-'], {
    input: JSON.stringify(manifest),
  });
}

function create(as: Cluster, manifest: object): Promise<string> {
  return as.kubectl(['create', '-f', '-'], { input: JSON.stringify(manifest) });
}

function placement(node: string): object {
  const booked = { bookedUtilization: '0.1', leaderTransitions: 0 };
  return { node, gpu: 'gpu-0', gpuProduct: 'CPU', context: 0, epoch: 1, ...booked };
}

async function createTask(name: string, node: string): Promise<void> {
  const spec = { model: 'any', period: '50ms', priority: 'Low' };
  await admin.apply({
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'RealtimeInferenceTask',
    metadata: { name, namespace },
    spec,
  });
  await applyStatus(admin, name, { placement: placement(node) });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
  namespace = await admin.createNamespace('rbac');
  ownNode = `${namespace}-own`;
  otherNode = `${namespace}-other`;
  await admin.createNode(ownNode);
  await admin.createNode(otherNode);
  agent = await identity('daris-agent', ownNode);
  operator = await identity('daris-operator');
  await createTask('own', ownNode);
  await createTask('foreign', otherNode);
  // Admission policies come into force some moments after they were applied.
  await waitFor(
    () =>
      applyStatus(agent, 'foreign', { runtime: { epoch: 1 } }).then(
        () => undefined,
        () => true,
      ),
    { what: 'the admission policy to be in force', timeoutMs: 30_000 },
  );
}, 90_000);

afterAll(async () => {
  await admin.kubectl(['delete', 'gpunode', ownNode, '--ignore-not-found']);
  await admin.kubectl(['delete', 'node', ownNode, otherNode]);
  await admin.kubectl(['delete', 'lease', ownNode, '-n', system, '--ignore-not-found']);
  await admin.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  rmSync(folder, { recursive: true });
}, 30_000);

const gpuNode = (name: string): object => ({ apiVersion: 'daris.dev/v1alpha1', kind: 'GpuNode', metadata: { name } });
const lease = (name: string): object => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace: system },
});

describe('an agent', () => {
  test('writes the runtime status of a task that is placed on its node', async () => {
    await applyStatus(agent, 'own', { runtime: { epoch: 1 } });
    expect(await admin.kubectl(['get', 'rit', 'own', '-n', namespace, '-o', 'jsonpath={.status.runtime.epoch}'])).toBe(
      '1',
    );
  });

  test('cannot write a task that is placed elsewhere', async () => {
    await expect(applyStatus(agent, 'foreign', { runtime: { epoch: 1 } })).rejects.toThrow(
      `the agent of node ${ownNode} may write only tasks that are placed there`,
    );
  });

  test('cannot move a placement', async () => {
    await expect(applyStatus(agent, 'own', { placement: placement(otherNode) })).rejects.toThrow(
      'only the operator writes status.placement',
    );
  });

  test('registers its own GpuNode and Lease, and no other', async () => {
    await create(agent, gpuNode(ownNode));
    await create(agent, lease(ownNode));
    const refusal = `the agent of node ${ownNode} may write only the object of that name`;
    await expect(create(agent, gpuNode(otherNode))).rejects.toThrow(refusal);
    await expect(create(agent, lease(otherNode))).rejects.toThrow(refusal);
  });

  test('says of its GpuNode what it sees, but not which policy it is to follow', async () => {
    await applyNodeStatus(agent, { observedPolicy: { name: 'edge' } });
    await applyNodeStatus(operator, { policy: { name: 'edge' } });
    await applyNodeStatus(agent, { observedPolicy: { name: 'edge', generation: 2 } });
    await expect(applyNodeStatus(agent, { policy: { name: 'default' } })).rejects.toThrow(
      'only the operator writes status.policy of gpunodes',
    );
  });

  test('is refused with a token that no node is bound to', async () => {
    const unbound = await identity('daris-agent');
    await expect(applyStatus(unbound, 'own', { runtime: { epoch: 1 } })).rejects.toThrow(
      "an agent's token must be bound to its Node",
    );
  });
});

test.each([
  ['an agent', () => agent, ['create rit', 'patch rit', 'delete rit', 'list gsp', 'list secrets', 'list pods']],
  [
    'the operator',
    () => operator,
    ['create rit', 'patch rit', 'delete rit', 'patch gpunodes', 'patch gsp', 'delete gsp', 'list secrets', 'list pods'],
  ],
])('%s may not change specs or read what it does not need', async (_name, who, wishes) => {
  for (const wish of wishes) {
    const answer = who().kubectl(['auth', 'can-i', ...wish.split(' '), '-n', namespace]);
    await expect(answer).rejects.toMatchObject({ cause: { stdout: 'no\n' } });
  }
});

test.each([
  ['get leases/daris-operator', 'yes'],
  ['update leases/daris-operator', 'yes'],
  ['create leases', 'yes'],
  ['patch leases/daris-operator', 'no'],
  ['delete leases/daris-operator', 'no'],
  ['update leases/node-1', 'no'],
])('of the Leases the operator changes its own alone: %s: %s', async (wish, wanted) => {
  const answer = await operator.kubectl(['auth', 'can-i', ...wish.split(' '), '-n', system]).catch((error) => {
    return (error as { cause: { stdout: string } }).cause.stdout;
  });
  expect(answer.trim()).toBe(wanted);
});

test.each([
  ['an agent', () => agent],
  ['the operator', () => operator],
])('%s is not in system:masters', async (_name, who) => {
  const answer = JSON.parse(await who().kubectl(['auth', 'whoami', '-o', 'json']));
  expect(answer.status.userInfo.groups).toEqual([
    'system:serviceaccounts',
    `system:serviceaccounts:${system}`,
    'system:authenticated',
  ]);
});
