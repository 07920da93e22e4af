// Where the repository and the binaries of the test control plane lie.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What the chart ships as it is, so that tests apply the very manifests that a cluster gets. */
export const shipped = join(repositoryRoot, 'helm', 'daris', 'files');

export type ControlPlaneBinary = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl';
/** What is needed only where pods run for real. */
export type NodeBinary = 'kube-scheduler' | 'kubelet' | 'kube-proxy' | 'coredns';

/** Absolute path of a binary; throws with the command that builds it where it is missing. */
export function binary(name: ControlPlaneBinary | NodeBinary): string {
  const path = join(repositoryRoot, 'build', 'control-plane', 'bin', name);
  if (!existsSync(path)) {
    throw new Error(
      `${path} is missing: build it with test/control-plane/build.sh, what a node needs with build.sh node`,
    );
  }
  return path;
}
