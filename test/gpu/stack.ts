// The whole system on a machine with a GPU: control plane, operator, agent and runtime, examples/gpu applied; after a while
// of serving, all objects as they are and a summary are written, then what users get wrong is tried and everything is ended.
// With --gpus above 1 the runtimes of several GPUs are killed one after the other instead.
//   node test/gpu/stack.ts --engine=torch --models=DIR --out=DIR [--seconds=60] [--libraries=PATH] [--gpus=1] [--commit=ID]
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { systemNamespace } from '../../api/resources.ts';
import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import { socketOf } from '../../node-agent/native/runtimes.ts';
import { commit, machine } from '../../bench/result.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { ClusterNode } from '../e2e/cluster-node.ts';
import { allowedCores } from '../e2e/cores.ts';
import { Operators } from '../e2e/operators.ts';
import { Tasks } from '../e2e/tasks.ts';
import { runsCompiledCode } from '../../api/profiles.ts';
import { type Answer, BadInput } from './bad-input.ts';
import { gpuOfMachine } from './machine.ts';
import { SeveralGpus } from './several-gpus.ts';
import { kinds, summarize } from './stack-summary.ts';

const examples = join(repositoryRoot, 'examples', 'gpu');
const namespace = 'vision';
const lowTasks = 3;
const taskCount = 5;
/** A machine without a route has no address of its own to tell; nobody asks for this one. */
const withoutNetwork = ['--advertise-address=192.0.2.1', '--endpoint-reconciler-type=none'];
/** Three packages are opened, measured and captured one after the other. */
const readyTimeoutMs = 240_000;
/** They are loaded already, or loaded anew by a runtime that was killed. */
const againTimeoutMs = 60_000;

interface Flags {
  readonly engine: string;
  readonly models: string;
  readonly out: string;
  readonly seconds: number;
  /** What the runtime's libraries are found by. */
  readonly libraries: string;
  readonly gpus: number;
  /** What the programs and sources were made from; absent: this tree. */
  readonly commit: string | undefined;
}

function flags(): Flags {
  const text = { type: 'string' } as const;
  const options = { engine: text, models: text, out: text, seconds: text, libraries: text, gpus: text, commit: text };
  const { engine, models, out, seconds = '60', libraries = '', gpus = '1', commit: of } = parseArgs({ options }).values;
  if (
    engine === undefined ||
    models === undefined ||
    out === undefined ||
    !(Number(seconds) > 0) ||
    !(Number(gpus) > 0)
  ) {
    throw new Error(
      'usage: stack.ts --engine=torch|sim --models=DIR --out=DIR [--seconds=60] [--libraries=PATH] [--gpus=1] [--commit=ID]',
    );
  }
  return {
    engine,
    models: resolve(models),
    out: resolve(out),
    seconds: Number(seconds),
    libraries,
    gpus: Number(gpus),
    commit: of,
  };
}

class GpuStack {
  readonly #flags: Flags;
  readonly #signal: AbortSignal;
  readonly #startedMs = performance.now();
  /** Kubeconfigs and sockets, whose paths must be short. */
  readonly #dir = mkdtempSync(join(tmpdir(), 'daris-gpu-'));
  readonly #operators: Operators;
  readonly #node: ClusterNode;
  #plane: ControlPlane | undefined;

