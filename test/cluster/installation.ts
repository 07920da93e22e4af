// The system on the cluster, from the manifests beside this file: CRDs, rights, operator, and agent and runtime of each node.
import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot, shipped } from '../control-plane/paths.ts';
import type { World } from './act.ts';

const manifests = join(import.meta.dirname, 'manifests');
const rolloutSeconds = 120;

/** The node's model root: a volume of its disk, which a pod reaches by a claim. */
function modelVolume(): readonly object[] {
  const capacity = { storage: '1Gi' };
  const shared = { accessModes: ['ReadOnlyMany'], storageClassName: '' };
  const path = realpathSync(join(repositoryRoot, 'build', 'models'));
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'daris-models' },
      spec: { ...shared, capacity, hostPath: { path, type: 'Directory' } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'daris-models', namespace: 'daris-system' },
      spec: { ...shared, volumeName: 'daris-models', resources: { requests: capacity } },
    },
  ];
}

/** Resolves when all its pods are ready. */
export async function install({ cluster, signal }: World): Promise<void> {
  await cluster.applyCrds(signal);
  await cluster.applyRbac(signal);
  await cluster.kubectl(['apply', '-f', join(manifests, '00-namespace.yaml')], { signal });
  await cluster.apply({ apiVersion: 'v1', kind: 'List', items: modelVolume() }, { signal });
  await cluster.kubectl(['apply', '-f', manifests], { signal });
  for (const workload of ['deployment/daris-operator', 'daemonset/daris-agent']) {
    const wait = ['rollout', 'status', '-n', 'daris-system', `--timeout=${rolloutSeconds}s`, workload];
    await cluster.kubectl(wait, { signal, timeoutMs: (rolloutSeconds + 10) * 1000 });
  }
}

/**
 * All that install() made and what was made with it; the CRDs take their objects along. The policy of operator-leads.yaml
 * stays: once no binding has a kind of parameter of Kubernetes' own (here Lease), an API server never finds such parameters
 * again until it is restarted, and refuses all writes of the next installation (kubernetes/kubernetes#130887).
 */
export async function uninstall({ cluster, signal }: World): Promise<void> {
  const rbac = join(shipped, 'rbac');
  const rights = readdirSync(rbac).filter((file) => file !== 'operator-leads.yaml');
  const folders = [join(repositoryRoot, 'crds'), ...rights.map((file) => join(rbac, file))];
  const remove = ['delete', '--ignore-not-found', '--timeout=90s'];
  const options = { signal, timeoutMs: 100_000 };
  await cluster.kubectl([...remove, ...folders.flatMap((path) => ['-f', path])], options);
  await cluster.kubectl([...remove, 'persistentvolume/daris-models'], options);
}
