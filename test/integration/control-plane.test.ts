// The test control plane itself: a CRD can be applied and listed, identities work, and no process outlives its parent.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { Cluster, KubectlError } from '../control-plane/cluster.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';

import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
let namespace = '';

beforeAll(async () => {
  namespace = await cluster.createNamespace('control-plane');
}, 30_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  rmSync(folder, { recursive: true });
});

function widgetCrd(group: string): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

test('a CRD is applied, and an object of it is created and listed', async () => {
  const group = `${namespace}.example.com`;
  await cluster.apply(widgetCrd(group));
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', `crd/widgets.${group}`]);
  await cluster.apply({ apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'one', namespace } });
  expect(await cluster.kubectl(['get', `widgets.${group}`, '-n', namespace, '-o', 'name'])).toBe(
    `widget.${group}/one\n`,
  );
  await cluster.kubectl(['delete', 'crd', `widgets.${group}`]);
}, 60_000);

test('the server calls itself by its version', async () => {
  expect(JSON.parse(await cluster.kubectl(['version', '-o', 'json']))).toMatchObject({
    serverVersion: { gitVersion: 'v1.36.4' },
  });
});

test('a node-bound token carries the name of its node and no right beyond its account', async () => {
  const node = `node-of-${namespace}`;
  await cluster.createNode(node);
  await cluster.kubectl(['create', 'serviceaccount', 'agent', '-n', namespace]);
  const path = join(folder, 'agent.kubeconfig');
  await cluster.writeServiceAccountKubeconfig(path, { namespace, name: 'agent', node });
  expect(statSync(path).mode & 0o777).toBe(0o600);

  const agent = new Cluster(path);
  const who = JSON.parse(await agent.kubectl(['auth', 'whoami', '-o', 'json']));
  expect(who).toMatchObject({
    status: {
      userInfo: {
        username: `system:serviceaccount:${namespace}:agent`,
        extra: { 'authentication.kubernetes.io/node-name': [node] },
      },
    },
  });
  await expect(agent.kubectl(['get', 'nodes'])).rejects.toThrow(KubectlError);
  await expect(agent.kubectl(['get', 'nodes'])).rejects.toThrow(/Forbidden.*agent/);
  await cluster.kubectl(['delete', 'node', node]);
}, 30_000);

test('deleting a namespace removes what is in it, which needs the controller-manager', async () => {
  const doomed = await cluster.createNamespace('doomed');
  await cluster.kubectl(['create', 'configmap', 'one', '-n', doomed]);
  await cluster.kubectl(['delete', 'namespace', doomed, '--timeout=30s']);
  expect(await cluster.kubectl(['get', 'namespace', doomed, '--ignore-not-found', '-o', 'name'])).toBe('');
}, 60_000);

/** A zombie has ended; only its parent has not asked for its status yet. */
function stateOf(pid: number): 'alive' | 'gone' {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) ? 'gone' : 'alive';
  } catch {
    return 'gone';
  }
}

test('a daemon dies with its parent, even when the parent is killed', async () => {
  const script = join(folder, 'parent.ts');
  const daemon = JSON.stringify(join(repositoryRoot, 'test', 'control-plane', 'daemon.ts'));
  writeFileSync(
    script,
    `const { Daemon } = await import(${daemon});
     const one = await Daemon.start({ name: 'sleeper', command: 'sleep', args: ['600'], logFile: ${JSON.stringify(join(folder, 'log'))} });
     process.stdout.write(String(one.pid));
     setInterval(() => {}, 1000);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await once(parent.stdout, 'data');
  const pid = Number(String(output));
  await waitFor(() => (readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n' ? true : undefined), {
    what: 'the daemon to run its command',
    timeoutMs: 10_000,
  });
  parent.kill('SIGKILL');
  const gone = await waitFor(() => (stateOf(pid) === 'gone' ? true : undefined), {
    what: `process ${pid} to be gone`,
    timeoutMs: 10_000,
  });
  expect(gone).toBe(true);
}, 30_000);
