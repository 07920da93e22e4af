/**
 * The border where JSON becomes Stored<T>: an answer is an object of the expected kind with an identity, or an error.
 */
import { isRecord } from './answer.ts';
import { TransientError } from './errors.ts';
import type { KubeObject, Resource, Stored } from './resource.ts';

/**
 * Checks kind and identity, fills in apiVersion and kind where a list left them out, and drops managedFields.
 * @throws TransientError (BadResponse) where it is something else: a proxy's page, another kind, a cut-off object
 */
export function toStored<T extends KubeObject>(resource: Resource<T>, value: unknown): Stored<T> {
  const { apiVersion, kind } = resource;
  if (!isRecord(value)) throw bad(resource, 'it is no object');
  if ((value['apiVersion'] ?? apiVersion) !== apiVersion || (value['kind'] ?? kind) !== kind) {
    throw bad(resource, `it is a ${String(value['apiVersion'])} ${String(value['kind'])}`);
  }
  const metadata = value['metadata'];
  if (!isRecord(metadata)) throw bad(resource, 'it has no metadata');
  for (const field of ['name', 'uid', 'resourceVersion'] as const) {
    if (typeof metadata[field] !== 'string') throw bad(resource, `it has no metadata.${field}`);
  }
  const { managedFields: _, ...kept } = metadata;
  return { ...value, apiVersion, kind, metadata: kept } as unknown as Stored<T>;
}

/** One page of a list. `next` is empty on the last page. */
export interface Page<T extends KubeObject> {
  readonly items: Stored<T>[];
  readonly resourceVersion: string;
  readonly next: string;
}

/** @throws TransientError (BadResponse) where it is no list of that kind */
export function toPage<T extends KubeObject>(resource: Resource<T>, value: unknown): Page<T> {
  const metadata = isRecord(value) ? value['metadata'] : undefined;
  if (!isRecord(value) || value['kind'] !== `${resource.kind}List` || !isRecord(metadata)) {
    throw bad(resource, 'it is no list');
  }
  const resourceVersion = metadata['resourceVersion'];
  if (typeof resourceVersion !== 'string') throw bad(resource, 'the list has no metadata.resourceVersion');
  const items: unknown[] = Array.isArray(value['items']) ? value['items'] : [];
  const next = metadata['continue'];
  return {
    items: items.map((item) => toStored(resource, item)),
    resourceVersion,
    next: typeof next === 'string' ? next : '',
  };
}

function bad<T extends KubeObject>(resource: Resource<T>, why: string): TransientError {
  return new TransientError(`expected a ${resource.apiVersion} ${resource.kind} from the API server, but ${why}`, {
    code: 'BadResponse',
  });
}
