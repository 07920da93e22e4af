// The whole system on this machine: control plane, operators and nodes; each part a process of its own, started in the
// order in which they need each other and stopped in the reverse one.
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { systemNamespace } from '../../api/resources.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import { binary } from '../control-plane/paths.ts';
import { ClusterNode } from './cluster-node.ts';
import { allowedCores, divideCores, keepTo } from './cores.ts';
import { runVariable } from './leftovers.ts';
import { Operators } from './operators.ts';
import type { Scraped } from './recorder.ts';
import { JobTally } from './tally.ts';
import { Tasks } from './tasks.ts';

export interface StackOptions {
  /** Emptied first; kept afterwards. */
  logDir: string;
  modelRoot: string;
  signal: AbortSignal;
  onStep: (title: string, elapsedMs: number) => void;
}

const joinTimeoutMs = 30_000;

export class Stack {
  readonly namespace = 'default';
  /** Mark in the environment of every process of this run; whoever starts us may choose it. */
  readonly run = process.env[runVariable] ?? randomUUID();
  /** Works from the start. */
  readonly node1: ClusterNode;
  /** Works once it has joined. */
  readonly node2: ClusterNode;
  readonly modelRoot: string;
  /** What all runtimes count, wherever a task is. */
  readonly tally = new JobTally();
  private readonly allowed = allowedCores();
  private readonly cores = divideCores(this.allowed);
  private readonly options: StackOptions;
  private readonly joined: ClusterNode[] = [];
  /** Kubeconfigs and sockets. */
  private temporary: string | undefined;
  private plane: ControlPlane | undefined;
  private operatorProcesses: Operators | undefined;
  private taskReader: Tasks | undefined;

  constructor(options: StackOptions) {
    this.options = options;
    this.modelRoot = options.modelRoot;
    const [core1, core2] = this.cores.inference;
    this.node1 = this.createNode('node-1', core1);
    this.node2 = this.createNode('node-2', core2);
  }

  get dir(): string {
    if (this.temporary === undefined) throw new Error('the stack was not started');
    return this.temporary;
  }

  get cluster(): Cluster {
    if (this.plane === undefined) throw new Error('the control plane was not started');
    return this.plane.cluster;
  }

  get operators(): Operators {
    if (this.operatorProcesses === undefined) throw new Error('the stack was not started');
    return this.operatorProcesses;
  }

  get tasks(): Tasks {
    if (this.taskReader === undefined) throw new Error('the control plane was not started');
    return this.taskReader;
  }

  /** Those that are part of the cluster, in the order in which they joined. */
  get nodes(): readonly ClusterNode[] {
    return this.joined;
  }

  nodeNamed(name: string | undefined): ClusterNode | undefined {
    return this.joined.find((node) => node.name === name);
  }

  /** Whom a Prometheus of this cluster would scrape. */
  scraped(): Scraped[] {
    const agents = this.joined.map(({ name, metricsPort }) => ({
      job: 'daris-agent',
      instance: name,
      port: metricsPort,
    }));
    return [...(this.operatorProcesses?.scraped() ?? []), ...agents];
  }

  /** Starts everything but node-2; on failure the caller must still call stop(). */
  async start(): Promise<void> {
    this.temporary = mkdtempSync(join(tmpdir(), 'daris-demo-'));
    rmSync(this.options.logDir, { recursive: true, force: true });
    mkdirSync(this.options.logDir, { recursive: true });
    // Every child inherits it, those of the control plane too.
    process.env[runVariable] = this.run;
    keepTo(this.cores.others);
    const { signal, onStep, logDir } = this.options;
    this.plane = await ControlPlane.start({ signal, onStep, logDir });
    this.taskReader = new Tasks(this.cluster.kubeconfig, this.namespace);
    this.operatorProcesses = new Operators({ kubeconfig: join(this.dir, 'operator.kubeconfig'), logDir, signal });
    await this.step('CRDs, RBAC, identities', () => this.prepareCluster());
    this.joined.push(this.node1);
    await this.step('runtime of node-1', () => this.node1.startRuntime());
    await this.step('operator', () => this.operators.start('operator'));
    await this.step('agent of node-1', () => this.node1.startAgent());
  }

  /** node-2 becomes part of the cluster; resolves when the operator would place tasks there. */
  async joinNode2(): Promise<void> {
    await this.step('node-2 joins', async () => {
      await this.node2.prepare(this.cluster, this.dir);
      this.joined.push(this.node2);
      await this.node2.startRuntime();
      await this.node2.startAgent();
      await this.operators.nodesReady(this.joined.length, joinTimeoutMs);
    });
  }

  /** Deletes what an act has added, also when the act failed; the demo's end deletes everything anyhow. */
  async remove(what: readonly string[]): Promise<void> {
    if (this.options.signal.aborted) return;
    await this.cluster.kubectl(['delete', '-n', this.namespace, '--ignore-not-found', ...what]);
  }

  /** Fails when a part has ended by itself, with the end of its log. */
  assertRunning(): void {
    this.operatorProcesses?.assertRunning();
    for (const node of this.joined) node.assertRunning();
  }

  /** Ends our own parts, those first that use the others. */
  async stopParts(): Promise<void> {
    for (const node of this.joined) await node.stopAgent();
    await this.operatorProcesses?.stop('operator-2');
    await this.operatorProcesses?.stop('operator');
    for (const node of this.joined) await node.stopRuntime();
  }

  /** Ends everything that was started. Safe after a failed start, and twice. */
  async stop(): Promise<void> {
    await this.stopParts();
    this.taskReader?.close();
    await this.plane?.stop();
    keepTo(this.allowed);
    if (this.temporary !== undefined) rmSync(this.temporary, { recursive: true, force: true });
  }

  /** How a person at this machine uses what is up. */
  instructions(): string[] {
    const kubectl = binary('kubectl');
    return [
      'Everything stays up until Ctrl-C. In another terminal:',
      `  export KUBECONFIG=${this.cluster.kubeconfig} PATH=${dirname(kubectl)}:$PATH`,
      '  kubectl get rit -o wide --watch',
      '  kubectl describe rit front-camera',
      '  kubectl patch rit sign-reader --type=merge -p \'{"spec":{"period":"64ms"}}\'',
      ...this.joined.map((node) => `  curl http://127.0.0.1:${node.metricsPort}/metrics   # of ${node.name}`),
      `Logs: ${this.options.logDir}`,
    ];
  }

  private createNode(name: string, core: number): ClusterNode {
    const { modelRoot, logDir, signal } = this.options;
    const observed = (state: Parameters<JobTally['note']>[1]): void => this.tally.note(name, state);
    return new ClusterNode({ name, core, others: this.cores.others, modelRoot, logDir, signal, observed });
  }

  private async step(title: string, work: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await work();
    this.options.onStep(title, performance.now() - started);
  }

  private async prepareCluster(): Promise<void> {
    const { signal } = this.options;
    await Promise.all([this.cluster.applyCrds(signal), this.cluster.applyRbac(signal)]);
    await this.node1.prepare(this.cluster, this.dir);
    const operator = { namespace: systemNamespace, name: 'daris-operator' };
    await this.cluster.writeServiceAccountKubeconfig(this.operators.kubeconfig, operator, signal);
  }
}
