/**
 * Runs a reconcile function for keys that need it: a number of workers, a time limit and a backoff each, sources that say
 * which keys a changed object touches. Reconcile is level-based: it gets a key, not an event.
 */
import type { Logger } from 'pino';
import type { BackoffOptions, Random } from './backoff.ts';
import { Deadline, type Clock } from './clock.ts';
import { TerminalError, TransientError, isConflict, retryAfterMs } from './errors.ts';
import type { Counter, Histogram, MetricRegistry } from './metrics.ts';
import type { Reflector } from './reflector.ts';
import { keyOf, type KubeObject, type Stored } from './resource.ts';
import { WorkQueue } from './work-queue.ts';

export type Outcome = { readonly kind: 'done' } | { readonly kind: 'requeueAfter'; readonly ms: number };

/** Nothing more to do until something changes. */
export const done: Outcome = Object.freeze({ kind: 'done' });

/** Look again after `ms`, or earlier if something changes. */
export function requeueAfter(ms: number): Outcome {
  return { kind: 'requeueAfter', ms };
}

/**
 * Brings the world of one key where it should be. Throws TerminalError: no retry until something changes; anything else:
 * retry with backoff. Must end soon after `signal` aborts.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome>;

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  readonly log: Logger;
  /** Keys reconciled at the same time; absent: 1. */
  readonly workers?: number | undefined;
  /** Limit of one reconcile, ms; absent: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Every key is looked at again after about this long even if nothing happens; absent: never. */
  readonly resyncMs?: number | undefined;
  readonly backoff?: BackoffOptions | undefined;
  readonly random?: Random | undefined;
  readonly metrics?: MetricRegistry | undefined;
}

interface Source {
  readonly synced: (signal: AbortSignal) => Promise<void>;
  readonly subscribe: () => () => void;
  readonly keys: () => readonly string[];
}

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #log: Logger;
  readonly #queue: WorkQueue;
  readonly #metrics: ControllerMetrics | undefined;
  readonly #sources: Source[] = [];
  readonly #unsubscribe: (() => void)[] = [];
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.log.child({ controller: options.name });
    this.#queue = new WorkQueue(options);
    this.#metrics = options.metrics && new ControllerMetrics(options.metrics, options.name, this.#queue);
  }

  /**
   * Enqueues the keys that `mapToKeys` names for an object's old and new state whenever it changes; absent: its own key.
   * Call before `start`. Starting and stopping the reflector stays with its owner: several controllers may share it.
   */
  watch<T extends KubeObject>(
    reflector: Reflector<T>,
    mapToKeys: (object: Stored<T>) => readonly string[] = (object) => [keyOf(object)],
  ): this {
    this.#sources.push({
      synced: (signal) => reflector.synced(signal),
      keys: () => reflector.store.list().flatMap((object) => mapToKeys(object)),
      subscribe: () =>
        reflector.subscribe((_, before, now) => {
          // Once each: an idle worker takes a key at once, and the same key again would be a second run.
          const keys = [before, now].flatMap((object) => (object === undefined ? [] : mapToKeys(object)));
          for (const key of new Set(keys)) this.#queue.add(key);
        }),
    });
    return this;
  }

  /** Makes a key due now, for sources that are not reflectors. */
  enqueue(key: string): void {
    this.#queue.add(key);
  }

  enqueueAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** Workers begin once all watched reflectors are synced. */
  start(): void {
    if (this.#running !== undefined) throw new Error(`controller ${this.name} was started before`);
    for (const source of this.#sources) this.#unsubscribe.push(source.subscribe());
    const workers = Array.from({ length: this.#options.workers ?? 1 }, () => this.#work());
    this.#running = Promise.all([...workers, this.#resync()]);
  }

  /** Takes no new keys, aborts the signals of running reconciles, resolves when they have ended. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#stopping.abort(new TransientError(`controller ${this.name} stops`, { code: 'Stopping' }));
    await this.#queue.shutdown();
    await this.#running;
  }

  async #synced(): Promise<boolean> {
    const signal = this.#stopping.signal;
    try {
      await Promise.all(this.#sources.map((source) => source.synced(signal)));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  }

  async #work(): Promise<void> {
    if (!(await this.#synced())) return;
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      const startMs = this.#options.clock.monotonic();
      const result = await this.#reconcile(key);
      this.#metrics?.reconciled(result, this.#options.clock.monotonic() - startMs);
      this.#queue.done(key);
    }
  }

  async #reconcile(key: string): Promise<Result> {
    const { clock, reconcile, timeoutMs = 30_000 } = this.#options;
    const timeout = (): TransientError => new TransientError(`not done in ${timeoutMs} ms`, { code: 'Timeout' });
    using deadline = new Deadline(clock, timeoutMs, timeout, this.#stopping.signal);
    try {
      const outcome = await reconcile(key, deadline.signal);
      this.#queue.forget(key);
      if (outcome.kind === 'requeueAfter') this.#queue.addAfter(key, outcome.ms);
      return outcome.kind;
    } catch (error) {
      return this.#failed(key, error);
    }
  }

  #failed(key: string, error: unknown): Result {
    if (this.#stopping.signal.aborted) return 'stopped';
    if (error instanceof TerminalError) {
      this.#queue.forget(key);
      this.#log.error({ key, err: error }, 'reconcile failed, no retry before something changes');
      return 'terminal';
    }
    const retryMs = this.#queue.addRateLimited(key, retryAfterMs(error));
    this.#log[isConflict(error) ? 'debug' : 'warn']({ key, err: error, retryMs }, 'reconcile failed, will retry');
    return 'retry';
  }

  // Spread over the whole interval, so that it is a trickle and never a wave.
  async #resync(): Promise<void> {
    const { clock, resyncMs, random = Math.random } = this.#options;
    if (resyncMs === undefined) return;
    while (!this.#stopping.signal.aborted) {
      try {
        await clock.sleep(resyncMs, this.#stopping.signal);
        for (const key of this.#sources.flatMap((source) => source.keys())) {
          this.#queue.addAfter(key, random() * resyncMs);
        }
      } catch (err) {
        if (!this.#stopping.signal.aborted) this.#log.error({ err }, 'resync failed, the next one may do better');
      }
    }
  }
}

type Result = Outcome['kind'] | 'retry' | 'terminal' | 'stopped';

class ControllerMetrics {
  readonly #controller: string;
  readonly #results: Counter<'controller' | 'result'>;
  readonly #seconds: Histogram<'controller'>;

  constructor(registry: MetricRegistry, controller: string, queue: WorkQueue) {
    this.#controller = controller;
    this.#results = registry.counter({
      name: 'controller_reconciles_total',
      help: 'Reconciles by controller and result.',
      labels: ['controller', 'result'],
    });
    this.#seconds = registry.histogram({
      name: 'controller_reconcile_seconds',
      help: 'Time of one reconcile.',
      labels: ['controller'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    });
    const depth = registry.gauge({
      name: 'controller_queue_depth',
      help: 'Keys that are due and wait for a worker.',
      labels: ['controller'],
    });
    registry.onCollect(() => depth.set(queue.depth, { controller }));
  }

  reconciled(result: Result, ms: number): void {
    this.#results.add(1, { controller: this.#controller, result });
    this.#seconds.observe(ms / 1000, { controller: this.#controller });
  }
}
