// A cluster of several nodes on one machine: a control plane, an operator, and for each node an agent and a runtime with
// engine sim, each a process of its own.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Cluster } from '../test/control-plane/cluster.ts';
import { ControlPlane } from '../test/control-plane/control-plane.ts';
import { Daemon } from '../test/control-plane/daemon.ts';
import { repositoryRoot } from '../test/control-plane/paths.ts';
import { freePorts } from '../test/control-plane/ports.ts';
import { allowedCores } from '../test/e2e/cores.ts';
import { auditPolicy, type Writers } from './audit.ts';

export interface ScaleStackOptions {
  readonly nodes: number;
  /** Of each node's one simulated GPU. */
  readonly contexts: number;
  readonly streamsPerContext: number;
  /** Emptied first; kept afterwards. */
  readonly logDir: string;
  readonly signal: AbortSignal;
}

const readyTimeoutMs = 60_000;
const namespace = 'daris-system';
const operatorAccount = { namespace, name: 'daris-operator' };
const agentAccount = { namespace, name: 'daris-agent' };

export class ScaleStack {
  /** Who is who in the audit log. */
  readonly writers: Writers = {
    [`system:serviceaccount:${namespace}:${operatorAccount.name}`]: 'operator',
    [`system:serviceaccount:${namespace}:${agentAccount.name}`]: 'agents',
  };
  readonly modelRoot: string;
  readonly #options: ScaleStackOptions;
  /** Kubeconfigs, packages and sockets, whose paths must be short. */
  readonly #dir = mkdtempSync(join(tmpdir(), 'daris-scale-'));
  readonly #daemons: (readonly [part: string, daemon: Daemon])[] = [];
  #plane: ControlPlane | undefined;

  constructor(options: ScaleStackOptions) {
    this.#options = options;
    this.modelRoot = this.#path('models');
  }

  get cluster(): Cluster {
    if (this.#plane === undefined) throw new Error('the control plane was not started');
    return this.#plane.cluster;
  }

  /** Every process by the part that it is of. */
  get processes(): (readonly [part: string, pid: number])[] {
    const parts = this.#daemons.map(([part, { pid }]) => [part, pid] as const);
    return [...(this.#plane?.processes ?? []), ...parts];
  }

  /** Starts all parts; on failure the caller must still call stop(). */
  async start(): Promise<void> {
    const { nodes, logDir, signal } = this.#options;
    rmSync(logDir, { recursive: true, force: true });
    mkdirSync(logDir, { recursive: true });
    mkdirSync(this.modelRoot);
    writeFileSync(this.#path('audit-policy.json'), JSON.stringify(auditPolicy));
    this.#plane = await ControlPlane.start({
      signal,
      logDir,
      apiServerFlags: [
        `--audit-policy-file=${this.#path('audit-policy.json')}`,
        `--audit-log-path=${this.#path('audit.log')}`,
      ],
    });
    await Promise.all([this.cluster.applyCrds(signal), this.cluster.applyRbac(signal)]);
    await this.#startOperator();
    for (let at = 0; at < nodes; at++) await this.#startNode(`node-${at + 1}`, at);
  }

  /** All that the API server has logged of writes so far. */
  auditLog(): string {
    return readFileSync(this.#path('audit.log'), 'utf8');
  }

  /** Fails when a part has ended by itself, with the end of its log. */
  assertRunning(): void {
    for (const [, daemon] of this.#daemons) daemon.assertRunning();
  }

  /** Ends everything that was started. Safe after a failed start. */
  async stop(): Promise<void> {
    for (const [, daemon] of this.#daemons.splice(0).toReversed()) await daemon.stop();
    await this.#plane?.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #startOperator(): Promise<void> {
    const kubeconfig = this.#path('operator.kubeconfig');
    await this.cluster.writeServiceAccountKubeconfig(kubeconfig, operatorAccount, this.#options.signal);
    await this.#startScript('operator', 'operator', [`--kubeconfig=${kubeconfig}`]);
  }

  async #startNode(node: string, at: number): Promise<void> {
    const kubeconfig = this.#path(`${node}.kubeconfig`);
    await this.cluster.createNode(node);
    await this.cluster.writeServiceAccountKubeconfig(kubeconfig, { ...agentAccount, node }, this.#options.signal);
    await this.#startRuntime(node, at);
    const { contexts, streamsPerContext } = this.#options;
    await this.#startScript(`${node}-agent`, 'node-agent', [
      `--node=${node}`,
      `--kubeconfig=${kubeconfig}`,
      `--runtime-socket=${this.#path(`${node}.sock`)}`,
      `--contexts=${contexts}`,
      `--streams-per-context=${streamsPerContext}`,
    ]);
  }

  async #startRuntime(node: string, at: number): Promise<void> {
    const cores = allowedCores();
    const name = `${node}-runtime`;
    const args = [
      '--engine=sim',
      `--socket=${this.#path(`${node}.sock`)}`,
      `--model-root=${this.modelRoot}`,
      '--inference-address=127.0.0.1:0',
      `--cores=${cores[at % cores.length]}`,
    ];
    const command = join(repositoryRoot, 'build', 'bin', 'daris-runtime');
    const daemon = await Daemon.start({ name, command, args, logFile: this.#log(name), niceness: -10 });
    this.#daemons.push(['runtimes', daemon]);
    const listening = async (): Promise<boolean> =>
      readFileSync(this.#log(name), 'utf8').includes('daris-runtime listening on');
    await daemon.ready(listening, readyTimeoutMs, this.#options.signal);
  }

  /** Starts a TypeScript part under this process's own Node, and waits for its /readyz. */
  async #startScript(name: string, folder: 'operator' | 'node-agent', flags: readonly string[]): Promise<void> {
    const [port = 0] = await freePorts(1);
    const script = join(repositoryRoot, folder, 'main.ts');
    const args = [script, ...flags, `--metrics-address=127.0.0.1:${port}`];
    const daemon = await Daemon.start({ name, command: process.execPath, args, logFile: this.#log(name) });
    this.#daemons.push([folder === 'operator' ? 'operator' : 'agents', daemon]);
    const ready = async (): Promise<boolean> =>
      (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
    await daemon.ready(ready, readyTimeoutMs, this.#options.signal);
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }

  #log(name: string): string {
    return join(this.#options.logDir, `${name}.log`);
  }
}
