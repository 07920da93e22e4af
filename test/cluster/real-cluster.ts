// A control plane and one real node: kubelet, containerd and runc in a network namespace, kube-proxy and CoreDNS, so that
// pods run and Services have names. Its processes die with this one; clearLeftovers() ends the pods.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Cluster } from '../control-plane/cluster.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import type { Daemon } from '../control-plane/daemon.ts';
import { command } from './command.ts';
import { importImage, pauseImage, startContainerd } from './containerd.ts';
import { createKubeletClient, kubeletIdentity, startKubelet } from './kubelet.ts';
import { clearLeftovers } from './leftovers.ts';
import { createNetwork } from './network.ts';
import { network, nodeName, places } from './places.ts';
import { dnsIdentity, dnsRights, proxyIdentity, startDns, startProxy } from './services.ts';

export interface RealClusterOptions {
  signal: AbortSignal;
  onStep: (title: string, elapsedMs: number) => void;
}

export class RealCluster {
  private readonly options: RealClusterOptions;
  private readonly daemons: Daemon[] = [];
  private plane: ControlPlane | undefined;

  constructor(options: RealClusterOptions) {
    this.options = options;
  }

  get cluster(): Cluster {
    return this.controlPlane.cluster;
  }

  /** Resolves when the node is Ready; on failure the caller must still call stop(). */
  async start(): Promise<void> {
    const { signal, onStep } = this.options;
    rmSync(places.logDir, { recursive: true, force: true });
    for (const folder of [places.runDir, places.stateDir, places.logDir]) mkdirSync(folder, { recursive: true });
    await this.step('network', () => createNetwork(signal));
    this.plane = await ControlPlane.start({
      host: network.hostAddress,
      realNodes: true,
      identities: [kubeletIdentity, proxyIdentity, dnsIdentity],
      apiServerFlags: ['--enable-admission-plugins=NodeRestriction', ...(await createKubeletClient(signal))],
      logDir: places.logDir,
      signal,
      onStep,
    });
    await this.startNode(this.plane);
  }

  /** Fails when a part has ended by itself, with the end of its log. */
  assertRunning(): void {
    for (const daemon of this.daemons) daemon.assertRunning();
  }

  /** Safe after a failed start. */
  async stop(): Promise<void> {
    for (const daemon of this.daemons.splice(0).toReversed()) await daemon.stop();
    await this.plane?.stop();
    await clearLeftovers();
  }

  private get controlPlane(): ControlPlane {
    if (this.plane === undefined) throw new Error('the cluster was not started');
    return this.plane;
  }

  private async startNode(plane: ControlPlane): Promise<void> {
    const { signal } = this.options;
    const started = (daemon: Daemon): void => void this.daemons.push(daemon);
    const kubeconfig = (identity: { name: string }): string => plane.kubeconfigOf(identity.name);
    await plane.cluster.apply({ apiVersion: 'v1', kind: 'List', items: dnsRights }, { signal });
    await this.step('containerd', () => startContainerd(started, signal));
    await this.step('pause image', () => this.importPause());
    await this.step('kubelet', () => startKubelet(kubeconfig(kubeletIdentity), started));
    await this.step('kube-proxy', () => startProxy(kubeconfig(proxyIdentity), started, signal));
    await this.step('CoreDNS', () => startDns(kubeconfig(dnsIdentity), started, signal));
    await this.step('node Ready', () => this.nodeReady());
  }

  private async importPause(): Promise<void> {
    const archive = join(places.stateDir, 'pause.tar');
    await command(join(import.meta.dirname, 'pause', 'image.sh'), [pauseImage, archive], this.options.signal);
    await importImage(archive, this.options.signal);
  }

  private async nodeReady(): Promise<void> {
    const { signal } = this.options;
    for (const condition of ['create', 'condition=Ready']) {
      const wait = ['wait', `--for=${condition}`, '--timeout=60s', `node/${nodeName}`];
      await this.cluster.kubectl(wait, { signal, timeoutMs: 70_000 });
    }
    this.assertRunning();
  }

  private async step(title: string, work: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await work();
    this.options.onStep(title, performance.now() - started);
  }
}
