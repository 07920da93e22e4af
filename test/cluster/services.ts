// What makes Services' names work on the node: kube-proxy for their addresses, CoreDNS for their names.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Daemon } from '../control-plane/daemon.ts';
import { binary } from '../control-plane/paths.ts';
import { inNamespace } from './network.ts';
import { network, nodeName, places } from './places.ts';

export const proxyIdentity = { name: 'kube-proxy', user: 'system:kube-proxy' } as const;
export const dnsIdentity = { name: 'coredns', user: 'system:coredns' } as const;

const { nodeAddress } = network;
const readyTimeoutMs = 30_000;

/** Kubernetes knows the rights of a proxy, but not those of a DNS server. */
export const dnsRights: readonly object[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: dnsIdentity.user },
    rules: [
      { apiGroups: [''], resources: ['services', 'namespaces', 'pods'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: dnsIdentity.user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: dnsIdentity.user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: dnsIdentity.user }],
  },
];

export async function startProxy(
  kubeconfig: string,
  started: (daemon: Daemon) => void,
  signal: AbortSignal,
): Promise<void> {
  const health = `${nodeAddress}:10256`;
  const args = [
    `--kubeconfig=${kubeconfig}`,
    `--hostname-override=${nodeName}`,
    '--proxy-mode=iptables',
    // Answers of a pod to another one on the same bridge come back through the node only so, where bridges pass no iptables.
    '--masquerade-all',
    // The machine's limits of connections are not the node's to set.
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
    `--healthz-bind-address=${health}`,
  ];
  const logFile = join(places.logDir, 'kube-proxy.log');
  const daemon = await Daemon.start({ name: 'kube-proxy', ...inNamespace(binary('kube-proxy'), args), logFile });
  started(daemon);
  await daemon.ready(() => answers(`http://${health}/healthz`), readyTimeoutMs, signal);
}

export async function startDns(
  kubeconfig: string,
  started: (daemon: Daemon) => void,
  signal: AbortSignal,
): Promise<void> {
  const ready = `${nodeAddress}:8181`;
  const corefile = join(places.stateDir, 'Corefile');
  writeFileSync(
    corefile,
    `.:53 {
  bind ${nodeAddress}
  errors
  ready ${ready}
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 1
  }
}
`,
  );
  const logFile = join(places.logDir, 'coredns.log');
  const daemon = await Daemon.start({
    name: 'coredns',
    ...inNamespace(binary('coredns'), ['-conf', corefile]),
    logFile,
  });
  started(daemon);
  await daemon.ready(() => answers(`http://${ready}/ready`), readyTimeoutMs, signal);
}

async function answers(url: string): Promise<boolean> {
  return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
}
