/**
 * Keeps a store equal to what the API server has: one paged list, then a watch that goes on for ever. It never gives up:
 * refusals, resets, silence and expired versions end in a jittered retry, the last in a new list.
 */
import type { Logger } from 'pino';
import type { Random } from './backoff.ts';
import type { KubeClient, Selection } from './client.ts';
import type { Clock } from './clock.ts';
import type { MetricRegistry } from './metrics.ts';
import type { KubeObject, Resource, Stored } from './resource.ts';
import { Store, type IndexFunction, type ReadableStore } from './store.ts';

/**
 * Told of every change: (undefined, new) added, (old, new) changed, (old, undefined) gone. An object that was deleted and
 * created anew under its name arrives as gone, then added. May be called again for a key when it threw.
 */
export type Listener<T extends KubeObject> = (
  key: string,
  before: Stored<T> | undefined,
  now: Stored<T> | undefined,
) => void;

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
  readonly #store: Store<T>;

  constructor(options: ReflectorOptions<T>) {
    this.#store = new Store(options.indexes);
  }

  get store(): ReadableStore<T> {
    return this.#store;
  }

  /** Starts telling `listener` of changes, beginning with an add of each object already here. Returns the way out. */
  subscribe(_listener: Listener<T>): () => void {
    throw new Error('not yet');
  }

  start(): void {
    throw new Error('not yet');
  }

  /** Ends the watch; the store keeps its last state. */
  stop(): Promise<void> {
    throw new Error('not yet');
  }

  /** Resolves once the first list is in the store and all listeners have been told. Rejects when the signal aborts. */
  synced(_signal?: AbortSignal): Promise<void> {
    throw new Error('not yet');
  }

  /** How long ago, ms, the API server last proved this store current (list, event or bookmark); Infinity before. */
  ageMs(): number {
    throw new Error('not yet');
  }
}
