// Several GPUs of one machine that serve: where tasks are, which process works on which GPU, and what the tasks of the others
// feel when one of the runtimes is killed.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { GpuNode, RealtimeInferenceTask } from '../../api/resources.ts';
import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { waitFor } from '../control-plane/wait.ts';
import { RuntimeWatch } from '../e2e/runtime-watch.ts';
import type { Answer } from './bad-input.ts';
import { beside, type Kill, killWords, totals } from './kill.ts';

export interface SeveralGpusOptions {
  readonly cluster: Cluster;
  readonly node: string;
  /** Process of the runtimes' supervisor. */
  readonly supervisor: number;
  /** One for each GPU. */
  readonly sockets: readonly string[];
  /** Resolves once the tasks of the examples are Ready. */
  readonly allReady: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

interface Runtime {
  readonly gpu: string;
  readonly watch: RuntimeWatch;
}

/** What was tried and seen; of a runtime that was killed, in figures too. */
export interface Trial extends Answer {
  readonly kill?: Kill;
}

type Seen = Pick<Trial, 'answer' | 'kill'>;

const timeoutMs = 60_000;

export class SeveralGpus {
  readonly #options: SeveralGpusOptions;

  constructor(options: SeveralGpusOptions) {
    this.#options = options;
  }

  /** One after the other, each told at once; after each all tasks must be Ready again. */
  async run(tell: (trial: Trial) => void): Promise<void> {
    const watches = this.#options.sockets.map((socket) => new RuntimeWatch(socket, () => undefined));
    for (const watch of watches) watch.start();
    try {
      const runtimes = await Promise.all(watches.map((watch) => this.#known(watch)));
      const told = async (what: string, look: () => Promise<Seen>): Promise<void> => {
        const startedMs = performance.now();
        const seen = await look().catch((error: unknown): Seen => ({ answer: `NOT SEEN: ${String(error)}` }));
        tell({ what, ...seen, seconds: secondsSince(startedMs) });
        await this.#options.allReady();
      };
      const places = async (): Promise<Seen> => ({ answer: await this.#places() });
      await told('the GPUs of the node', async () => ({ answer: await this.#gpus() }));
      await told('where tasks are', places);
      await told('which process works on which GPU', async () =>
        Promise.resolve({ answer: this.#processes(runtimes) }),
      );
      for (const killed of runtimes)
        await told(`SIGKILL of the runtime of ${killed.gpu}`, () => this.#kill(killed, runtimes));
      await told('where tasks are after that', places);
      await told('MPS on each of them', async () => ({ answer: await this.#underMps() }));
    } finally {
      for (const watch of watches) watch.stop();
    }
  }

  async #known(watch: RuntimeWatch): Promise<Runtime> {
    const { gpus } = await watch.fresh(this.#options.signal);
    return { gpu: gpus[0]?.uuid ?? '', watch };
  }

  async #gpus(): Promise<string> {
    const { status } = (await this.#read('gpunode', this.#options.node)) as GpuNode;
    const words = status?.gpus?.map(({ uuid, product, address, contexts = [] }) => {
      return `${uuid} (${product}) at ${address}, SMs ${contexts.map(({ sms }) => sms).join(' ')}`;
    });
    return (words ?? []).join('; ');
  }

  async #places(): Promise<string> {
    const { items } = (await this.#read('rit')) as unknown as { items: RealtimeInferenceTask[] };
    const words = items.map(({ metadata, status }) => {
      const { gpu, context, epoch } = status?.placement ?? {};
      return `${metadata?.name} on ${gpu}, context ${context}, epoch ${epoch}, at ${status?.endpoint?.address}`;
    });
    return words.join('; ');
  }

  /** As the driver sees it, where there is one that shows this machine's numbers. */
  #processes(runtimes: readonly Runtime[]): string {
    const own = runtimes.map(({ gpu }) => `${gpu}: runtime ${this.#pidOf(gpu)}`).join('; ');
    try {
      const query = ['--query-compute-apps=gpu_uuid,pid,used_memory', '--format=csv,noheader'];
      return `${own}; nvidia-smi: ${execFileSync('nvidia-smi', query, { encoding: 'utf8' }).trim().replaceAll('\n', '; ')}`;
    } catch {
      return `${own}; there is no nvidia-smi`;
    }
  }

  /** Of what the others count meanwhile, nothing may stand still, and nothing begin anew. */
  async #kill(killed: Runtime, runtimes: readonly Runtime[]): Promise<Seen> {
    const { signal } = this.#options;
    const others = runtimes.filter(({ gpu }) => gpu !== killed.gpu);
    const before = totals(await killed.watch.fresh(signal));
    const besides = await Promise.all(
      others.map(async ({ gpu, watch }) => ({ gpu, watch, was: totals(await watch.fresh(signal)) })),
    );
    process.kill(this.#pidOf(killed.gpu), 'SIGKILL');
    const killedMs = performance.now();
    const isBack = (state: ObservedState): boolean => {
      const { instanceId, serving } = totals(state);
      return instanceId !== before.instanceId && serving >= before.serving;
    };
    const back = totals(await killed.watch.until(isBack, { what: `${killed.gpu} to serve again`, timeoutMs, signal }));
    const servedAgainSeconds = secondsSince(killedMs);
    const kill: Kill = {
      gpu: killed.gpu,
      tasks: before.serving,
      servedAgainSeconds,
      releasedBefore: before.released,
      releasedAfter: back.released,
      others: await Promise.all(
        besides.map(async ({ gpu, watch, was }) => beside(gpu, was, totals(await watch.fresh(signal)))),
      ),
    };
    return { answer: killWords(kill), kill };
  }

  /** Each GPU has an MPS daemon of its own then, in a folder that is called as the GPU. */
  async #underMps(): Promise<string> {
    const { spec } = (await this.#read('gsp', 'gpu')) as { spec: { partitioning: object } };
    const partitioning = { mode: 'MPSStreams', contexts: 2, streamsPerContext: 2, oversubscription: '1' };
    const answer = await this.#follow(partitioning);
    await this.#options.allReady();
    const folder = join(tmpdir(), `daris-mps-${process.getuid?.()}`);
    const daemons = existsSync(folder) ? readdirSync(folder).join(', ') : 'none';
    await this.#follow(spec.partitioning);
    return `${answer}; all tasks were Ready under it; folders of daemons: ${daemons}`;
  }

  /** Resolves when the node has answered for the policy so changed. */
  async #follow(partitioning: object): Promise<string> {
    const { cluster, node, signal } = this.#options;
    const patch = ['patch', 'gsp', 'gpu', '--type=merge', '-p', JSON.stringify({ spec: { partitioning } })];
    await cluster.kubectl(patch, { signal });
    const { metadata } = (await this.#read('gsp', 'gpu')) as { metadata: { generation: number } };
    const probe = async (): Promise<string> => {
      const { status } = (await this.#read('gpunode', node)) as GpuNode;
      const applied = status?.conditions?.find(({ type }) => type === 'PolicyApplied');
      if (status?.observedPolicy?.generation !== metadata.generation) throw new Error(JSON.stringify(applied));
      return `PolicyApplied=${applied?.status} ${applied?.reason}: ${applied?.message}`;
    };
    return waitFor(probe, { what: `policy gpu, generation ${metadata.generation}, to be answered`, timeoutMs, signal });
  }

  /** The child of the supervisor that was told this GPU. */
  #pidOf(gpu: string): number {
    const { supervisor } = this.#options;
    const children = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8').trim().split(' ');
    const isOf = (pid: string): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--gpu=${gpu}\0`);
    const pid = children.find((child) => child !== '' && isOf(child));
    if (pid === undefined) throw new Error(`no process of the supervisor serves ${gpu}`);
    return Number(pid);
  }

  async #read(kind: string, name?: string): Promise<object> {
    const { cluster, signal } = this.#options;
    const args = ['get', kind, ...(name === undefined ? ['-A'] : [name]), '-o', 'json'];
    const probe = async (): Promise<object> => JSON.parse(await cluster.kubectl(args, { signal })) as object;
    return waitFor(probe, { what: `kubectl ${args.join(' ')}`, timeoutMs, signal });
  }
}

function secondsSince(startedMs: number): number {
  return Math.round((performance.now() - startedMs) / 100) / 10;
}
