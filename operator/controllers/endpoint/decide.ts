// The Service and the slice by which a task's name leads to the runtime that serves it now. Pure.
import { isIP } from 'node:net';

import type { EndpointSlice, Service, StoredService, StoredSlice, StoredTask } from '../../resources.ts';

export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'daris-operator';
export const taskLabel = 'daris.dev/task';
const serviceNameLabel = 'kubernetes.io/service-name';
const sliceManagedByLabel = 'endpointslice.kubernetes.io/managed-by';

export interface Route {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ip: string;
  readonly port: number;
}

/**
 * - Follow: Service and slice lead to the route.
 * - Keep: the task runs nowhere; its Service stays, where there is one, and leads nowhere.
 * - None: no Service can lead to such an address; status.endpoint.address alone names it.
 */
export type EndpointPlan =
  { readonly kind: 'Follow'; readonly route: Route } | { readonly kind: 'Keep' } | { readonly kind: 'None' };

/** `address` is the host:port of its GPU's runtime; undefined while the task is placed nowhere, or it is not known. */
export function planEndpoint(address: string | undefined): EndpointPlan {
  if (address === undefined || address === '') return { kind: 'Keep' };
  const route = routeOf(address);
  return route === undefined ? { kind: 'None' } : { kind: 'Follow', route };
}

/** Undefined for what the API server refuses in a slice: names, loopback, link-local, multicast, unspecified. */
export function routeOf(address: string): Route | undefined {
  const [, host = '', digits = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  const ip = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const port = Number(digits);
  const family = isIP(ip);
  if (family === 0 || port < 1 || port > 65_535) return undefined;
  if (family === 4) return isRoutable4(ip) ? { addressType: 'IPv4', ip, port } : undefined;
  return isRoutable6(ip) ? { addressType: 'IPv6', ip, port } : undefined;
}

function isRoutable4(ip: string): boolean {
  const [first = 0, second = 0] = ip.split('.').map(Number);
  return first !== 127 && first < 224 && ip !== '0.0.0.0' && !(first === 169 && second === 254);
}

/** No mapped IPv4 either: the API server wants those as IPv4. */
function isRoutable6(ip: string): boolean {
  return ip !== '::1' && ip !== '::' && !/^(fe[89ab][0-9a-f]|ff[0-9a-f]{2}|::ffff):/.test(ip);
}

export function serviceDns(task: StoredTask, port: number): string {
  return `${task.metadata.name}.${task.metadata.namespace}.svc:${port}`;
}

/** Headless and without selector: its name resolves to what the slice says. */
export function wantedService(task: StoredTask, { port }: Route): Service {
  return {
    metadata: metadataOf(task, {}),
    spec: { clusterIP: 'None', ports: [{ name: 'grpc', port, targetPort: port, protocol: 'TCP' }] },
  };
}

/** Without a route: the slice as it is, leading nowhere. */
export function wantedSlice(task: StoredTask, route: Route | undefined, present?: StoredSlice): EndpointSlice {
  const { name } = task.metadata;
  const labels = { [serviceNameLabel]: name, [sliceManagedByLabel]: managedBy };
  return {
    metadata: metadataOf(task, labels),
    addressType: route?.addressType ?? present?.addressType ?? 'IPv4',
    endpoints: route === undefined ? [] : [{ addresses: [route.ip], conditions: { ready: true } }],
    ports: route === undefined ? (present?.ports ?? []) : [{ name: 'grpc', port: route.port, protocol: 'TCP' }],
  };
}

function metadataOf(task: StoredTask, labels: Record<string, string>): NonNullable<Service['metadata']> {
  const { apiVersion, kind, metadata } = task;
  const { name, uid } = metadata;
  return {
    name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    labels: { [managedByLabel]: managedBy, [taskLabel]: name, ...labels },
    ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
  };
}

export function belongsTo(object: { metadata: { ownerReferences?: { uid: string }[] } }, task: StoredTask): boolean {
  return object.metadata.ownerReferences?.some(({ uid }) => uid === task.metadata.uid) ?? false;
}

/** The fields that we set, as they are: equal to those wanted, nothing is to be written. */
export function serviceFields(service: Service): unknown {
  const ports = service.spec?.ports?.map(({ name, port, targetPort, protocol }) => ({
    name,
    port,
    targetPort,
    protocol,
  }));
  return { labels: ourLabels(service.metadata?.labels), clusterIP: service.spec?.clusterIP, ports };
}

export function sliceFields(slice: EndpointSlice): unknown {
  const endpoints = (slice.endpoints ?? []).map(({ addresses, conditions }) => ({
    addresses,
    ready: conditions?.ready,
  }));
  const ports = (slice.ports ?? []).map(({ name, port, protocol }) => ({ name, port, protocol }));
  return { labels: ourLabels(slice.metadata?.labels), addressType: slice.addressType, endpoints, ports };
}

function ourLabels(labels: Record<string, string> = {}): unknown {
  return [managedByLabel, taskLabel, serviceNameLabel, sliceManagedByLabel].map((label) => labels[label]);
}

/** A present object with what we want in it; what others set stays. */
export function mergedService(present: StoredService, wanted: Service): Service {
  return { ...present, metadata: mergedMetadata(present, wanted), spec: { ...present.spec, ...wanted.spec } };
}

export function mergedSlice(present: StoredSlice, wanted: EndpointSlice): EndpointSlice {
  const { addressType, endpoints = [], ports = [] } = wanted;
  return { ...present, metadata: mergedMetadata(present, wanted), addressType, endpoints, ports };
}

function mergedMetadata(present: StoredService | StoredSlice, wanted: Service): NonNullable<Service['metadata']> {
  return { ...present.metadata, labels: { ...present.metadata.labels, ...wanted.metadata?.labels } };
}
