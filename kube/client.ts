/**
 * Typed calls on the API server: get, list, create, replace, delete and server-side apply, for any Resource<T>.
 * Answers are checked to be objects of the expected kind before they are handed on as T.
 */
import type { Connection, Pool } from './connection.ts';
import type { KubeObject, ObjectMeta, ObjectRef, Resource, Stored } from './resource.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Limit of the whole call, retries of 429 included; absent: the connection's. */
  readonly timeoutMs?: number | undefined;
  /** Which connection pool carries the call; absent: 'calls'. */
  readonly pool?: Pool | undefined;
}

export interface Selection {
  /** Absent: all namespaces (or a cluster-scoped kind). */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  /** Objects per page; absent: 500. 0 asks for all in one answer. */
  readonly pageSize?: number | undefined;
}

export interface ObjectList<T extends KubeObject> {
  readonly items: Stored<T>[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

export interface DeleteOptions extends CallOptions {
  /** Delete only this incarnation; otherwise the server answers Conflict. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  /** Absent: the server's default of the kind. */
  readonly propagation?: 'Foreground' | 'Background' | 'Orphan' | undefined;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  /** Take fields over from other managers instead of a Conflict; absent: false. */
  readonly force?: boolean | undefined;
  readonly subresource?: 'status' | undefined;
  /**
   * Refuse with Conflict unless the stored object has this version. Needed on status: apply ignores a wrong uid, so a
   * slow writer would otherwise hit an object that was created anew under the same name.
   */
  readonly resourceVersion?: string | undefined;
}

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/** The fields that one manager owns: what is absent is left to others, or removed where this manager set it before. */
export type Applied<T extends KubeObject> = DeepPartial<Omit<T, 'apiVersion' | 'kind' | 'metadata'>> & {
  readonly metadata: Omit<Partial<NonNullable<T['metadata']>>, keyof ObjectRef> & ObjectRef;
};

export class KubeClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** @throws ApiError (isNotFound…), TransientError where no answer came */
  get<T extends KubeObject>(_resource: Resource<T>, _ref: ObjectRef, _options?: CallOptions): Promise<Stored<T>> {
    throw new Error('not yet');
  }

  /** All objects of the selection, read page by page from one consistent snapshot. */
  list<T extends KubeObject>(_resource: Resource<T>, _options?: ListOptions): Promise<ObjectList<T>> {
    throw new Error('not yet');
  }

  /** @throws ApiError (isAlreadyExists, isInvalid…) */
  create<T extends KubeObject>(_resource: Resource<T>, _object: T, _options?: CallOptions): Promise<Stored<T>> {
    throw new Error('not yet');
  }

  /** Replaces the whole object; Conflict where its metadata.resourceVersion is not the newest. */
  replace<T extends KubeObject>(
    _resource: Resource<T>,
    _object: T,
    _options?: CallOptions & { readonly subresource?: 'status' | undefined },
  ): Promise<Stored<T>> {
    throw new Error('not yet');
  }

  /** Resolves once the server has accepted the deletion. */
  delete<T extends KubeObject>(_resource: Resource<T>, _ref: ObjectRef, _options?: DeleteOptions): Promise<void> {
    throw new Error('not yet');
  }

  /** Server-side apply. apiVersion and kind come from the resource. */
  apply<T extends KubeObject>(_resource: Resource<T>, _object: Applied<T>, _options: ApplyOptions): Promise<Stored<T>> {
    throw new Error('not yet');
  }
}

export type { ObjectMeta };
