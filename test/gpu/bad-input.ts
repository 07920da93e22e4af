// What users get wrong, on a GPU that serves: each is answered in words, and the tasks beside it run on.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Condition } from '../../api/conditions.ts';
import { type ObservedState, TaskPhase } from '../../node-agent/native/gen/runtime.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { waitFor } from '../control-plane/wait.ts';
import { digestOf, variant } from '../integration/damaged-packages.ts';
import { badPackages } from './bad-packages.ts';

export interface BadInputOptions {
  readonly cluster: Cluster;
  readonly node: string;
  /** Whether the engine runs compiled code. */
  readonly compiled: boolean;
  readonly modelRoot: string;
  /** Process of the runtime's supervisor. */
  readonly supervisor: number;
  /** What the runtime last told of itself. */
  readonly observed: () => ObservedState | undefined;
  /** Resolves once the tasks of the examples are Ready. */
  readonly othersReady: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly what: string;
  /** Kind, condition, reason and message; or that none came. */
  readonly answer: string;
  readonly seconds: number;
}

interface Listed {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface ProfileList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly digest: string };
  }[];
}

interface Case {
  readonly what: string;
  readonly run: () => Promise<string>;
}

const apiVersion = 'daris.dev/v1alpha1';
const timeoutMs = 45_000;

export class BadInput {
  readonly #options: BadInputOptions;

  constructor(options: BadInputOptions) {
    this.#options = options;
  }

  /** One after the other, each told at once; after each the others must be Ready again. */
  async run(tell: (answer: Answer) => void): Promise<void> {
    for (const { what, run } of this.#cases()) {
      const startedMs = performance.now();
      const answer = await run().catch((error: unknown) => `NOT SEEN: ${String(error)}`);
      const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
      tell({ what, answer, seconds });
      await this.#options.othersReady();
    }
  }

  #cases(): Case[] {
    const { compiled } = this.#options;
    const packages = badPackages
      .filter((each) => compiled || !each.compiled)
      .map(({ what, reason, change }, at) => ({ what, run: () => this.#badPackage(`bad-${at}`, change, reason) }));
    const everywhere = [
      { what: 'a batch size that the package lacks', run: () => this.#missingBatch() },
      { what: 'a model larger than the memory that is left', run: () => this.#tooLarge() },
      { what: 'more contexts than the GPU holds', run: () => this.#tooManyContexts() },
      { what: 'SIGKILL of the runtime', run: () => this.#killedRuntime() },
    ];
    const unlisted = { what: 'a namespace that is not listed', run: () => this.#unlisted() };
    return [...packages, ...(compiled ? [unlisted] : []), ...everywhere];
  }

  async #badPackage(name: string, change: (folder: string) => string, reason: string): Promise<string> {
    await this.#model('vision', name, change(this.#copy(name)));
    const told = await this.#told('im', name, 'vision', 'Inspected', reason);
    await this.#remove('vision', 'im', name);
    return told;
  }

  async #missingBatch(): Promise<string> {
    await this.#task('vision', 'batch-77', { model: 'resnet18', batchSize: 77 });
    const told = await this.#told('rit', 'batch-77', 'vision', 'Stalled', 'BatchNotInPackage');
    await this.#remove('vision', 'rit', 'batch-77');
    return told;
  }

  async #tooLarge(): Promise<string> {
    const digest = variant(this.#copy('huge'), 'huge');
    await this.#model('vision', 'huge', digest, { memory: '9000Gi' });
    await this.#task('vision', 'huge', { model: 'huge' });
    await this.#estimate(digest);
    const told = await this.#told('rit', 'huge', 'vision', 'Placed', 'Memory');
    await this.#remove('vision', 'rit,im', 'huge');
    return told;
  }

  /** No GPU is idle to measure it on. */
  async #estimate(digest: string): Promise<void> {
    const spec = { estimate: { stageAfet: ['1ms', '1ms', '1ms', '1ms'] } };
    const probe = async (): Promise<true> => {
      const { items } = JSON.parse(await this.#kubectl(['get', 'modelprofiles', '-o', 'json'])) as ProfileList;
      const profile = items.find((each) => each.spec.digest === digest);
      if (profile === undefined) throw new Error(`${items.length} others`);
      await this.#kubectl([
        'patch',
        'modelprofile',
        profile.metadata.name,
        '--type=merge',
        '-p',
        JSON.stringify({ spec }),
      ]);
      return true;
    };
    await waitFor(probe, { what: `a profile of ${digest}`, timeoutMs, signal: this.#options.signal });
  }

  /** The same package as resnet18 of namespace vision, in a namespace that the policy does not list. */
  async #unlisted(): Promise<string> {
    await this.#apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'guest' } });
    await this.#model('guest', 'resnet18', digestOf(join(this.#options.modelRoot, 'resnet18')));
    await this.#task('guest', 'guest-camera', { model: 'resnet18' });
    const told = await this.#told('rit', 'guest-camera', 'guest', 'Placed', 'CompiledCodeNotAllowed');
    await this.#remove('guest', 'rit', 'guest-camera');
    return told;
  }

  async #tooManyContexts(): Promise<string> {
    const policy = await this.#read('gsp', 'gpu', []);
    const partitioning = { mode: 'GreenContexts', contexts: 200, oversubscription: '1' };
    await this.#kubectl(['patch', 'gsp', 'gpu', '--type=merge', '-p', JSON.stringify({ spec: { partitioning } })]);
    const told = await this.#told('gpunode', this.#options.node, '', 'PolicyApplied', 'TooManyContexts');
    const former = (policy as { spec: object }).spec;
    await this.#kubectl(['patch', 'gsp', 'gpu', '--type=merge', '-p', JSON.stringify({ spec: former })]);
    await this.#told('gpunode', this.#options.node, '', 'PolicyApplied', 'Applied');
    return told;
  }

  /** What the GpuNode says meanwhile is written only where the runtime is away for long enough. */
  async #killedRuntime(): Promise<string> {
    const { supervisor, node, observed, signal } = this.#options;
    const before = observed();
    const [worker] = childrenOf(supervisor);
    if (worker === undefined || before === undefined) throw new Error('no runtime to kill');
    const serving = servedTasks(before);
    process.kill(worker, 'SIGKILL');
    const killedMs = performance.now();
    let told = `gpunode ${node}: Ready=True all the while`;
    const probe = async (): Promise<true> => {
      const { status } = await this.#read('gpunode', node, []);
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      if (ready?.status === 'False') told = `gpunode ${node}: Ready=False ${ready.reason}: ${ready.message}`;
      const now = observed();
      if (now === undefined || now.instanceId === before.instanceId) throw new Error('no new runtime');
      if (servedTasks(now) < serving) throw new Error(`${servedTasks(now)} of ${serving} tasks are served`);
      return true;
    };
    await waitFor(probe, { what: 'the tasks to be served again', timeoutMs, signal });
    return `${told}; all tasks were served again after ${((performance.now() - killedMs) / 1000).toFixed(1)} s`;
  }

  /** A copy of resnet18 below the model root. */
  #copy(name: string): string {
    const { modelRoot } = this.#options;
    cpSync(join(modelRoot, 'resnet18'), join(modelRoot, name), { recursive: true });
    return join(modelRoot, name);
  }

  #model(namespace: string, name: string, digest: string, more: object = {}): Promise<void> {
    const spec = { source: { uri: `file:///${name}`, digest }, ...more };
    return this.#apply({ apiVersion, kind: 'InferenceModel', metadata: { name, namespace }, spec });
  }

