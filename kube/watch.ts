/**
 * One watch: from a resourceVersion until the server ends it. Going on after that is the reflector's part.
 */
import { errorOfStatus, isRecord, parseJson } from './answer.ts';
import type { CallOptions, Selection } from './client.ts';
import type { Connection } from './connection.ts';
import { TransientError, type ApiError } from './errors.ts';
import { collectionPath, type KubeObject, type Resource, type Stored } from './resource.ts';
import { toStored } from './stored.ts';

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T>; readonly resourceVersion: string }
  /** Nothing changed, but the watch may go on from here. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions extends Selection, Pick<CallOptions, 'signal'> {
  readonly resourceVersion: string;
  /** The server ends the watch in order after this long. */
  readonly timeoutSeconds: number;
  /** A watch without a byte for longer is taken for dead. */
  readonly inactivityMs: number;
}

/**
 * Yields the changes after `resourceVersion`; returns when the server ends the watch in order.
 * @throws ApiError for a refusal; TransientError with code Timeout or ConnectionFailed (go on from the last version), or
 * with code WatchError (the server sent an ERROR event) or BadResponse (nonsense): only a new list helps
 */
export async function* watch<T extends KubeObject>(
  connection: Connection,
  resource: Resource<T>,
  options: WatchOptions,
): AsyncIterable<WatchEvent<T>> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, inactivityMs, signal } = options;
  const path = collectionPath(resource, namespace);
  const query = {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion,
    timeoutSeconds,
    labelSelector,
    fieldSelector,
  };
  for await (const line of connection.lines({ path, query, signal }, { inactivityMs })) {
    yield toEvent(resource, `watch ${path}`, parseJson(`watch ${path}`, line));
  }
}

function toEvent<T extends KubeObject>(resource: Resource<T>, what: string, event: unknown): WatchEvent<T> {
  const { type, object } = isRecord(event) ? event : {};
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED': {
      const stored = toStored(resource, object);
      return { type, object: stored, resourceVersion: stored.metadata.resourceVersion };
    }
    case 'BOOKMARK': {
      const metadata = isRecord(object) ? object['metadata'] : undefined;
      const version = isRecord(metadata) ? metadata['resourceVersion'] : undefined;
      if (typeof version === 'string') return { type, resourceVersion: version };
      break;
    }
    case 'ERROR':
      throw watchError(errorOfStatus(what, object));
  }
  throw new TransientError(`${what}: no event that is known here`, { code: 'BadResponse' });
}

function watchError(cause: ApiError): TransientError {
  return new TransientError(cause.message, { code: 'WatchError', cause, retryAfterMs: cause.retryAfterMs });
}
