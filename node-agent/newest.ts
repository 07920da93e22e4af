// The newest known state of objects: the reflector's store, and over it what our own writes and reads answered, until
// the watch has caught up. Without it each write would be followed by a conflict with itself.
import { keyOf, type KubeObject, type Stored } from '../kube/resource.ts';
import type { ReadableStore } from '../kube/store.ts';

export class Newest<T extends KubeObject> {
  readonly #store: ReadableStore<T>;
  readonly #ahead = new Map<string, Stored<T>>();

  constructor(store: ReadableStore<T>) {
    this.#store = store;
  }

  list(): Stored<T>[] {
    return this.#store.list().map((object) => this.#newer(object));
  }

  put(object: Stored<T>): void {
    this.#ahead.set(keyOf(object), object);
  }

  #newer(stored: Stored<T>): Stored<T> {
    const key = keyOf(stored);
    const ahead = this.#ahead.get(key);
    if (ahead === undefined) return stored;
    if (ahead.metadata.uid === stored.metadata.uid && isNewer(ahead, stored)) return ahead;
    this.#ahead.delete(key);
    return stored;
  }
}

/** Resource versions are growing decimal numbers without a limit on their length. */
function isNewer(one: Stored<KubeObject>, other: Stored<KubeObject>): boolean {
  const [a, b] = [one.metadata.resourceVersion, other.metadata.resourceVersion];
  return a.length === b.length ? a > b : a.length > b.length;
}
