// The whole system on this machine: control plane, operator, node agent, runtime; each a process of its own, started
// in the order in which they need each other and stopped in the reverse one.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Cluster } from '../control-plane/cluster.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { binary, repositoryRoot } from '../control-plane/paths.ts';
import { freePorts } from '../control-plane/ports.ts';
import { allowedCores, divideCores, keepTo } from './cores.ts';
import { runVariable } from './leftovers.ts';
import { RuntimeWatch } from './runtime-watch.ts';
import { Tasks } from './tasks.ts';

export interface StackOptions {
  /** Emptied first; kept afterwards. */
  logDir: string;
  modelRoot: string;
  signal: AbortSignal;
  onStep: (title: string, elapsedMs: number) => void;
}

/** The first leads from the start; an act may start the second one to stand by. */
export type OperatorName = 'operator' | 'operator-2';

const readyTimeoutMs = 30_000;
/** Two contexts of one stream that share the core given to inference, so that there is somewhere to migrate to. */
const contexts = 2;

export class Stack {
  readonly node = 'node-1';
  readonly namespace = 'default';
  readonly systemNamespace = 'daris-system';
  /** Mark in the environment of every process of this run; whoever starts us may choose it. */
  readonly run = process.env[runVariable] ?? randomUUID();
  /** Streams of all contexts together. */
  readonly streams = contexts;
  private readonly allowed = allowedCores();
  private readonly cores = divideCores(this.allowed);
  readonly modelRoot: string;
  private readonly options: StackOptions;
  /** Kubeconfigs and the runtime's socket, whose path must be short: sockets' names end at 107 characters. */
  private temporary: string | undefined;
  private plane: ControlPlane | undefined;
  private readonly daemons = new Map<string, Daemon>();
  private readonly metricsPorts = new Map<string, number>();
  private runtimeWatch: RuntimeWatch | undefined;
  private taskReader: Tasks | undefined;

  constructor(options: StackOptions) {
    this.options = options;
    this.modelRoot = options.modelRoot;
  }

  get dir(): string {
    if (this.temporary === undefined) throw new Error('the stack was not started');
    return this.temporary;
  }

  get cluster(): Cluster {
    if (this.plane === undefined) throw new Error('the control plane was not started');
    return this.plane.cluster;
  }

  get watch(): RuntimeWatch {
    if (this.runtimeWatch === undefined) throw new Error('the runtime was not started');
    return this.runtimeWatch;
  }

  get tasks(): Tasks {
    if (this.taskReader === undefined) throw new Error('the control plane was not started');
    return this.taskReader;
  }

