/**
 * What the kernel knows of a kind: how it is called and where it lies. Everything else about T is the caller's, who
 * describes it once with `defineResource<T>`.
 */
import { TerminalError } from './errors.ts';

/** The metadata that the kernel reads. Both client-node's V1ObjectMeta and plain JSON types satisfy it. */
export interface ObjectMeta {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
}

/** Any object of the API server. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

/**
 * An object that came from the API server: the kernel has checked kind, name, uid and resourceVersion, nothing else.
 * Times inside are RFC 3339 strings, also where client-node's types say Date. Never change one in place: the store and
 * all listeners share it. managedFields are left out.
 */
export type Stored<T extends KubeObject> = T & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
};

declare const objectType: unique symbol;

/** A kind and the path to it. T is carried for the compiler alone. */
export interface Resource<T extends KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  /** Lower-case plural, as in the path. */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly [objectType]?: T;
}

export function defineResource<T extends KubeObject>(resource: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}): Resource<T> {
  return Object.freeze({ ...resource });
}

/** Names one object of a resource; `namespace` exactly for namespaced ones. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** `namespace/name`, or `name` for what is cluster-scoped: the key of stores and work queues. */
export function keyOf(object: ObjectRef | { readonly metadata: ObjectRef }): string {
  const { namespace, name } = 'metadata' in object ? object.metadata : object;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of `keyOf`. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The URL path of a collection: of one namespace, or of all where `namespace` is absent. */
export function collectionPath<T extends KubeObject>(resource: Resource<T>, namespace?: string): string {
  const root = resource.apiVersion.includes('/') ? '/apis' : '/api';
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}/${resource.apiVersion}${scope}/${resource.plural}`;
}

/**
 * The URL path of one object, or of its subresource.
 * @throws TerminalError where the reference lacks the name, or the namespace of a namespaced kind
 */
export function objectPath<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, subresource?: string): string {
  const lacks = resource.namespaced && (ref.namespace === undefined || ref.namespace === '') ? 'namespace' : 'name';
  if (lacks === 'namespace' || ref.name === '') {
    throw new TerminalError(`a reference to one ${resource.kind} needs a ${lacks}`, { code: 'IncompleteReference' });
  }
  const path = `${collectionPath(resource, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
