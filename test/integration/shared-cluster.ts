// How test files find the cluster that global-setup.ts started, or the one named by DARIS_TEST_KUBECONFIG.
// The machine's own KUBECONFIG is never used: tests create and delete things.
import { Cluster } from '../control-plane/cluster.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';

export const kubeconfigVariable = 'DARIS_TEST_KUBECONFIG';

declare global {
  // jest gives a setup and its teardown nothing in common but this process's globals.
  var darisTestControlPlane: ControlPlane | undefined;
}

/** The cluster of this test run; its kubeconfig is the administrator's. */
export function sharedCluster(): Cluster {
  const kubeconfig = process.env[kubeconfigVariable];
  if (kubeconfig === undefined) throw new Error(`${kubeconfigVariable} is unset: run integration tests through jest`);
  return new Cluster(kubeconfig);
}