  /** Starts all parts; on failure the caller must still call stop(). */
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
    await this.step('CRDs, RBAC, identities', () => this.prepareCluster());
    await this.step('runtime', () => this.startRuntime());
    await this.step('operator', () => this.startOperator());
    await this.step('agent', () => this.startAgent());
  }

  async startAgent(): Promise<void> {
    await this.startNode('agent', join('node-agent', 'main.ts'), [
      `--node=${this.node}`,
      `--kubeconfig=${this.path('agent.kubeconfig')}`,
      `--runtime-socket=${this.path('runtime.sock')}`,
      `--contexts=${contexts}`,
      '--streams-per-context=1',
      `--oversubscription=${contexts}`,
    ]);
  }

  /** Deletes what an act has added, also when the act failed; the demo's end deletes everything anyhow. */
  async remove(what: readonly string[]): Promise<void> {
    if (this.options.signal.aborted) return;
    await this.cluster.kubectl(['delete', '-n', this.namespace, '--ignore-not-found', ...what]);
  }

  /** Ends the agent as a crash would; nothing else is told. */
  async killAgent(): Promise<void> {
    await this.daemon('agent').kill();
  }

  /** Process id of a part that was started, for showing that it is still the same one. */
  pidOf(name: 'runtime' | 'agent' | OperatorName): number {
    return this.daemon(name).pid;
  }

  /** Starts an operator, which leads, or stands by where another one does. */
  async startOperator(name: OperatorName = 'operator'): Promise<void> {
    await this.startNode(name, join('operator', 'main.ts'), [
      `--kubeconfig=${this.operatorKubeconfig}`,
      `--system-namespace=${this.systemNamespace}`,
    ]);
  }

  /** Halts it where it is; it is not told. */
  pauseOperator(name: OperatorName): void {
    this.daemon(name).pause();
  }

  /** Lets it go on. */
  resumeOperator(name: OperatorName): void {
    this.daemon(name).resume();
  }

  /** Waits until it has ended by itself; answers its exit status. */
  async operatorEnded(name: OperatorName, timeoutMs: number): Promise<number | NodeJS.Signals> {
    const status = await this.daemon(name).ended(timeoutMs);
    this.daemons.delete(name);
    return status;
  }

  async stopOperator(name: OperatorName): Promise<void> {
    await this.daemon(name).stop();
    this.daemons.delete(name);
  }

  /** The operators' identity. */
  get operatorKubeconfig(): string {
    return this.path('operator.kubeconfig');
  }

  async metrics(name: 'agent' | OperatorName): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.metricsPorts.get(name)}/metrics`, {
      signal: AbortSignal.timeout(5000),
    });
    if (!answer.ok) throw new Error(`/metrics of the ${name}: HTTP ${answer.status}`);
    return answer.text();
  }

  /** Fails when a part has ended by itself, with the end of its log. */
  assertRunning(): void {
    for (const daemon of this.daemons.values()) daemon.assertRunning();
  }

  /** Ends our own parts, those first that use the others. */
  async stopParts(): Promise<void> {
    for (const name of ['agent', 'operator-2', 'operator', 'runtime']) await this.daemons.get(name)?.stop();
    this.runtimeWatch?.stop();
    this.daemons.clear();
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
      `  curl http://127.0.0.1:${this.metricsPorts.get('agent')}/metrics`,
      `Logs: ${this.options.logDir}`,
    ];
  }

  private path(name: string): string {
    return join(this.dir, name);
  }

  private log(name: string): string {
    return join(this.options.logDir, `${name}.log`);
  }

  private daemon(name: string): Daemon {
    const daemon = this.daemons.get(name);
    if (daemon === undefined) throw new Error(`the ${name} was not started`);
    return daemon;
  }

  private async step(title: string, work: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await work();
    this.options.onStep(title, performance.now() - started);
  }

  private async prepareCluster(): Promise<void> {
    const { signal } = this.options;
    await Promise.all([this.cluster.applyCrds(signal), this.cluster.applyRbac(signal)]);
    await this.cluster.createNode(this.node);
    const namespace = this.systemNamespace;
    const operator = { namespace, name: 'daris-operator' };
    const agent = { namespace, name: 'daris-agent', node: this.node };
    await this.cluster.writeServiceAccountKubeconfig(this.operatorKubeconfig, operator, signal);
    await this.cluster.writeServiceAccountKubeconfig(this.path('agent.kubeconfig'), agent, signal);
  }

  private async startRuntime(): Promise<void> {
    const command = join(repositoryRoot, 'build', 'bin', 'daris-runtime');
    if (!existsSync(command)) throw new Error(`${command} is missing: build it with make native`);
    const logFile = this.log('runtime');
    const socket = this.path('runtime.sock');
    const args = [
      '--supervise',
      `--socket=${socket}`,
      `--model-root=${this.modelRoot}`,
      '--inference-address=127.0.0.1:0',
      `--cores=${this.cores.inference}`,
    ];
    // Inference goes before the control plane, which on a node of its own would not be beside it.
    const cores = [...this.cores.others, this.cores.inference];
    const runtime = await Daemon.start({ name: 'runtime', command, args, logFile, niceness: -10, cores });
    this.daemons.set('runtime', runtime);
    const listening = async (): Promise<boolean> =>
      readFileSync(logFile, 'utf8').includes('daris-runtime listening on');
    await runtime.ready(listening, readyTimeoutMs, this.options.signal);
    this.runtimeWatch = new RuntimeWatch(socket);
    this.runtimeWatch.start();
  }

  /** Starts a TypeScript part under this process's own Node, and waits for its /readyz. */
  private async startNode(name: 'agent' | OperatorName, script: string, args: string[]): Promise<void> {
    const [port = 0] = await freePorts(1);
    this.metricsPorts.set(name, port);
    const daemon = await Daemon.start({
      name,
      command: process.execPath,
      args: [join(repositoryRoot, script), ...args, `--metrics-address=127.0.0.1:${port}`],
      logFile: this.log(name),
    });
    this.daemons.set(name, daemon);
    const ready = async (): Promise<boolean> =>
      (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
    await daemon.ready(ready, readyTimeoutMs, this.options.signal);
  }
}
