// What the operator applies to a status says under which leadership; and whatever kind that holds for, its CRD has the
// field and the policy checks it.
import { readdirSync, readFileSync } from 'node:fs';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';

import { connect, type Connection } from '../kube/connection.ts';
import { StubApiServer, json } from '../kube/testing/stub-api-server.ts';
import { fencedKinds, LeaderClient } from './leader-client.ts';
import { gpuNodesResource, tasksResource } from './resources.ts';

let stub: StubApiServer;
let connection: Connection;

beforeEach(async () => {
  stub = await StubApiServer.start(({ body }, response) => {
    const sent = JSON.parse(body);
    json(response, 200, { ...sent, metadata: { ...sent.metadata, uid: 'u', resourceVersion: '1' } });
  });
  connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test' });
});

afterEach(async () => {
  await connection.close();
  await stub[Symbol.asyncDispose]();
});

const metadata = { name: 'lane', namespace: 'vision' };
const manager = { fieldManager: 'daris-operator' };

test('a status carries the number, beside what it says', async () => {
  const client = new LeaderClient(connection, { transitions: 7 });
  const status = { observedGeneration: 3 };
  const written = await client.apply(tasksResource, { metadata, status }, { ...manager, subresource: 'status' });
  expect(written.status).toEqual({ observedGeneration: 3, leaderTransitions: 7 });
});

test('nothing else does', async () => {
  const client = new LeaderClient(connection, { transitions: 7 });
  await client.apply(tasksResource, { metadata }, manager);
  const status = { address: 'n1:1' };
  await client.apply(gpuNodesResource, { metadata: { name: 'n1' }, status }, { ...manager, subresource: 'status' });
  expect(stub.requests.map(({ body }) => body).join()).not.toContain('leaderTransitions');
});

test('who does not lead writes no status', async () => {
  const former = {
    get transitions(): number {
      throw new Error('this process may not write');
    },
  };
  const attempt = new LeaderClient(connection, former).apply(
    tasksResource,
    { metadata, status: {} },
    { ...manager, subresource: 'status' },
  );
  await expect(attempt).rejects.toThrow('this process may not write');
  expect(stub.requests).toEqual([]);
});

interface Crd {
  readonly spec: {
    readonly names: { readonly plural: string };
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: { readonly properties: Record<string, { properties?: object }> } };
    }[];
  };
}

interface Policy {
  readonly kind: string;
  readonly spec: {
    readonly matchConstraints: { readonly resourceRules: readonly { readonly resources: readonly string[] }[] };
  };
}

test('the kinds with the number, their CRDs and the policy agree', () => {
  const crds = readdirSync('crds').map((file) => load(readFileSync(`crds/${file}`, 'utf8')) as Crd);
  const withNumber = crds.filter(({ spec }) =>
    spec.versions.some(({ schema }) => {
      const { status } = schema.openAPIV3Schema.properties;
      return 'leaderTransitions' in (status?.properties ?? {});
    }),
  );
  const manifests = loadAll(readFileSync('helm/daris/files/rbac/operator-leads.yaml', 'utf8')) as Policy[];
  const policy = manifests.find(({ kind }) => kind === 'ValidatingAdmissionPolicy');
  const covered = policy?.spec.matchConstraints.resourceRules.flatMap(({ resources }) => resources);
  const fenced = [...fencedKinds].sort();
  expect(withNumber.map(({ spec }) => spec.names.plural).sort()).toEqual(fenced);
  expect(covered?.toSorted()).toEqual(fenced.map((plural) => `${plural}/status`));
});