  constructor(given: Flags, signal: AbortSignal) {
    const { engine, models: modelRoot, out, libraries, gpus } = given;
    const logDir = join(out, 'logs');
    mkdirSync(logDir, { recursive: true });
    const cores = allowedCores();
    const core = cores.at(-1) ?? 0;
    const others = cores.length > gpus ? cores.slice(0, -gpus) : cores;
    const runtimeEnv: Record<string, string> = libraries === '' ? {} : { LD_LIBRARY_PATH: libraries };
    const which = gpus === 1 ? ['--gpu=0'] : engine === 'sim' ? [`--sim-gpus=${gpus}`] : [];
    const inference = {
      runtimeFlags: [`--engine=${engine}`, ...which],
      runtimeEnv,
      cores: cores.slice(-gpus),
      labels: { 'daris.dev/policy': 'gpu' },
    };
    this.#flags = given;
    this.#signal = signal;
    this.#operators = new Operators({ kubeconfig: join(this.#dir, 'operator.kubeconfig'), logDir, signal });
    this.#node = new ClusterNode({
      name: 'gpu-node',
      core,
      others,
      modelRoot,
      logDir,
      signal,
      inference,
      observed: () => undefined,
    });
  }

  async run(): Promise<void> {
    const plane = await this.#startPlane();
    const { cluster } = plane;
    await this.#startParts(cluster);
    const tasks = new Tasks(cluster.kubeconfig, namespace);
    try {
      const allReady = (timeoutMs: number, count = taskCount): Promise<unknown> =>
        tasks.allReady(count, { timeoutMs, signal: this.#signal });
      await this.#applyModels(cluster);
      // Models are measured while no High task is on the GPU.
      await this.#applyTasks(cluster, 'low-priority.yaml');
      await allReady(readyTimeoutMs, lowTasks);
      await this.#applyTasks(cluster, 'high-priority.yaml');
      await allReady(readyTimeoutMs);
      const readySeconds = this.#elapsed();
      this.#say(`all tasks are Ready; serving for ${this.#flags.seconds} s`);
      await delay(this.#flags.seconds * 1000, undefined, { signal: this.#signal });
      this.#assertRunning();
      await this.#write(cluster, { readySeconds });
      const answers: Answer[] = [];
      const trial = this.#trial(cluster, () => allReady(againTimeoutMs));
      await trial.run((answer) => {
        answers.push(answer);
        this.#writeAnswers(answers);
      });
    } finally {
      tasks.close();
    }
  }

  async stop(): Promise<void> {
    await this.#node.stopAgent();
    await this.#operators.stop('operator');
    await this.#node.stopRuntime();
    await this.#plane?.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #startPlane(): Promise<ControlPlane> {
    const logDir = join(this.#flags.out, 'logs');
    const options = { controllerManager: false, apiServerFlags: withoutNetwork, logDir };
    const plane = await ControlPlane.start({ ...options, signal: this.#signal });
    this.#plane = plane;
    this.#say('control plane');
    return plane;
  }

  async #startParts(cluster: Cluster): Promise<void> {
    await Promise.all([cluster.applyCrds(this.#signal), cluster.applyRbac(this.#signal)]);
    await this.#node.prepare(cluster, this.#dir);
    const operator = { namespace: systemNamespace, name: 'daris-operator' };
    await cluster.writeServiceAccountKubeconfig(this.#operators.kubeconfig, operator, this.#signal);
    await this.#node.startRuntime();
    this.#say('runtime');
    await this.#operators.start('operator');
    await this.#node.startAgent();
    this.#say('operator and agent');
  }

  async #applyModels(cluster: Cluster): Promise<void> {
    const { models } = this.#flags;
    await cluster.kubectl(['apply', '-f', join(examples, 'policy.yaml')], { signal: this.#signal });
    await this.#policyApplied(cluster);
    const manifest = readFileSync(join(examples, 'models.yaml'));
    const script = join(examples, 'with-digests.sh');
    const input = execFileSync(script, [models], { input: manifest, encoding: 'utf8' });
    await cluster.kubectl(['apply', '-f', '-'], { input, signal: this.#signal });
    this.#say('policy and models applied');
  }

  async #applyTasks(cluster: Cluster, file: string): Promise<void> {
    await cluster.kubectl(['apply', '-f', join(examples, file)], { signal: this.#signal });
    this.#say(`${file} applied`);
  }

  /** Before tasks come, or they would be measured under the built-in policy first. */
  async #policyApplied(cluster: Cluster): Promise<void> {
    const args = ['wait', '--for=condition=Ready', '--timeout=60s', 'gsp', 'gpu'];
    await cluster.kubectl(args, { signal: this.#signal, timeoutMs: 70_000 });
  }

  async #write(cluster: Cluster, facts: { readySeconds: number }): Promise<void> {
    const { out, engine, seconds } = this.#flags;
    const text = await cluster.kubectl(['get', kinds.join(','), '-A', '-o', 'yaml'], { signal: this.#signal });
    writeFileSync(join(out, 'objects.yaml'), text);
    // Figures in a status may be a minute old; these are of now.
    writeFileSync(join(out, 'agent-metrics.txt'), await this.#node.metrics());
    const lists = await cluster.kubectl(['get', kinds.join(','), '-A', '-o', 'json'], { signal: this.#signal });
    const origin = { machine: { ...machine(), ...gpuOfMachine() }, commit: this.#flags.commit ?? commit() };
    const summary = { ...origin, engine, seconds, ...facts, ...summarize(JSON.parse(lists)) };
    writeFileSync(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    this.#say(`written to ${out}`);
  }

  #trial(cluster: Cluster, othersReady: () => Promise<unknown>): BadInput | SeveralGpus {
    const { engine, gpus, models: modelRoot } = this.#flags;
    const compiled = runsCompiledCode(engine);
    const { name: node } = this.#node;
    const supervisor = this.#node.pidOf('runtime');
    const observed = (): ObservedState | undefined => this.#node.watch.latest;
    const signal = this.#signal;
    if (gpus > 1) {
      const sockets = Array.from({ length: gpus }, (_, number) => socketOf(this.#node.socket, number));
      return new SeveralGpus({ cluster, node, supervisor, sockets, allReady: othersReady, signal });
    }
    return new BadInput({ cluster, node, compiled, modelRoot, supervisor, observed, othersReady, signal });
  }

  #writeAnswers(answers: readonly Answer[]): void {
    writeFileSync(
      join(this.#flags.out, this.#flags.gpus > 1 ? 'several-gpus.json' : 'bad-input.json'),
      `${JSON.stringify(answers, null, 2)}\n`,
    );
    const last = answers.at(-1);
    if (last !== undefined) this.#say(`${last.what} (${last.seconds} s): ${last.answer}`);
  }

  #assertRunning(): void {
    this.#node.assertRunning();
    this.#operators.assertRunning();
  }

  #elapsed(): number {
    return Math.round((performance.now() - this.#startedMs) / 100) / 10;
  }

  #say(what: string): void {
    process.stdout.write(`${this.#elapsed().toFixed(1).padStart(6)} s  ${what}\n`);
  }
}

async function main(): Promise<void> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort(new Error(name)));
  const stack = new GpuStack(flags(), interrupted.signal);
  try {
    await stack.run();
  } finally {
    await stack.stop();
  }
}

await main();
