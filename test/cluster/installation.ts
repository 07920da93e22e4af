// The system on the cluster, from the manifests beside this file: CRDs, rights, operator, and agent and runtime of each node.
import { realpathSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '../control-plane/paths.ts';
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

/** All that install() made and what was made with it; the CRDs take their objects along. */
export async function uninstall({ cluster, signal }: World): Promise<void> {
  const remove = ['delete', '--ignore-not-found', '--timeout=90s'];
  const options = { signal, timeoutMs: 100_000 };
  await cluster.kubectl([...remove, '-f', join(repositoryRoot, 'crds')], options);
  await cluster.kubectl([...remove, 'namespace/daris-system', 'persistentvolume/daris-models'], options);
  await cluster.kubectl([...remove, '-f', join(repositoryRoot, 'test', 'rbac')], options);
}
