// The kubelet of the real node, and the certificate by which the API server reaches it (logs, exec, port-forward).
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Daemon } from '../control-plane/daemon.ts';
import { binary } from '../control-plane/paths.ts';
import { command } from './command.ts';
import { createCgroupRoot } from './cgroups.ts';
import { inNamespace } from './network.ts';
import { cgroupRoot, network, nodeName, places } from './places.ts';

const { stateDir, containerdSocket, logDir } = places;
const dir = join(stateDir, 'kubelet');
const clientCertificate = join(stateDir, 'kubelet-client.crt');
const clientKey = join(stateDir, 'kubelet-client.key');

export const kubeletIdentity = { name: 'kubelet', user: `system:node:${nodeName}`, group: 'system:nodes' } as const;

/** Flags with which the API server calls the kubelet; the certificate is its own authority and lives as long as the run. */
export async function createKubeletClient(signal: AbortSignal): Promise<string[]> {
  const subject = '/O=system:masters/CN=kube-apiserver-kubelet-client';
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', clientKey];
  const use = ['-addext', 'extendedKeyUsage=clientAuth'];
  await command(
    'openssl',
    ['req', '-x509', ...key, '-out', clientCertificate, '-days', '30', '-subj', subject, ...use],
    signal,
  );
  return [
    `--kubelet-client-certificate=${clientCertificate}`,
    `--kubelet-client-key=${clientKey}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

function configuration(): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: network.nodeAddress,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: clientCertificate },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupRoot}`,
    // A container of a Guaranteed pod that asks for whole cores has them for itself; the first is everybody's.
    cpuManagerPolicy: 'static',
    kubeReserved: { cpu: '100m' },
    // What acts kill more than once, to measure it on a quiet machine, is back as soon as after the first time.
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
    // The machine may have control groups of version 1, swap, and more disks than cAdvisor can see.
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    // The machine is not the node's alone: others' use of its disk is no reason to evict pods.
    evictionHard: { 'memory.available': '100Mi' },
    imageGCHighThresholdPercent: 100,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    clusterDNS: [network.nodeAddress],
    clusterDomain: 'cluster.local',
    // What the machine resolves names with may be out of the pods' reach.
    resolvConf: '',
    podLogsDir: join(logDir, 'pods'),
    nodeStatusUpdateFrequency: '5s',
  };
}

/** Resolves when the kubelet runs; its Node is there and Ready somewhat later. */
export async function startKubelet(kubeconfig: string, started: (daemon: Daemon) => void): Promise<void> {
  createCgroupRoot();
  mkdirSync(dir, { recursive: true });
  const config = join(stateDir, 'kubelet.json');
  writeFileSync(config, JSON.stringify(configuration(), null, 2));
  const args = [
    `--config=${config}`,
    `--kubeconfig=${kubeconfig}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${network.nodeAddress}`,
    `--root-dir=${dir}`,
    `--cert-dir=${join(dir, 'pki')}`,
  ];
  const logFile = join(logDir, 'kubelet.log');
  started(await Daemon.start({ name: 'kubelet', ...inNamespace(binary('kubelet'), args), logFile }));
}
