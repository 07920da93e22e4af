// The operator as a process of its own, under its own identity, on the real API server. The test plays the agents' part.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { findCondition, type Condition } from '../../api/conditions.ts';
import type { InferenceModel, RealtimeInferenceTask } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect } from '../../kube/connection.ts';
import type { Stored } from '../../kube/resource.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';

import { AgentPart, isReady, modelResource, taskResource } from './agent-part.ts';
import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
const connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'operator-test', connections: 4 });
const client = new KubeClient(connection);
const folder = mkdtempSync(join(tmpdir(), 'daris-operator-'));
const timeoutMs = 20_000;
const batches = [
  { size: 1, stageAfetUs: [1_000, 1_000, 1_000, 1_000] },
  { size: 4, stageAfetUs: [3_000, 3_000, 3_000, 3_000] },
];

type Task = Stored<RealtimeInferenceTask>;
type ModelObject = Stored<InferenceModel>;
type Spec = RealtimeInferenceTask['spec'];

let namespace = '';
let operator: Daemon;
let starts = 0;
let first: AgentPart;
let second: AgentPart;

function digest(letter: string): string {
  return `sha256:${letter.repeat(64)}`;
}

const kubeconfig = join(folder, 'operator.kubeconfig');

function operatorArgs(): string[] {
  const main = join(repositoryRoot, 'operator', 'main.ts');
  return [main, `--kubeconfig=${kubeconfig}`, '--metrics-address=127.0.0.1:0', '--node-lease-seconds=3'];
}

/** Its own log file each time, since the first line of it tells the port. */
async function startOperator(): Promise<Daemon> {
  const daemon = await Daemon.start({
    name: 'operator',
    command: process.execPath,
    args: operatorArgs(),
    logFile: join(folder, `operator-${++starts}.log`),
  });
  await daemon.ready(async () => (await fetch(`${endpointOf(daemon)}/readyz`)).ok, timeoutMs);
  return daemon;
}

function endpointOf(daemon: Daemon): string {
  const lines = readFileSync(daemon.logFile, 'utf8').split('\n');
  const port = lines.map((line) => /"metricsPort":(\d+)/.exec(line)?.[1]).find((found) => found !== undefined);
  if (port === undefined) throw new Error('the operator has not said its port yet');
  return `http://127.0.0.1:${port}`;
}