  #task(namespace: string, name: string, terms: object): Promise<void> {
    const spec = { priority: 'Low', release: 'Periodic', period: '100ms', ...terms };
    return this.#apply({ apiVersion, kind: 'RealtimeInferenceTask', metadata: { name, namespace }, spec });
  }

  #apply(manifest: object): Promise<void> {
    return this.#options.cluster.apply(manifest, { signal: this.#options.signal });
  }

  async #remove(namespace: string, kinds: string, name: string): Promise<void> {
    for (const kind of kinds.split(',')) await this.#kubectl(['delete', kind, name, '-n', namespace]);
  }

  /** Waits for a condition with that reason. */
  #told(kind: string, name: string, namespace: string, type: string, reason: string): Promise<string> {
    const where = namespace === '' ? [] : ['-n', namespace];
    const probe = async (): Promise<string> => {
      const { status } = await this.#read(kind, name, where);
      const found = status?.conditions?.find((condition) => condition.type === type);
      if (found?.reason !== reason) throw new Error(JSON.stringify(status?.conditions));
      return `${kind} ${name}: ${type}=${found.status} ${reason}: ${found.message}`;
    };
    const what = `${type} of ${kind} ${name} to have reason ${reason}`;
    return waitFor(probe, { what, timeoutMs, signal: this.#options.signal });
  }

  async #read(kind: string, name: string, where: readonly string[]): Promise<Listed> {
    return JSON.parse(await this.#kubectl(['get', kind, name, ...where, '-o', 'json'])) as Listed;
  }

  #kubectl(args: readonly string[]): Promise<string> {
    return this.#options.cluster.kubectl(args, { signal: this.#options.signal });
  }
}

function servedTasks({ tasks }: ObservedState): number {
  return tasks.filter(({ phase }) => phase === TaskPhase.TASK_PHASE_SERVING).length;
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
