/**
 * Typed calls on the API server: get, list, create, replace, delete and server-side apply, for any Resource<T>.
 * Answers are checked to be objects of the expected kind before they are handed on as T.
 */
import type { ApiRequest, Connection, Pool } from './connection.ts';
import { isGone } from './errors.ts';
import { collectionPath, objectPath, type KubeObject, type ObjectRef, type Resource, type Stored } from './resource.ts';
import { toPage, toStored } from './stored.ts';

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
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** @throws ApiError (isNotFound…), TransientError where no usable answer came; so do all the other calls */
  async get<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<Stored<T>> {
    const path = objectPath(resource, ref);
    return toStored(resource, await this.connection.call({ ...transportOf(options), method: 'GET', path }));
  }

  /** All objects of the selection, read page by page from one consistent snapshot. */
  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const pageSize = options.pageSize ?? 500;
    try {
      return await this.#listPages(resource, options, pageSize);
    } catch (error) {
      // The snapshot was compacted away between two pages: one answer with everything cannot be.
      if (!isGone(error) || pageSize === 0) throw error;
      return this.#listPages(resource, options, 0);
    }
  }

  /** Creates the object. apiVersion and kind come from the resource. @throws ApiError (isAlreadyExists, isInvalid…) */
  async create<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions = {}): Promise<Stored<T>> {
    const path = collectionPath(resource, object.metadata?.namespace);
    return this.#send(resource, { ...transportOf(options), method: 'POST', path, body: object });
  }

  /** Replaces the whole object; Conflict where its metadata.resourceVersion is given and not the newest. */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: CallOptions & { readonly subresource?: 'status' | undefined } = {},
  ): Promise<Stored<T>> {
    const ref = { name: object.metadata?.name ?? '', namespace: object.metadata?.namespace };
    const path = objectPath(resource, ref, options.subresource);
    return this.#send(resource, { ...transportOf(options), method: 'PUT', path, body: object });
  }

  /** Resolves once the server has accepted the deletion; finalizers may hold the object longer. */
  async delete<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: DeleteOptions = {},
  ): Promise<void> {
    const { preconditions, propagation: propagationPolicy } = options;
    await this.connection.call({
      ...transportOf(options),
      method: 'DELETE',
      path: objectPath(resource, ref),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy },
    });
  }

  /** Server-side apply. apiVersion and kind come from the resource. @throws ApiError (isConflict, isInvalid…) */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T>,
    options: ApplyOptions,
  ): Promise<Stored<T>> {
    const { fieldManager, force, resourceVersion, subresource } = options;
    const metadata = resourceVersion === undefined ? object.metadata : { ...object.metadata, resourceVersion };
    return this.#send(resource, {
      ...transportOf(options),
      method: 'PATCH',
      path: objectPath(resource, object.metadata, subresource),
      query: { fieldManager, force: force === true ? true : undefined },
      // JSON is YAML too, and this is the one type of patch that the server takes for it.
      contentType: 'application/apply-patch+yaml',
      body: Object.assign({}, object, { metadata }),
    });
  }

  async #send<T extends KubeObject>(resource: Resource<T>, request: ApiRequest & { body: object }): Promise<Stored<T>> {
    const { apiVersion, kind } = resource;
    const body = { ...request.body, apiVersion, kind };
    return toStored(resource, await this.connection.call({ ...request, body }));
  }

  async #listPages<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions,
    pageSize: number,
  ): Promise<ObjectList<T>> {
    const { namespace, labelSelector, fieldSelector } = options;
    const path = collectionPath(resource, namespace);
    const limit = pageSize === 0 ? undefined : pageSize;
    const items: Stored<T>[] = [];
    let next: string | undefined;
    for (;;) {
      const query = { labelSelector, fieldSelector, limit, continue: next };
      const answer = await this.connection.call({ ...transportOf(options), method: 'GET', path, query });
      const page = toPage(resource, answer);
      items.push(...page.items);
      if (page.next === '') return { items, resourceVersion: page.resourceVersion };
      next = page.next;
    }
  }
}

function transportOf({ signal, timeoutMs, pool }: CallOptions): Pick<ApiRequest, 'signal' | 'timeoutMs' | 'pool'> {
  return { signal, timeoutMs, pool };
}
