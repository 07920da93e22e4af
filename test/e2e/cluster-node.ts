// One node of the stack: its Node object and its agent's identity, its runtime on one core, its agent. Both can be ended
// as a crash of the machine would end them, and started again.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { systemNamespace } from '../../api/resources.ts';
import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { Part, readyTimeoutMs } from './part.ts';
import { RuntimeWatch } from './runtime-watch.ts';

export interface ClusterNodeOptions {
  readonly name: string;
  /** The one core given to inference. */
  readonly core: number;
  /** Where the runtime's other threads run. */
  readonly others: readonly number[];
  readonly modelRoot: string;
  readonly logDir: string;
  readonly signal: AbortSignal;
  /** Absent: OpenVINO in two contexts that share the one core. */
  readonly inference?: Inference;
  /** Called with each state that its runtime tells of. */
  readonly observed: (state: ObservedState) => void;
}

/** What the runtime infers with. */
export interface Inference {
  readonly runtimeFlags: readonly string[];
  /** Added to the environment of the runtime. */
  readonly runtimeEnv: Readonly<Record<string, string>>;
  /** One for each GPU, each of which has a runtime of its own. */
  readonly cores: readonly number[];
  /** Labels of the Node beside its hostname. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Two contexts of one stream that share the core given to inference, so that there is somewhere to migrate to. */
const contexts = 2;
/** What a kubelet labels its Node with. */
export const hostnameLabel = 'kubernetes.io/hostname';
const listening = 'daris-runtime listening on';

export class ClusterNode {
  readonly name: string;
  /** The one core given to inference. */
  readonly core: number;
  /** Streams of all its contexts together. */
  readonly streams = contexts;
  private readonly options: ClusterNodeOptions;
  /** Kubeconfig and socket, whose path must be short: sockets' names end at 107 characters. */
  private dir = '';
  private runtime: Daemon | undefined;
  private agent: Part | undefined;
  private runtimeWatch: RuntimeWatch | undefined;

  constructor(options: ClusterNodeOptions) {
    this.options = options;
    this.name = options.name;
    this.core = options.core;
  }

  /** Of its runtime, or of the first of them. */
  get socket(): string {
    return this.path('sock');
  }

  /** What its present runtime says; it goes with the runtime, so keep it no longer than that. */
  get watch(): RuntimeWatch {
    if (this.runtimeWatch === undefined) throw new Error(`the runtime of ${this.name} was not started`);
    return this.runtimeWatch;
  }

  get metricsPort(): number | undefined {
    return this.agent?.metricsPort;
  }

  /** Makes the Node and its agent's identity, which is bound to it. */
  async prepare(cluster: Cluster, dir: string): Promise<void> {
    this.dir = dir;
    await cluster.createNode(this.name, { [hostnameLabel]: this.name, ...this.options.inference?.labels });
    const account = { namespace: systemNamespace, name: 'daris-agent', node: this.name };
    await cluster.writeServiceAccountKubeconfig(this.path('kubeconfig'), account, this.options.signal);
  }

  /** Resolves when it listens; in its log, whatever an earlier one wrote there. */
  async startRuntime(): Promise<void> {
    const { name, core, others, modelRoot, logDir, signal, observed, inference } = this.options;
    const command = join(repositoryRoot, 'build', 'bin', 'daris-runtime');
    if (!existsSync(command)) throw new Error(`${command} is missing: build it with make native`);
    const logFile = join(logDir, `runtime-${name}.log`);
    const earlier = existsSync(logFile) ? readFileSync(logFile, 'utf8').length : 0;
    const { socket } = this;
    const given = inference?.cores ?? [core];
    const serving = [
      '--inference-address=127.0.0.1:0',
      `--cores=${given.join(',')}`,
      ...(inference?.runtimeFlags ?? []),
    ];
    const args = ['--supervise', `--socket=${socket}`, `--model-root=${modelRoot}`, ...serving];
    // Inference goes before the control plane, which on a node of its own would not be beside it.
    const cores = [...new Set([...others, ...given])];
    const env = inference?.runtimeEnv ?? {};
    const runtime = await Daemon.start({
      name: `runtime of ${name}`,
      command,
      args,
      env,
      logFile,
      niceness: -10,
      cores,
    });
    this.runtime = runtime;
    const ready = async (): Promise<boolean> =>
      readFileSync(logFile, 'utf8').slice(earlier).split(listening).length > given.length;
    await runtime.ready(ready, readyTimeoutMs, signal);
    this.runtimeWatch = new RuntimeWatch(socket, observed);
    this.runtimeWatch.start();
  }

  async startAgent(): Promise<void> {
    const { name, logDir, signal } = this.options;
    const args = [
      `--node=${name}`,
      `--kubeconfig=${this.path('kubeconfig')}`,
      `--runtime-socket=${this.socket}`,
      `--contexts=${contexts}`,
      '--streams-per-context=1',
      `--oversubscription=${contexts}`,
    ];
    const logFile = join(logDir, `agent-${name}.log`);
    const options = { name: `agent of ${name}`, script: join('node-agent', 'main.ts'), args, logFile, signal };
    await Part.start(options, (part) => (this.agent = part));
  }

  /** Ends the agent as a crash would; nothing else is told. */
  async killAgent(): Promise<void> {
    await this.agent?.daemon.kill();
    this.agent = undefined;
  }

  /** Agent, runtime and its supervisor end at once; nobody is told. */
  async crash(): Promise<void> {
    this.runtimeWatch?.stop();
    await Promise.all([this.agent?.daemon.kill(), this.runtime?.kill()]);
    [this.agent, this.runtime, this.runtimeWatch] = [undefined, undefined, undefined];
  }

  /** The machine is up again. */
  async comeBack(): Promise<void> {
    await this.startRuntime();
    await this.startAgent();
  }

  /** What the agent exposes to Prometheus, as text. */
  async metrics(): Promise<string> {
    if (this.agent === undefined) throw new Error(`the agent of ${this.name} was not started`);
    return this.agent.metrics();
  }

  /** Process id of a part that was started, for showing that it is still the same one. */
  pidOf(part: 'runtime' | 'agent'): number {
    const daemon = part === 'runtime' ? this.runtime : this.agent?.daemon;
    if (daemon === undefined) throw new Error(`the ${part} of ${this.name} was not started`);
    return daemon.pid;
  }

  assertRunning(): void {
    this.runtime?.assertRunning();
    this.agent?.daemon.assertRunning();
  }

  async stopAgent(): Promise<void> {
    await this.agent?.daemon.stop();
    this.agent = undefined;
  }

  async stopRuntime(): Promise<void> {
    await this.runtime?.stop();
    this.runtimeWatch?.stop();
    this.runtime = undefined;
  }

  private path(what: string): string {
    return join(this.dir, `${this.name}.${what}`);
  }
}
