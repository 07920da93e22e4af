// Endpoints of tasks on the real API server: Service and slice follow a task, and nobody's Service is taken over.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { waitFor } from '../control-plane/wait.ts';

import type { AgentPart } from './agent-part.ts';
import { condition, notPlaced, OperatorWorld, timeoutMs } from './operator-world.ts';

const world = new OperatorWorld();
jest.setTimeout(30_000);
let node: AgentPart;

beforeAll(async () => {
  await world.start();
  node = await world.addNode('n1', 1, '10.1.2.3:8001');
  await world.readyModel('detector', 'a');
}, 60_000);

afterAll(() => world.stop(), 60_000);

test('gets a headless Service and a slice that follow the task', async () => {
  await world.applyTask('served', node);
  const task = await world.untilTask('served', ({ status }) => status?.endpoint?.service !== undefined);
  expect(task.status?.endpoint).toEqual({
    address: '10.1.2.3:8001',
    model: `served.${world.namespace}`,
    service: `served.${world.namespace}.svc:8001`,
  });
  const [service, slice] = [await world.read('service', 'served'), await world.read('endpointslice', 'served')];
  expect(service.spec).toMatchObject({ clusterIP: 'None', ports: [{ name: 'grpc', port: 8001 }] });
  expect(service.spec.selector).toBeUndefined();
  expect(service.metadata).toMatchObject({
    labels: { 'app.kubernetes.io/managed-by': 'daris-operator', 'daris.dev/task': 'served' },
    ownerReferences: [{ kind: 'RealtimeInferenceTask', name: 'served', uid: task.metadata.uid }],
  });
  expect(slice).toMatchObject({
    addressType: 'IPv4',
    metadata: { labels: { 'kubernetes.io/service-name': 'served' } },
    endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true } }],
    ports: [{ name: 'grpc', port: 8001 }],
  });

  await node.report(1, '10.1.2.4:8002');
  await waitFor(
    async () => {
      const { endpoints, ports } = await world.read('endpointslice', 'served');
      return endpoints[0].addresses[0] === '10.1.2.4' && ports.length === 1 && ports[0].port === 8002
        ? true
        : undefined;
    },
    { what: 'the slice to follow', timeoutMs },
  );
  await world.untilTask('served', ({ status }) => status?.endpoint?.service === `served.${world.namespace}.svc:8002`);
  expect((await world.read('service', 'served')).spec.ports).toHaveLength(1);
});

test('a suspended task keeps its Service, which leads nowhere', async () => {
  await world.applyTask('served', node, { suspend: true });
  await world.untilTask('served', notPlaced('Suspended'));
  await waitFor(async () => ((await world.read('endpointslice', 'served')).endpoints?.length ?? 0) === 0 || undefined, {
    what: 'the slice to be empty',
    timeoutMs,
  });
  const task = await world.task('served');
  expect(task.status?.endpoint).toEqual({
    model: `served.${world.namespace}`,
    service: `served.${world.namespace}.svc:8002`,
  });
});

test('Service and slice go with the task', async () => {
  await world.deleteTasks('served');
  await waitFor(
    async () => {
      const left = await world.cluster.kubectl(['get', 'service,endpointslice', '-n', world.namespace, '-o', 'name']);
      return left.trim() === '' || undefined;
    },
    { what: 'Service and slice to be collected', timeoutMs: 40_000 },
  );
}, 60_000);

test('a Service of somebody else is never taken over', async () => {
  const spec = { selector: { app: 'web' }, ports: [{ port: 80 }] };
  await world.cluster.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'taken', namespace: world.namespace },
    spec,
  });
  const before = await world.read('service', 'taken');
  await world.applyTask('taken', node);
  const task = await world.untilTask('taken', (each) => condition(each, 'EndpointConflict') !== undefined);
  expect(condition(task, 'EndpointConflict')).toMatchObject({
    status: 'True',
    message: `Service ${world.namespace}/taken exists and does not belong to this task; rename the task, or delete the Service`,
  });
  expect(task.status?.endpoint).toEqual({ address: '10.1.2.4:8002', model: `taken.${world.namespace}` });
  expect(await world.read('service', 'taken')).toEqual(before);
  await world.deleteTasks('taken');
  await world.cluster.kubectl(['delete', 'service', 'taken', '-n', world.namespace]);
});

test('a task at a loopback address has no Service: slices refuse such addresses', async () => {
  await world.applyTask('near', node);
  await world.untilTask('near', ({ status }) => status?.endpoint?.service !== undefined);
  await node.report(1, '127.0.0.1:8001');
  const task = await world.untilTask('near', ({ status }) => status?.endpoint?.service === undefined);
  expect(task.status?.endpoint).toEqual({ address: '127.0.0.1:8001', model: `near.${world.namespace}` });
  const left = await world.cluster.kubectl(['get', 'service,endpointslice', '-n', world.namespace, '-o', 'name']);
  expect(left.trim()).toBe('');
});
