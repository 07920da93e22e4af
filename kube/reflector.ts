/**
 * Keeps a store equal to what the API server has: one paged list, then a watch that goes on for ever. It never gives up:
 * refusals, resets, silence and expired versions end in a jittered retry, the last in a new list.
 */
import type { Logger } from 'pino';
import { Backoff, type Random } from './backoff.ts';
import type { KubeClient, Selection } from './client.ts';
import type { Clock } from './clock.ts';
import { ApiError, AppError, TransientError, isGone, retryAfterMs } from './errors.ts';
import type { Counter, MetricRegistry } from './metrics.ts';
import { keyOf, type KubeObject, type Resource, type Stored } from './resource.ts';
import { Store, type IndexFunction, type ReadableStore } from './store.ts';
import { Subscription, type Listener } from './subscription.ts';
import { watch } from './watch.ts';

export type { Listener } from './subscription.ts';

// A watch that ends sooner without an event is a server in trouble, and is not asked again at once.
const shortestWatchMs = 1_000;
const listPageTimeoutMs = 60_000;

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  readonly selection?: Selection | undefined;
  readonly indexes?: { readonly [name: string]: IndexFunction<T> } | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random?: Random | undefined;
  readonly metrics?: MetricRegistry | undefined;
  /** Absent: 500. */
  readonly pageSize?: number | undefined;
  /** A watch without a byte for longer is taken for dead; absent: 150,000 ms (bookmarks come about every minute). */
  readonly inactivityMs?: number | undefined;
}

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #log: Logger;
  readonly #random: Random;
  readonly #store: Store<T>;
  readonly #subscriptions = new Set<Subscription<T>>();
  readonly #stopping = new AbortController();
  readonly #firstList = Promise.withResolvers<void>();
  readonly #metrics: ReflectorMetrics | undefined;
  #provenMs = -Infinity;
  #resourceVersion: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#log = options.log.child({ reflector: options.resource.plural });
    this.#random = options.random ?? Math.random;
    this.#store = new Store(options.indexes);
    this.#metrics = options.metrics && new ReflectorMetrics(options.metrics, options.resource.kind, this);
    // Whoever asks for `synced` hears of a failure; where nobody asks it is none.
    this.#firstList.promise.catch(() => undefined);
  }

  get store(): ReadableStore<T> {
    return this.#store;
  }

  /** Starts telling `listener` of changes, beginning with an add of each object already here. Returns the way out. */
  subscribe(listener: Listener<T>): () => void {
    const { clock } = this.#options;
    const subscription = new Subscription(listener, { newest: (key) => this.#store.get(key), clock, log: this.#log });
    this.#subscriptions.add(subscription);
    for (const object of this.#store.list()) subscription.notify(keyOf(object), undefined, object);
    return () => {
      subscription.end();
      this.#subscriptions.delete(subscription);
    };
  }

  start(): void {
    if (this.#running !== undefined)
      throw new Error(`reflector of ${this.#options.resource.plural} was started before`);
    this.#running = this.#run();
  }

  /** Ends the watch and all subscriptions; the store keeps its last state. */
  async stop(): Promise<void> {
    const reason = new TransientError('the reflector stops', { code: 'Stopping' });
    this.#stopping.abort(reason);
    this.#firstList.reject(reason);
    await this.#running;
    for (const subscription of this.#subscriptions) subscription.end();
    this.#subscriptions.clear();
  }

  /** Resolves once the first list is in the store and all listeners were told. Rejects when the signal aborts. */
  synced(signal?: AbortSignal): Promise<void> {
    if (signal === undefined) return this.#firstList.promise;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const loose = (): void => signal.removeEventListener('abort', abort);
      this.#firstList.promise.finally(loose).then(resolve, reject);
    });
  }

  /** How long ago, ms, the API server last proved this store current (list, event or bookmark); Infinity before. */
  ageMs(): number {
    return this.#options.clock.monotonic() - this.#provenMs;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const signal = this.#stopping.signal;
    const backoff = new Backoff({ initialMs: 500, maxMs: 10_000, jitter: 0.5 }, this.#random);
    let expired = false;
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(backoff);
      } catch (error) {
        if (signal.aborted) return;
        // The server is back and has only forgotten our version: what came before no longer asks for patience.
        if (isExpired(error) && !expired) backoff.reset();
        expired = isExpired(error);
        await this.#wait(clock, error, backoff.next(retryAfterMs(error)));
      }
    }
  }

  async #listAndWatch(backoff: Backoff): Promise<void> {
    const { client, resource, selection, clock, inactivityMs = 150_000 } = this.#options;
    const resourceVersion = (this.#resourceVersion ??= await this.#list());
    const signal = this.#stopping.signal;
    const timeoutSeconds = Math.round(300 + 300 * this.#random());
    const startMs = clock.monotonic();
    let events = 0;
    const options = { ...selection, resourceVersion, timeoutSeconds, inactivityMs, signal };
    for await (const event of watch(client.connection, resource, options)) {
      if (event.type === 'DELETED') this.#remove(keyOf(event.object));
      else if (event.type !== 'BOOKMARK') this.#put(event.object);
      this.#resourceVersion = event.resourceVersion;
      this.#provenMs = clock.monotonic();
      if (events++ === 0) backoff.reset();
    }
    if (events === 0 && clock.monotonic() - startMs < shortestWatchMs) {
      throw new TransientError('the server ended the watch at once', { code: 'ShortWatch' });
    }
    backoff.reset();
  }

  // The store goes from one consistent state to the next; what vanished while nobody watched is told as gone.
  async #list(): Promise<string> {
    const { client, resource, selection, pageSize, clock } = this.#options;
    const signal = this.#stopping.signal;
    const list = await client.list(resource, { ...selection, pageSize, signal, timeoutMs: listPageTimeoutMs });
    const listed = new Set(list.items.map((object) => keyOf(object)));
    for (const key of this.#store.keys()) if (!listed.has(key)) this.#remove(key);
    for (const object of list.items) this.#put(object);
    this.#provenMs = clock.monotonic();
    this.#metrics?.listed();
    this.#firstList.resolve();
    return list.resourceVersion;
  }

  async #wait(clock: Clock, err: unknown, delayMs: number): Promise<void> {
    if (!canGoOn(err)) this.#resourceVersion = undefined;
    const relist = this.#resourceVersion === undefined;
    this.#metrics?.failed(err);
    this.#log.warn({ err, delayMs, relist }, 'watch interrupted, will retry');
    await clock.sleep(delayMs, this.#stopping.signal).catch(() => undefined);
  }

  #put(object: Stored<T>): void {
    const key = keyOf(object);
    const before = this.#store.get(key);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#store.set(object);
    for (const subscription of this.#subscriptions) subscription.notify(key, before, object);
  }

  #remove(key: string): void {
    const before = this.#store.get(key);
    if (before === undefined) return;
    this.#store.delete(key);
    for (const subscription of this.#subscriptions) subscription.notify(key, before, undefined);
  }
}

/**
 * Whether a watch may be tried again from the same version. Otherwise only a new list helps: the version is compacted away
 * (410), from the future (504, after a restored backup), or the stream could not be understood.
 */
function canGoOn(error: unknown): boolean {
  if (error instanceof ApiError) return [401, 403, 429, 500, 502, 503].includes(error.status);
  return error instanceof TransientError && error.code !== 'WatchError' && error.code !== 'BadResponse';
}

function isExpired(error: unknown): boolean {
  return isGone(error) || (error instanceof TransientError && isGone(error.cause));
}

class ReflectorMetrics {
  readonly #kind: string;
  readonly #lists: Counter<'kind'>;
  readonly #failures: Counter<'kind' | 'code'>;

  constructor(registry: MetricRegistry, kind: string, reflector: { ageMs(): number; store: { size: number } }) {
    this.#kind = kind;
    const labels = ['kind'] as const;
    this.#lists = registry.counter({ name: 'reflector_lists_total', help: 'Full lists read, by kind.', labels });
    this.#failures = registry.counter({
      name: 'reflector_failures_total',
      help: 'Interrupted lists and watches, by kind and error code.',
      labels: ['kind', 'code'],
    });
    const age = registry.gauge({
      name: 'reflector_age_seconds',
      help: 'Time since the API server last proved the store current; about a minute is normal on a quiet kind.',
      labels,
    });
    const size = registry.gauge({ name: 'reflector_objects', help: 'Objects in the store.', labels });
    registry.onCollect(() => {
      age.set(reflector.ageMs() / 1000, { kind });
      size.set(reflector.store.size, { kind });
    });
  }

  listed(): void {
    this.#lists.add(1, { kind: this.#kind });
  }

  failed(error: unknown): void {
    this.#failures.add(1, { kind: this.#kind, code: error instanceof AppError ? error.code : 'Unknown' });
  }
}
