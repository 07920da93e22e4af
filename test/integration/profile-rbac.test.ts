// Who may write profiles, asked of the real API server with tokens that are bound to a Node: an agent the status of those
// that it measures, the operator all but their end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { Cluster } from '../control-plane/cluster.ts';
import { waitFor } from '../control-plane/wait.ts';

import { sharedCluster } from './shared-cluster.ts';

const admin = sharedCluster();
const system = 'daris-system';
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const [ownNode, otherNode] = ['profile-rbac-own', 'profile-rbac-other'];
const [own, foreign, unassigned] = ['profile-rbac-1', 'profile-rbac-2', 'profile-rbac-3'];
let agent: Cluster;
let operator: Cluster;

async function identity(name: string, node?: string): Promise<Cluster> {
  const path = join(folder, `${name}.kubeconfig`);
  await admin.writeServiceAccountKubeconfig(path, { namespace: system, name, ...(node === undefined ? {} : { node }) });
  return new Cluster(path);
}

function profile(name: string, node?: string): object {
  const partitioning = { contexts: 2, streamsPerContext: 1, oversubscription: '1' };
  const kind = { product: 'CPU', partitioning, engine: 'openvino', engineVersion: '1' };
  const spec = { digest: `sha256:${'0'.repeat(64)}`, uri: 'file:///x', ...kind, batchSizes: [1] };
  return {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name },
    spec: { ...spec, ...(node === undefined ? {} : { node }) },
  };
}

function applyStatus(as: Cluster, name: string, status: object): Promise<string> {
  const object = { apiVersion: 'daris.dev/v1alpha1', kind: 'ModelProfile', metadata: { name }, status };
  const manager = `--field-manager=${as === agent ? 'daris-agent' : 'daris-operator'}`;
  const flags = ['--server-side', '--force-conflicts', '--subresource=status', manager, '-f', '-'];
  return as.kubectl(['apply', ...flags], { input: JSON.stringify(object) });
}

const times = { batches: [{ size: 1, afetUs: 3, stageAfetUs: [1, 2] }] };
const refusal = `the agent of node ${ownNode} may write only profiles that it measures`;

beforeAll(async () => {
  for (const node of [ownNode, otherNode]) await admin.createNode(node);
  agent = await identity('daris-agent', ownNode);
  operator = await identity('daris-operator');
  await admin.apply(profile(own, ownNode));
  await admin.apply(profile(foreign, otherNode));
  await admin.apply(profile(unassigned));
  const isRefused = (): Promise<true | undefined> =>
    applyStatus(agent, foreign, times).then(
      () => undefined,
      () => true as const,
    );
  await waitFor(isRefused, { what: 'the admission policy to be in force', timeoutMs: 30_000 });
}, 90_000);

afterAll(async () => {
  await admin.kubectl(['delete', 'modelprofile', '--ignore-not-found', own, foreign, unassigned, 'profile-rbac-4']);
  await admin.kubectl(['delete', 'node', ownNode, otherNode]);
  rmSync(folder, { recursive: true });
}, 30_000);

test('an agent writes the status of a profile that it measures', async () => {
  await applyStatus(agent, own, times);
  const path = 'jsonpath={.status.batches[0].afetUs}';
  expect(await admin.kubectl(['get', 'modelprofile', own, '-o', path])).toBe('3');
});

test.each([
  ['another node measures', foreign],
  ['nobody measures', unassigned],
])('an agent cannot write the status of a profile that %s', async (_who, name) => {
  await expect(applyStatus(agent, name, times)).rejects.toThrow(refusal);
});

test('an agent cannot say which times placements go by', async () => {
  await applyStatus(admin, own, { source: 'Measured' });
  const answer = applyStatus(agent, own, { ...times, source: 'Estimate' });
  await expect(answer).rejects.toThrow('only the operator writes status.source');
});

test.each(['create', 'patch', 'update', 'delete'])('an agent may not %s profiles', async (verb) => {
  const answer = agent.kubectl(['auth', 'can-i', verb, 'modelprofiles']);
  await expect(answer).rejects.toMatchObject({ cause: { stdout: 'no\n' } });
});

test('the operator makes profiles and assigns them, and deletes none', async () => {
  const manifest = profile('profile-rbac-4', otherNode);
  const args = ['apply', '--server-side', '--field-manager=daris-operator', '-f', '-'];
  await operator.kubectl(args, { input: JSON.stringify(manifest) });
  const answer = operator.kubectl(['auth', 'can-i', 'delete', 'modelprofiles']);
  await expect(answer).rejects.toMatchObject({ cause: { stdout: 'no\n' } });
});