async function metrics(): Promise<Map<string, number>> {
  const text = await (await fetch(`${endpointOf(operator)}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

async function createModel(name: string, letter: string): Promise<void> {
  const source = { uri: `file:///${name}`, digest: digest(letter) };
  await cluster.apply({ ...typed('InferenceModel', name), spec: { source } });
}

/** Creates a model, waits until the operator names its inspector, and answers as that agent. */
async function readyModel(name: string, letter: string): Promise<void> {
  await createModel(name, letter);
  const model = await untilModel(name, (each) => each.status?.inspector !== undefined);
  await first.inspected(model, batches);
  await untilModel(name, (each) => findCondition(each.status?.conditions, 'Ready')?.status === 'True');
}

function typed(kind: string, name: string) {
  return { apiVersion: 'daris.dev/v1alpha1', kind, metadata: { name, namespace } };
}

const base = { model: 'detector', period: '20ms', priority: 'Low' };

/** Every task is kept to the nodes of this file: other tests share the cluster. */
async function applyTask(name: string, spec: Partial<Spec> = {}, on: AgentPart = first): Promise<void> {
  const nodeSelector = { 'daris.dev/test': on.node };
  await cluster.apply({ ...typed('RealtimeInferenceTask', name), spec: { ...base, nodeSelector, ...spec } });
}

async function deleteTasks(...names: string[]): Promise<void> {
  await cluster.kubectl(['delete', 'rit', '-n', namespace, ...names]);
}

function condition(task: Task, type: string): Condition | undefined {
  return findCondition(task.status?.conditions, type);
}

async function untilTask(name: string, holds: (task: Task) => boolean): Promise<Task> {
  return waitFor(
    async () => {
      const task = await client.get(taskResource, { name, namespace });
      if (holds(task)) return task;
      throw new Error(JSON.stringify(task.status));
    },
    { what: `task ${name}`, timeoutMs },
  );
}

const placed = (task: Task): boolean =>
  condition(task, 'Placed')?.status === 'True' && task.status?.observedGeneration === task.metadata.generation;
const notPlaced =
  (reason: string) =>
  (task: Task): boolean => {
    const found = condition(task, 'Placed');
    return (
      found?.status === 'False' && found.reason === reason && found.observedGeneration === task.metadata.generation
    );
  };

async function untilModel(name: string, holds: (model: ModelObject) => boolean): Promise<ModelObject> {
  return waitFor(
    async () => {
      const model = await client.get(modelResource, { name, namespace });
      if (holds(model)) return model;
      throw new Error(JSON.stringify(model.status));
    },
    { what: `model ${name}`, timeoutMs },
  );
}

beforeAll(async () => {
  namespace = await cluster.createNamespace('operator');
  first = new AgentPart(client, `${namespace}-n1`);
  second = new AgentPart(client, `${namespace}-n2`);
  await first.register(2, '127.0.0.1:43121', { 'daris.dev/test': first.node });
  await cluster.writeServiceAccountKubeconfig(kubeconfig, { namespace: 'daris-system', name: 'daris-operator' });
  operator = await startOperator();
  await readyModel('detector', 'a');
}, 60_000);

afterAll(async () => {
  await operator?.stop();
  await first.remove();
  await second.remove().catch(() => undefined);
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
  rmSync(folder, { recursive: true });
}, 60_000);

test('a task is placed by its effective terms, and Ready once its agent serves it', async () => {
  await applyTask('lane', { priority: 'High', deadline: '16ms' });
  const there = await untilTask('lane', placed);
  expect(there.status).toMatchObject({
    effective: {
      generation: 1,
      model: { uri: 'file:///detector', digest: digest('a') },
      priority: 'High',
      periodUs: 20_000,
      deadlineUs: 16_000,
      release: 'OnRequest',
      releaseJitterUs: 10_000,
      offsetUs: 0,
      batchSize: 1,
      lateJobs: 'Finish',
      maxMissRate: '0',
    },
    placement: { node: first.node, gpu: 'gpu-0', gpuProduct: 'test', epoch: 1, bookedUtilization: '0.25' },
    endpoint: { address: '127.0.0.1:43121', model: `lane.${namespace}` },
  });
  expect(condition(there, 'ModelReady')).toMatchObject({ status: 'True', reason: 'Ready' });
  expect(condition(there, 'Ready')).toMatchObject({ status: 'False', reason: 'Starting' });
  expect(condition(there, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Starting' });

  await first.serve(there);
  const ready = await untilTask('lane', isReady);
  expect(condition(ready, 'Reconciling')).toBeUndefined();
  expect(condition(ready, 'Stalled')).toBeUndefined();
});

test('a second task goes to the other context', async () => {
  await applyTask('signs');
  const [lane, signs] = [await untilTask('lane', placed), await untilTask('signs', placed)];
  const contexts = [lane, signs].map((task) => task.status?.placement?.context);
  expect(contexts.toSorted()).toEqual([0, 1]);
});

test('a High task that does not fit says why; the period that it names fits', async () => {
  await applyTask('greedy', { priority: 'High', period: '5ms' });
  const refused = await untilTask('greedy', notPlaced('HighPriorityLimit'));
  const message = condition(refused, 'Placed')?.message ?? '';
  expect(message).toBe(
    `HP load 0 + 0.8 > 0.75 on gpu-0 of ${first.node} (best of 2 contexts); the shortest period that fits is 5.334ms`,
  );
  expect(condition(refused, 'Ready')).toMatchObject({ status: 'False', reason: 'HighPriorityLimit' });
  expect(condition(refused, 'Reconciling')?.message).toBe(message);
  expect(refused.status?.placement).toBeUndefined();

  await applyTask('greedy', { priority: 'High', period: '5.334ms' });
  await untilTask('greedy', placed);
  await deleteTasks('greedy');
});

test('a period edited under a running task changes the terms, not the place', async () => {
  const before = await untilTask('lane', isReady);
  await applyTask('lane', { priority: 'High', period: '40ms', deadline: '16ms' });
  const edited = await untilTask('lane', (task) => task.status?.effective?.generation === task.metadata.generation);
  expect(edited.status?.effective?.periodUs).toBe(40_000);
  expect(edited.status?.placement).toEqual(before.status?.placement);
  expect(isReady(edited)).toBe(false);
  await first.serve(edited);
  await untilTask('lane', isReady);
});

test('a suspended task says where it would fit, and comes back under a later epoch', async () => {
  const spec = { priority: 'High', period: '40ms', deadline: '16ms' };
  await applyTask('lane', { ...spec, suspend: true });
  const asleep = await untilTask('lane', notPlaced('Suspended'));
  expect(condition(asleep, 'Placed')?.message).toMatch(
    new RegExp(`^would fit on gpu gpu-0 of node ${first.node}, context \\d \\(HP load 0 \\+ 0.25 <= 0.75\\)$`),
  );
  expect(condition(asleep, 'Ready')).toMatchObject({ status: 'True', reason: 'Suspended' });
  expect(condition(asleep, 'Reconciling')).toBeUndefined();
  expect(asleep.status?.placement).toBeUndefined();
  expect(asleep.status?.endpoint).toEqual({ model: `lane.${namespace}` });

  await applyTask('lane', { ...spec, suspend: false });
  const awake = await untilTask('lane', placed);
  expect(awake.status?.placement?.epoch).toBe(2);
  await first.serve(awake);
  await untilTask('lane', isReady);
});

test('what can never fit is stalled', async () => {
  await applyTask('hasty', { period: '3ms' });
  await applyTask('crowd', { batchSize: 3 });
  const hasty = await untilTask('hasty', notPlaced('NeverFits'));
  const crowd = await untilTask('crowd', notPlaced('BatchNotInPackage'));
  expect(condition(hasty, 'Stalled')).toMatchObject({
    status: 'True',
    message: 'AFET 4ms > deadline 3ms on every GPU product; the shortest period that fits is 4ms',
  });
  expect(condition(crowd, 'Stalled')).toMatchObject({
    status: 'True',
    message: 'package detector has no artifacts of batch size 3; it has 1, 4',
  });
  await deleteTasks('hasty', 'crowd');
});

test('a task waits for a model that does not exist, and is placed once it does', async () => {
  await applyTask('early', { model: 'later' });
  const waiting = await untilTask('early', notPlaced('ModelNotFound'));
  const message = `InferenceModel ${namespace}/later does not exist; the task starts once it does`;
  expect(condition(waiting, 'ModelReady')).toMatchObject({ status: 'False', reason: 'ModelNotFound', message });
  expect(condition(waiting, 'Reconciling')).toMatchObject({ status: 'True', reason: 'ModelNotFound' });
  await readyModel('later', 'b');
  await untilTask('early', placed);
  await deleteTasks('early');
});

test('a model whose package is refused is stalled, in the words of its inspector', async () => {
  await createModel('broken', 'c');
  const model = await untilModel('broken', (each) => each.status?.inspector !== undefined);
  expect(findCondition(model.status?.conditions, 'Ready')).toMatchObject({ status: 'False', reason: 'Inspecting' });
  await first.refused(model, 'DigestMismatch', 'model.json has another digest');
  const refused = await untilModel('broken', (each) => findCondition(each.status?.conditions, 'Stalled') !== undefined);
  for (const type of ['Ready', 'Stalled']) {
    expect(findCondition(refused.status?.conditions, type)).toMatchObject({
      reason: 'DigestMismatch',
      message: 'model.json has another digest',
    });
  }
  await applyTask('hopeful', { model: 'broken' });
  const hopeful = await untilTask('hopeful', notPlaced('ModelNotReady'));
  expect(condition(hopeful, 'ModelReady')?.message).toContain('DigestMismatch: model.json has another digest');
  await deleteTasks('hopeful');
});

test('a model edited under a running task: the old package until the new one is ready', async () => {
  await readyModel('edited', 'd');
  await applyTask('loyal', { model: 'edited' });
  const before = await untilTask('loyal', placed);
  await first.serve(before);
  await untilTask('loyal', isReady);

  await createModel('edited', 'e');
  const kept = await untilTask('loyal', (task) => condition(task, 'ModelReady')?.reason === 'PreviousPackage');
  expect(condition(kept, 'ModelReady')?.message).toContain(`runs on with package ${digest('d')}`);
  expect(kept.status?.effective?.model.digest).toBe(digest('d'));
  expect(kept.status?.placement).toEqual(before.status?.placement);
  expect(isReady(kept)).toBe(true);

  await first.refused(await client.get(modelResource, { name: 'edited', namespace }), 'NotFound', 'no such folder');
  await untilTask('loyal', (task) => condition(task, 'ModelReady')?.message.includes('NotFound') ?? false);
  expect(isReady(await client.get(taskResource, { name: 'loyal', namespace }))).toBe(true);

  await first.inspected(await client.get(modelResource, { name: 'edited', namespace }), batches);
  const moved = await untilTask('loyal', (task) => task.status?.effective?.model.digest === digest('e'));
  expect(moved.status?.placement).toMatchObject({ epoch: 2, context: before.status?.placement?.context });
  expect(isReady(moved)).toBe(false);
  await deleteTasks('loyal');
});

test('deleting a task frees its place', async () => {
  await applyTask('holder', { priority: 'High', period: '8ms' });
  await untilTask('holder', placed);
  await applyTask('next', { priority: 'High', period: '8ms' });
  const refused = await untilTask('next', notPlaced('HighPriorityLimit'));
  expect(condition(refused, 'Placed')?.message).toContain('best of 2 contexts');
  await deleteTasks('holder');
  await untilTask('next', placed);
  await deleteTasks('next');
});

test('events tell of placements and refusals', async () => {
  await applyTask('told', { priority: 'High', period: '5ms' });
  await untilTask('told', notPlaced('HighPriorityLimit'));
  await applyTask('told', { priority: 'Low', period: '5ms' });
  await untilTask('told', placed);
  const path = 'jsonpath={range .items[*]}{.type} {.reason}: {.note}{"\\n"}{end}';
  const uid = (await client.get(taskResource, { name: 'told', namespace })).metadata.uid;
  const args = ['get', 'events.v1.events.k8s.io', '-n', namespace, `--field-selector=regarding.uid=${uid}`, '-o', path];
  await waitFor(
    async () => {
      const lines = await cluster.kubectl(args);
      const told =
        /Warning HighPriorityLimit: HP load 0/.test(lines) && /Normal Placed: context \d of gpu-0/.test(lines);
      if (!told) throw new Error(lines);
      return true;
    },
    { what: 'both events', timeoutMs },
  );
  await deleteTasks('told');
});

describe('an address that others can reach', () => {
  const get = async (kind: string, name: string) =>
    JSON.parse(await cluster.kubectl(['get', kind, name, '-n', namespace, '-o', 'json']));

  beforeAll(async () => {
    await second.register(1, '10.1.2.3:8001', { 'daris.dev/test': second.node });
  }, timeoutMs);

  test('gets a headless Service and a slice that follow the task', async () => {
    await applyTask('served', {}, second);
    const task = await untilTask('served', ({ status }) => status?.endpoint?.service !== undefined);
    expect(task.status?.endpoint).toEqual({
      address: '10.1.2.3:8001',
      model: `served.${namespace}`,
      service: `served.${namespace}.svc:8001`,
    });
    const [service, slice] = [await get('service', 'served'), await get('endpointslice', 'served')];
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

    await second.report(1, '10.1.2.4:8002');
    await waitFor(
      async () => {
        const { endpoints, ports } = await get('endpointslice', 'served');
        return endpoints[0].addresses[0] === '10.1.2.4' && ports.length === 1 && ports[0].port === 8002
          ? true
          : undefined;
      },
      { what: 'the slice to follow', timeoutMs },
    );
    await untilTask('served', ({ status }) => status?.endpoint?.service === `served.${namespace}.svc:8002`);
    expect((await get('service', 'served')).spec.ports).toHaveLength(1);
  });

  test('a suspended task keeps its Service, which leads nowhere', async () => {
    await applyTask('served', { suspend: true }, second);
    await untilTask('served', notPlaced('Suspended'));
    await waitFor(async () => ((await get('endpointslice', 'served')).endpoints?.length ?? 0) === 0 || undefined, {
      what: 'the slice to be empty',
      timeoutMs,
    });
    const task = await client.get(taskResource, { name: 'served', namespace });
    expect(task.status?.endpoint).toEqual({ model: `served.${namespace}`, service: `served.${namespace}.svc:8002` });
  });

  test('Service and slice go with the task', async () => {
    await deleteTasks('served');
    await waitFor(
      async () => {
        const left = await cluster.kubectl(['get', 'service,endpointslice', '-n', namespace, '-o', 'name']);
        return left.trim() === '' || undefined;
      },
      { what: 'Service and slice to be collected', timeoutMs: 40_000 },
    );
  }, 60_000);

  test('a Service of somebody else is never taken over', async () => {
    const spec = { selector: { app: 'web' }, ports: [{ port: 80 }] };
    await cluster.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'taken', namespace }, spec });
    const before = await get('service', 'taken');
    await applyTask('taken', {}, second);
    const task = await untilTask('taken', (each) => condition(each, 'EndpointConflict') !== undefined);
    expect(condition(task, 'EndpointConflict')).toMatchObject({
      status: 'True',
      message: `Service ${namespace}/taken exists and does not belong to this task; rename the task, or delete the Service`,
    });
    expect(task.status?.endpoint).toEqual({ address: '10.1.2.4:8002', model: `taken.${namespace}` });
    expect(await get('service', 'taken')).toEqual(before);
    await deleteTasks('taken');
    await cluster.kubectl(['delete', 'service', 'taken', '-n', namespace]);
  });

  test('a loopback address has no Service', async () => {
    const left = await cluster.kubectl(['get', 'service,endpointslice', '-n', namespace, '-o', 'name']);
    expect(left.trim()).toBe('');
  });
});

test('an operator that starts anew writes nothing where nothing changed', async () => {
  await applyTask('refused', { priority: 'High', period: '5ms' });
  await untilTask('refused', notPlaced('HighPriorityLimit'));
  await applyTask('asleep', { suspend: true });
  await untilTask('asleep', notPlaced('Suspended'));
  await applyTask('reachable', {}, second);
  await untilTask('reachable', ({ status }) => status?.endpoint?.service !== undefined);
  await quiet();
  const before = await versions();
  await operator.stop();
  operator = await startOperator();
  await quiet();
  expect(await versions()).toEqual(before);
  const written = [...(await metrics())].filter(([name]) => name.startsWith('daris_operator_status_writes_total'));
  expect(written).toEqual([]);
  await deleteTasks('refused', 'asleep', 'reachable');
}, 60_000);

/** All that was asked for is done: no key waits in any queue, and the same reconciles were counted twice in a row. */
async function quiet(): Promise<void> {
  let last = '';
  await waitFor(
    async () => {
      const all = [...(await metrics())];
      const waiting = all.filter(([name, value]) => name.startsWith('controller_queue_depth') && value > 0);
      const done = all.filter(([name]) => name.startsWith('controller_reconciles_total') && !name.includes('"node"'));
      const now = JSON.stringify(done);
      const same = waiting.length === 0 && done.length >= 4 && now === last;
      last = now;
      return same || undefined;
    },
    { what: 'the operator to be done', timeoutMs, intervalMs: 500 },
  );
}

async function versions(): Promise<string[]> {
  const kinds = 'realtimeinferencetasks,inferencemodels,services,endpointslices';
  const path = 'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}';
  return (await cluster.kubectl(['get', kinds, '-n', namespace, '-o', path])).trim().split('\n');
}

test('a lost node: its tasks stay where there is no other, and say that nobody knows; else they go there', async () => {
  const spec = { nodeSelector: {} };
  await first.report(2, '127.0.0.1:43121');
  const labels = ['label', 'node', first.node, second.node, `daris.dev/both=${namespace}`];
  await cluster.kubectl(labels);
  await applyTask('single', {}, second);
  await applyTask('mobile', { ...spec, nodeSelector: { 'daris.dev/both': namespace } }, second);
  const [single, mobile] = [await untilTask('single', placed), await untilTask('mobile', placed)];
  const home = mobile.status?.placement?.node === first.node ? first : second;
  const away = home === first ? second : first;
  home.die();
  const moved = await untilTask('mobile', ({ status }) => status?.placement?.node === away.node);
  expect(moved.status?.placement?.epoch).toBe(2);
  home.live();

  await waitFor(async () => ((await nodesOf('Lost')) === 0 ? true : undefined), { what: 'it to be back', timeoutMs });
  second.die();
  const unknown = await untilTask('single', (task) => condition(task, 'Ready')?.reason === 'NodeLost');
  expect(condition(unknown, 'Ready')).toMatchObject({ status: 'Unknown' });
  expect(condition(unknown, 'Ready')?.message).toBe(
    `Serving is Unknown (NodeLost): node ${second.node}: its agent has not renewed its Lease for 3 s`,
  );
  expect(unknown.status?.placement).toEqual(single.status?.placement);
  second.live();
  await untilTask('single', (task) => condition(task, 'Ready')?.reason === 'Starting');
  await deleteTasks('single', 'mobile');
}, 90_000);

async function nodesOf(state: string): Promise<number> {
  return (await metrics()).get(`daris_operator_nodes{state="${state}"}`) ?? 0;
}

test('it ends in order when it is told to', async () => {
  await operator.stop();
  const child = spawn(process.execPath, operatorArgs(), { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = await once(child.stdout, 'data');
  expect(JSON.parse(String(line).split('\n')[0] ?? '')).toMatchObject({ msg: 'operator started' });
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});
