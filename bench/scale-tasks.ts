// Many tasks at once: applying them, and when each became Placed and Ready as a watch shows it.
import { pino } from 'pino';

import { isTrue } from '../api/conditions.ts';
import { inferenceModels, realtimeInferenceTasks } from '../api/resources.ts';
import type { InferenceModel, RealtimeInferenceTask } from '../api/resources.ts';
import { KubeClient } from '../kube/client.ts';
import { SystemClock } from '../kube/clock.ts';
import { connect, type Connection } from '../kube/connection.ts';
import { Reflector } from '../kube/reflector.ts';
import { defineResource, type Stored } from '../kube/resource.ts';
import { waitFor } from '../test/control-plane/wait.ts';

const taskResource = defineResource<RealtimeInferenceTask>(realtimeInferenceTasks);
const modelResource = defineResource<InferenceModel>(inferenceModels);
const namespace = 'default';
const model = 'simulated';
const fieldManager = 'scale-bench';
/** Applies under way at a time, each on a connection of its own. */
export const parallelApplies = 16;

export interface Spans {
  /** Seconds from the first apply. */
  readonly applied: number;
  readonly placed: number;
  readonly ready: number;
}

export class ScaleTasks {
  readonly #connection: Connection;
  readonly #client: KubeClient;
  readonly #reflector: Reflector<RealtimeInferenceTask>;
  readonly #placedMs = new Map<string, number>();
  readonly #readyMs = new Map<string, number>();

  constructor(kubeconfigPath: string) {
    this.#connection = connect({ kubeconfigPath, userAgent: 'scale-bench', connections: parallelApplies });
    this.#client = new KubeClient(this.#connection);
    const log = pino({ level: 'silent' });
    const { clock, client } = { clock: new SystemClock(), client: this.#client };
    this.#reflector = new Reflector({ client, resource: taskResource, selection: { namespace }, log, clock });
    this.#reflector.subscribe((key, _before, now) => this.#told(key, now));
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#reflector.start();
    await this.#reflector.synced(signal);
  }

  async stop(): Promise<void> {
    await this.#reflector.stop();
    await this.#connection.close();
  }

  /** The model, profiled: one task of it has been served, and is gone again. */
  async prepare(source: { uri: string; digest: string }, signal: AbortSignal): Promise<void> {
    await this.#client.apply(
      modelResource,
      { metadata: { name: model, namespace }, spec: { source } },
      { fieldManager, signal },
    );
    await this.#apply('warm-up', 1, signal);
    await this.#until('the first task to be served', () => this.#readyMs.size === 1, signal);
    await this.#client.delete(taskResource, { name: 'warm-up', namespace }, { signal });
    await this.#until('the first task to be gone', () => this.#reflector.store.list().length === 0, signal);
  }

  /** Applies them all, and waits until every one is served. */
  async serve(count: number, signal: AbortSignal): Promise<Spans> {
    this.#placedMs.clear();
    this.#readyMs.clear();
    const startMs = performance.now();
    const since = (endMs: number): number => (endMs - startMs) / 1000;
    const names = Array.from({ length: count }, (_, at) => [`task-${at}`, at] as const).values();
    const work = async (): Promise<void> => {
      for (const [name, at] of names) await this.#apply(name, at, signal);
    };
    await Promise.all(Array.from({ length: parallelApplies }, work));
    const applied = since(performance.now());
    await this.#until(`${count} tasks to be served`, () => this.#readyMs.size === count, signal);
    return { applied, placed: since(last(this.#placedMs)), ready: since(last(this.#readyMs)) };
  }

  /** How many are Placed and Ready now. */
  counts(): { tasks: number; ready: number } {
    const tasks = this.#reflector.store.list();
    return { tasks: tasks.length, ready: tasks.filter((task) => isTrue(task.status?.conditions, 'Ready')).length };
  }

  async #apply(name: string, at: number, signal: AbortSignal): Promise<void> {
    // A third High; releases spread over the period, as those of cameras are.
    const priority = at % 3 === 0 ? 'High' : 'Low';
    const offset = `${(at * 619) % 1000}ms`;
    const spec = { model, priority, release: 'Periodic', period: '1s', offset } as const;
    await this.#client.apply(taskResource, { metadata: { name, namespace }, spec }, { fieldManager, signal });
  }

  #told(key: string, task: Stored<RealtimeInferenceTask> | undefined): void {
    const conditions = task?.status?.conditions;
    if (isTrue(conditions, 'Placed') && !this.#placedMs.has(key)) this.#placedMs.set(key, performance.now());
    if (isTrue(conditions, 'Ready') && !this.#readyMs.has(key)) this.#readyMs.set(key, performance.now());
  }

  async #until(what: string, holds: () => boolean, signal: AbortSignal): Promise<void> {
    const probe = (): true => {
      if (holds()) return true;
      throw new Error(`${this.#placedMs.size} Placed, ${this.#readyMs.size} Ready`);
    };
    await waitFor(probe, { what, timeoutMs: 600_000, intervalMs: 20, signal });
  }
}

function last(times: ReadonlyMap<string, number>): number {
  return Math.max(...times.values());
}
