// A release from its installation to its end, by the real helm on a control plane of its own: what it makes, what stays,
// who may take over what stayed, and which CRDs may not come back.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { chart, helm } from '../chart/helm.ts';
import { Cluster } from '../control-plane/cluster.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import { waitFor } from '../control-plane/wait.ts';

// Each helm or kubectl is a process of its own, and on a busy machine takes its time.
jest.setTimeout(300_000);

let plane: ControlPlane;
let folder = '';
/** The same chart as version 2.0.0. */
let newer = '';
const namespace = 'daris-system';
const crd = 'gpunodes.daris.dev';
const refusal = `the CRD ${crd} is here in revision 2000000, which is newer than 1000: install with crds.install=false`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
  newer = join(folder, 'daris');
  cpSync(chart, newer, { recursive: true });
  const about = join(newer, 'Chart.yaml');
  writeFileSync(about, readFileSync(about, 'utf8').replace(/^version: .*$/m, 'version: 2.0.0'));
  plane = await ControlPlane.start();
});

afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true });
});

function release(command: readonly string[], values: object = {}): Promise<string> {
  const common = ['--kubeconfig', plane.cluster.kubeconfig, '--namespace', namespace];
  return helm([...command, ...common, ...(command[0] === 'uninstall' ? [] : ['--values', '-'])], values);
}

function kubectl(...args: string[]): Promise<string> {
  return plane.cluster.kubectl(args);
}

async function replicas(): Promise<string> {
  return kubectl('get', 'deployment', 'daris-operator', '-n', namespace, '-o', 'jsonpath={.spec.replicas}');
}

function revision(): Promise<string> {
  return kubectl('get', 'crd', crd, '-o', 'jsonpath={.metadata.annotations.daris\\.dev/revision}');
}

const policy = {
  apiVersion: 'daris.dev/v1alpha1',
  kind: 'GpuSchedulingPolicy',
  metadata: { name: 'edge' },
  spec: { nodeSelector: { 'daris.dev/policy': 'edge' } },
};

test('it is installed into a new namespace, and upgraded', async () => {
  await release(['install', 'daris', chart, '--create-namespace']);
  expect(await replicas()).toBe('2');
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '-l', 'app.kubernetes.io/name=daris');
  await plane.cluster.apply(policy);
  // As an operator would: what the Lease holds is not the release's.
  await kubectl(
    'patch',
    'lease',
    'daris-operator',
    '-n',
    namespace,
    '--type=merge',
    '-p',
    '{"spec":{"leaseTransitions":7}}',
  );
  await release(['upgrade', 'daris', chart], { operator: { replicas: 3 } });
  expect(await replicas()).toBe('3');
  expect(
    await kubectl('get', 'lease', 'daris-operator', '-n', namespace, '-o', 'jsonpath={.spec.leaseTransitions}'),
  ).toBe('7');
});

test('a second release in the cluster is refused, since names are the cluster’s', async () => {
  await expect(
    helm(['install', 'second', chart, '--kubeconfig', plane.cluster.kubeconfig, '-n', 'default']),
  ).rejects.toThrow(/invalid ownership metadata|exists and cannot be imported/);
});

test('CRDs of an older chart are refused in words, and may be left as they are', async () => {
  await release(['upgrade', 'daris', newer]);
  await waitFor(
    () =>
      kubectl('annotate', 'crd', crd, 'daris.dev/revision=1', '--overwrite', '--dry-run=server').then(
        () => undefined,
        () => true,
      ),
    { what: 'the admission policy to be in force', timeoutMs: 30_000 },
  );
  await expect(release(['upgrade', 'daris', chart])).rejects.toThrow(refusal);
  await release(['upgrade', 'daris', chart], { crds: { install: false }, operator: { replicas: 1 } });
  expect(await replicas()).toBe('1');
  expect(await revision()).toBe('2000000');
});

test('removed, it leaves CRDs and objects; another release name takes them over, unless it is older', async () => {
  await release(['upgrade', 'daris', newer]);
  await release(['uninstall', 'daris', '--wait']);
  expect(await kubectl('get', 'gsp', 'edge', '-o', 'name')).toContain('edge');
  const ours = ['-l', 'app.kubernetes.io/instance=daris', '-o', 'name'];
  const gone =
    'deployment,daemonset,serviceaccount,role,rolebinding,networkpolicy,service,clusterrole,clusterrolebinding';
  expect((await kubectl('get', gone, '-n', namespace, ...ours)).trim()).toBe('');
  const kept = await kubectl('get', 'validatingadmissionpolicy,lease', '-n', namespace, ...ours);
  expect(kept.trim().split('\n').sort()).toEqual([
    'lease.coordination.k8s.io/daris-operator',
    'validatingadmissionpolicy.admissionregistration.k8s.io/daris-crds-never-older',
    'validatingadmissionpolicy.admissionregistration.k8s.io/daris-operator-leads',
  ]);
  await expect(release(['install', 'vision', newer])).rejects.toThrow(/invalid ownership metadata|cannot be imported/);
  await expect(release(['install', 'vision', chart, '--take-ownership'])).rejects.toThrow(refusal);
  await release(['uninstall', 'vision', '--wait']);
  await release(['install', 'vision', newer, '--take-ownership']);
  expect(await kubectl('get', 'gsp', 'edge', '-o', 'name')).toContain('edge');
});

test('the operator of the second release writes as that of the first did, if it leads', async () => {
  const kubeconfig = join(folder, 'operator.kubeconfig');
  await plane.cluster.writeServiceAccountKubeconfig(kubeconfig, { namespace, name: 'daris-operator' });
  const operator = new Cluster(kubeconfig);
  const model = {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'InferenceModel',
    metadata: { name: 'a', namespace: 'default' },
  };
  const source = { uri: 'file:///a', digest: `sha256:${'a'.repeat(64)}` };
  await plane.cluster.apply({ ...model, spec: { source } });
  const spec = { holderIdentity: 'somebody', leaseTransitions: 9 };
  await kubectl('patch', 'lease', 'daris-operator', '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec }));
  const write = (leaderTransitions: number): Promise<string> =>
    operator.kubectl(['apply', '--server-side', '--subresource=status', '--field-manager=daris-operator', '-f', '-'], {
      input: JSON.stringify({ ...model, status: { leaderTransitions } }),
    });
  await waitFor(() => write(9).then(() => true), { what: 'the leader to write', timeoutMs: 60_000, intervalMs: 500 });
  await expect(write(8)).rejects.toThrow('written under leaderTransitions 8, but the Lease daris-operator is at 9');
});

test('deleting the CRDs removes all objects, with nobody left to wait for', async () => {
  await release(['uninstall', 'vision', '--wait']);
  await kubectl('delete', 'crd', '-l', 'app.kubernetes.io/name=daris', '--timeout=30s');
  expect((await kubectl('get', 'crd', '-o', 'name')).trim()).toBe('');
});
