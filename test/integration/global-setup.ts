// One control plane for all integration tests; each test file works in a namespace of its own.
// Its address reaches the test workers by the environment, the only thing that they inherit.
import { ControlPlane } from '../control-plane/control-plane.ts';

import { kubeconfigVariable } from './shared-cluster.ts';

export default async function start(): Promise<void> {
  if (process.env[kubeconfigVariable] !== undefined) return;
  const plane = await ControlPlane.start();
  globalThis.darisTestControlPlane = plane;
  process.env[kubeconfigVariable] = plane.cluster.kubeconfig;
  await plane.cluster.applyCrds();
  await plane.cluster.applyRbac();
}
