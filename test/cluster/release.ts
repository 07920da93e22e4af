// The system on the cluster as a platform engineer installs it: a namespace that enforces `restricted`, a volume with the
// models, and the chart by the real helm.
import { realpathSync } from 'node:fs';
import { join } from 'node:path';

import { systemNamespace } from '../../api/resources.ts';
import { chart, helm } from '../chart/helm.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { repositoryRoot } from '../control-plane/paths.ts';

/** What commands on the cluster need. */
export interface Site {
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
}

const waitSeconds = 180;
const waiting = ['--wait', `--timeout=${waitSeconds}s`];
const claim = 'daris-models';

/** Requests that equal the limits, and a whole core: so the static CPU manager gives it a core for itself. */
const exclusive = { cpu: '1', memory: '1Gi' };
const shared = { cpu: '500m', memory: '512Mi' };

export interface Values {
  readonly gpuPools: readonly object[];
  readonly [key: string]: unknown;
}

/** The values that people would write for this node; `tag` is that of both images. */
export function values(tag: string): Values {
  const image = (name: string): object => ({ repository: `docker.io/daris/${name}`, tag });
  return {
    images: { operator: image('operator'), agent: image('agent'), pullPolicy: 'Never' },
    models: { volume: { persistentVolumeClaim: { claimName: claim, readOnly: true } } },
    agent: { resources: { requests: shared, limits: shared } },
    gpuPools: [
      { name: 'cpu', access: 'None', cores: 'all', runtimeResources: { requests: exclusive, limits: exclusive } },
    ],
  };
}

/** Runs `helm VERB RELEASE ...`; what needs values is given them. */
export async function release(
  { cluster, signal }: Site,
  [verb, name, ...more]: readonly string[],
  given?: object,
): Promise<string> {
  const where = ['--kubeconfig', cluster.kubeconfig, '--namespace', systemNamespace];
  const read = given === undefined ? [] : ['--values', '-'];
  const args = [verb ?? '', name ?? '', ...more, ...where, ...read];
  return helm(args, given, { timeoutMs: (waitSeconds + 20) * 1000, signal });
}

/** Resolves when all pods are ready. */
export async function install(site: Site, name: string, tag: string, ...flags: readonly string[]): Promise<void> {
  await release(site, ['install', name, chart, ...waiting, ...flags], values(tag));
}

export async function upgrade(site: Site, name: string, tag: string): Promise<void> {
  await release(site, ['upgrade', name, chart, ...waiting], values(tag));
}

export async function uninstall(site: Site, name: string): Promise<void> {
  await release(site, ['uninstall', name, ...waiting]);
}

/** The namespace of the system, and the models there and in the namespace of the tasks. */
export async function prepare({ cluster, signal }: Site): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace, labels } };
  const items = [namespace, ...modelVolume(systemNamespace), ...modelVolume('default')];
  await cluster.apply({ apiVersion: 'v1', kind: 'List', items }, { signal });
}

/** Models on the node's disk, which a pod of the namespace reaches by a claim, as `restricted` wants it. */
function modelVolume(namespace: string): readonly object[] {
  const capacity = { storage: '1Gi' };
  const storage = { accessModes: ['ReadOnlyMany'], storageClassName: '' };
  const path = realpathSync(join(repositoryRoot, 'build', 'models'));
  const volumeName = `${claim}-of-${namespace}`;
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volumeName },
      spec: { ...storage, capacity, hostPath: { path, type: 'Directory' } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claim, namespace },
      spec: { ...storage, volumeName, resources: { requests: capacity } },
    },
  ];
}

/**
 * All that was installed and what was made with it: the CRDs take their objects along. The policy and binding
 * daris-operator-leads stay: once no binding has a kind of parameter of Kubernetes' own (here Lease), an API server never
 * finds such parameters again until it is restarted (kubernetes/kubernetes#130887).
 */
export async function removeAll(site: Site): Promise<void> {
  const { cluster, signal } = site;
  const where = ['--kubeconfig', cluster.kubeconfig, '--namespace', systemNamespace];
  const names = await helm(['list', '--short', ...where], {}, { signal });
  for (const name of names.split('\n').filter((line) => line !== '')) await uninstall(site, name);
  const remove = ['delete', '--ignore-not-found', '--timeout=90s'];
  const options = { signal, timeoutMs: 100_000 };
  await cluster.kubectl([...remove, 'crd', '-l', 'app.kubernetes.io/name=daris'], options);
  await cluster.kubectl([...remove, 'pod', '-n', 'default', '-l', 'daris.dev/e2e'], options);
  await cluster.kubectl([...remove, 'pvc', '-n', 'default', claim], options);
  await cluster.kubectl([...remove, 'namespace', systemNamespace], options);
  const volumes = [systemNamespace, 'default'].map((namespace) => `${claim}-of-${namespace}`);
  await cluster.kubectl([...remove, 'persistentvolume', ...volumes], options);
}
