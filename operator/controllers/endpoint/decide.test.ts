// Which addresses a slice may hold, and what Service and slice of a task look like.
import { expect, test } from '@jest/globals';

import type { StoredService, StoredSlice } from '../../resources.ts';
import { storedTask } from '../testing.ts';
import {
  belongsTo,
  mergedService,
  planEndpoint,
  routeOf,
  serviceDns,
  serviceFields,
  sliceFields,
  wantedService,
  wantedSlice,
  type Route,
} from './decide.ts';

test.each<[address: string, want: Route | undefined]>([
  ['10.1.2.3:8001', { addressType: 'IPv4', ip: '10.1.2.3', port: 8001 }],
  ['[2001:db8::1]:8001', { addressType: 'IPv6', ip: '2001:db8::1', port: 8001 }],
  ['127.0.0.1:8001', undefined],
  ['127.9.9.9:8001', undefined],
  ['[::1]:8001', undefined],
  ['0.0.0.0:8001', undefined],
  ['[::]:8001', undefined],
  ['169.254.0.7:8001', undefined],
  ['[fe80::1]:8001', undefined],
  ['224.0.0.1:8001', undefined],
  ['[ff02::1]:8001', undefined],
  ['[::ffff:10.1.2.3]:8001', undefined],
  ['n1.example.com:8001', undefined],
  ['10.1.2.3', undefined],
  ['10.1.2.3:0', undefined],
  ['10.1.2.3:70000', undefined],
])('%s leads to %j', (address, want) => {
  expect(routeOf(address)).toEqual(want);
});

test('a task that runs nowhere keeps its Service; one at an address that slices refuse has none', () => {
  expect(planEndpoint(undefined)).toEqual({ kind: 'Keep' });
  expect(planEndpoint('127.0.0.1:8001')).toEqual({ kind: 'None' });
  expect(planEndpoint('10.1.2.3:8001')).toMatchObject({ kind: 'Follow' });
});

const task = storedTask();
const route: Route = { addressType: 'IPv4', ip: '10.1.2.3', port: 8001 };

function stored(service: ReturnType<typeof wantedService>): StoredService {
  const metadata = { name: 'lane', ...service.metadata, uid: 'uid-service', resourceVersion: '3' };
  return { ...service, apiVersion: 'v1', kind: 'Service', metadata };
}

test('the Service is headless, selects nothing, and goes with the task', () => {
  const service = wantedService(task, route);
  expect(service).toEqual({
    metadata: {
      name: 'lane',
      namespace: 'vision',
      labels: { 'app.kubernetes.io/managed-by': 'daris-operator', 'daris.dev/task': 'lane' },
      ownerReferences: [
        {
          apiVersion: 'daris.dev/v1alpha1',
          kind: 'RealtimeInferenceTask',
          name: 'lane',
          uid: 'uid-lane',
          controller: true,
        },
      ],
    },
    spec: { clusterIP: 'None', ports: [{ name: 'grpc', port: 8001, targetPort: 8001, protocol: 'TCP' }] },
  });
  expect(belongsTo(stored(service), task)).toBe(true);
  expect(belongsTo({ metadata: {} }, task)).toBe(false);
  expect(serviceDns(task, 8001)).toBe('lane.vision.svc:8001');
});

test('a changed Service keeps what others set', () => {
  const present = stored(wantedService(task, route));
  const theirs = {
    ...present,
    metadata: { ...present.metadata, labels: { ...present.metadata.labels, team: 'a' }, annotations: { note: 'b' } },
    spec: { ...present.spec, internalTrafficPolicy: 'Cluster' },
  };
  const merged = mergedService(theirs, wantedService(task, { ...route, port: 9 }));
  expect(merged.spec).toMatchObject({ internalTrafficPolicy: 'Cluster', ports: [{ port: 9 }] });
  expect(merged.metadata).toMatchObject({
    labels: { team: 'a', 'daris.dev/task': 'lane' },
    annotations: { note: 'b' },
  });
});

test('what others add is no difference; another port or address is', () => {
  const service = stored(wantedService(task, route));
  const decorated = { ...service, spec: { ...service.spec, clusterIPs: ['None'], sessionAffinity: 'None' } };
  expect(serviceFields(decorated)).toEqual(serviceFields(wantedService(task, route)));
  expect(serviceFields(decorated)).not.toEqual(serviceFields(wantedService(task, { ...route, port: 9 })));
  const slice = wantedSlice(task, route);
  expect(sliceFields(slice)).not.toEqual(sliceFields(wantedSlice(task, { ...route, ip: '10.1.2.4' })));
});

test('without a route the slice stays what it was, and leads nowhere', () => {
  const present: StoredSlice = {
    ...wantedSlice(task, { addressType: 'IPv6', ip: '2001:db8::1', port: 8001 }),
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'lane', uid: 'uid-slice', resourceVersion: '4' },
  };
  expect(wantedSlice(task, undefined, present)).toMatchObject({
    addressType: 'IPv6',
    endpoints: [],
    ports: [{ port: 8001 }],
  });
});
