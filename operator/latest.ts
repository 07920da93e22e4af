// What this process itself has just written or read, until the reflector's store has caught up with it: decisions rest on
// the newest state that is known, and the own write is not seen as a change to be made again.
import { keyOf, type KubeObject, type Stored } from '../kube/resource.ts';
import type { ReadableStore } from '../kube/store.ts';

export class Latest<T extends KubeObject> {
  readonly #store: ReadableStore<T>;
  readonly #newer = new Map<string, Stored<T>>();

  constructor(store: ReadableStore<T>) {
    this.#store = store;
  }

  get(key: string): Stored<T> | undefined {
    const stored = this.#store.get(key);
    const newer = this.#newer.get(key);
    if (newer === undefined) return stored;
    if (stored !== undefined && isNewer(newer, stored)) return newer;
    this.#newer.delete(key);
    return stored;
  }

  list(): Stored<T>[] {
    return this.#store.list().map((stored) => this.get(keyOf(stored)) ?? stored);
  }

  remember(object: Stored<T>): void {
    this.#newer.set(keyOf(object), object);
  }
}

/** Versions of one resource are whole numbers that grow: Kubernetes documents their order since 1.35. */
function isNewer(a: Stored<KubeObject>, b: Stored<KubeObject>): boolean {
  const [one, other] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  return one.length === other.length ? one > other : one.length > other.length;
}
