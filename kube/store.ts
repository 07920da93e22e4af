/**
 * The newest known state of one selection of objects, by key and by index. Written by its reflector alone.
 */
import { keyOf, type KubeObject, type Stored } from './resource.ts';

/** The values under which an object is found in an index; empty: not in it. */
export type IndexFunction<T extends KubeObject> = (object: Stored<T>) => readonly string[];

export interface ReadableStore<T extends KubeObject> {
  readonly size: number;
  get(key: string): Stored<T> | undefined;
  keys(): string[];
  list(): Stored<T>[];
  /** @throws RangeError for an index that was not declared */
  byIndex(index: string, value: string): Stored<T>[];
}

export class Store<T extends KubeObject> implements ReadableStore<T> {
  readonly #objects = new Map<string, Stored<T>>();
  readonly #indexes: ReadonlyMap<string, { of: IndexFunction<T>; keys: Map<string, Set<string>> }>;

  constructor(indexes: { readonly [name: string]: IndexFunction<T> } = {}) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, of]) => [name, { of, keys: new Map() }]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Stored<T> | undefined {
    return this.#objects.get(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  list(): Stored<T>[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): Stored<T>[] {
    const found = this.#indexes.get(index);
    if (found === undefined)
      throw new RangeError(`no index ${index}; there are: ${[...this.#indexes.keys()].join(', ')}`);
    return [...(found.keys.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  set(object: Stored<T>): void {
    const key = keyOf(object);
    this.delete(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      for (const value of index.of(object)) {
        const keys = index.keys.get(value) ?? new Set();
        index.keys.set(value, keys.add(key));
      }
    }
  }

  delete(key: string): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) {
      for (const value of index.of(object)) {
        const keys = index.keys.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.keys.delete(value);
      }
    }
  }
}
