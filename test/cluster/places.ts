// Names, addresses and folders of the cluster with a real node; there is one a machine at most.
import { join } from 'node:path';

import { repositoryRoot } from '../control-plane/paths.ts';

export const nodeName = 'daris-node';

/** The node's network namespace, and the pair of interfaces that joins it with the machine. */
export const network = {
  namespace: 'daris-cluster',
  outer: 'daris-outer',
  inner: 'daris-inner',
  bridge: 'daris-pods',
  /** Where the API server listens: a kubelet refuses loopback. */
  hostAddress: '10.99.0.1',
  nodeAddress: '10.99.0.2',
  prefix: 30,
  pods: '10.98.0.0/24',
} as const;

/** Parent of all pods' control groups, so that the cluster's are told from those of another kubelet. */
export const cgroupRoot = 'daris-cluster';

/** Sockets and what is known of the run; short, since names of sockets end at 107 characters. */
const runDir = '/run/daris-cluster';
/** Images, containers and volumes. */
const stateDir = '/var/lib/daris-cluster';

export const places = {
  runDir,
  stateDir,
  runFile: join(runDir, 'run.json'),
  containerdSocket: join(runDir, 'containerd.sock'),
  logDir: join(repositoryRoot, 'build', 'cluster', 'logs'),
  images: join(repositoryRoot, 'build', 'images'),
} as const;

/** Mark in the environment of every process of a run; children inherit it. */
export const runVariable = 'DARIS_CLUSTER_RUN';
