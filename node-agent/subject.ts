// A kind of object whose status the agent writes: what is to be said of each, and the write itself, which re-reads and
// recomputes after a conflict. The statement is computed anew for each attempt, never patched onto an older object.
import type { Logger } from 'pino';
import type { KubeClient } from '../kube/client.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import { keyOf, type KubeObject, type Resource, type Stored } from '../kube/resource.ts';
import { fieldManagers } from '../api/resources.ts';
import type { Change } from './status.ts';

export interface Stated {
  readonly change: Change;
  /** The fields that the agent owns, whole. */
  readonly status: object;
}

export interface SubjectOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  readonly list: () => Stored<T>[];
  /** Undefined: nothing to say of it, or not ours to say. */
  readonly state: (object: Stored<T>) => Stated | undefined;
  /** Takes the newest object over, after a write or a read. */
  readonly learned: (object: Stored<T>) => void;
  readonly log: Logger;
  readonly written?: ((before: Stored<T>, after: Stored<T>) => void) | undefined;
}

/** One object's pending statement. */
export interface Item {
  readonly id: string;
  readonly kind: string;
  readonly uid: string;
  readonly change: Change;
  readonly write: (signal: AbortSignal) => Promise<void>;
}

const attempts = 3;

export class Subject<T extends KubeObject> {
  readonly #options: SubjectOptions<T>;
  readonly #told = new Map<string, string>();

  constructor(options: SubjectOptions<T>) {
    this.#options = options;
  }

  items(): Item[] {
    const { resource, list } = this.#options;
    return list().flatMap((object) => {
      const stated = this.#stateOrTell(object);
      if (stated === undefined) return [];
      const id = `${resource.kind} ${keyOf(object)}`;
      const write = (signal: AbortSignal): Promise<void> => this.#write(object, signal);
      return [{ id, kind: resource.kind, uid: object.metadata.uid, change: stated.change, write }];
    });
  }

  /** An object that no statement can be computed for is told once for each of its versions, and harms no other. */
  #stateOrTell(object: Stored<T>): Stated | undefined {
    const { log, resource, state } = this.#options;
    try {
      return state(object);
    } catch (error) {
      const { uid, resourceVersion } = object.metadata;
      if (this.#told.get(uid) !== resourceVersion) {
        log.warn({ err: error, kind: resource.kind, object: keyOf(object) }, 'object cannot be understood');
      }
      this.#told.set(uid, resourceVersion);
      return undefined;
    }
  }

  async #write(first: Stored<T>, signal: AbortSignal): Promise<void> {
    const { client, resource, state, learned, written } = this.#options;
    let object: Stored<T> | undefined = first;
    for (let attempt = 1; object !== undefined; attempt++) {
      const stated = state(object);
      if (stated === undefined || stated.change === 'none') return;
      const { name, namespace, resourceVersion } = identity(object);
      const applied = { metadata: { name, namespace }, status: stated.status } as unknown as Parameters<
        typeof client.apply<T>
      >[1];
      try {
        const after = await client.apply(resource, applied, {
          fieldManager: fieldManagers.agent,
          // The operator says Serving=Unknown of a lost node's tasks; once we are back it is ours again.
          force: true,
          subresource: 'status',
          resourceVersion,
          signal,
        });
        learned(after);
        written?.(object, after);
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error) || attempt >= attempts) throw error;
        object = await this.#reread(object, signal);
      }
    }
  }

  /** Undefined where the object is gone, or another one has its name. */
  async #reread(object: Stored<T>, signal: AbortSignal): Promise<Stored<T> | undefined> {
    const { client, resource, learned } = this.#options;
    try {
      const fresh = await client.get(resource, identity(object), { signal });
      if (fresh.metadata.uid !== object.metadata.uid) return undefined;
      learned(fresh);
      return fresh;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function identity(object: Stored<KubeObject>): { name: string; namespace?: string; resourceVersion: string } {
  const { name, namespace, resourceVersion } = object.metadata;
  return { name, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
}
