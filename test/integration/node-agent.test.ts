// The agent between a real API server and a runtime on a Unix socket: what it applies, what it says, and what it survives.
// The test speaks for the operator; the runtime is one that runs nothing but can be made to vanish.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { type Condition, findCondition } from '../../api/conditions.ts';
import { fieldManagers } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { leases } from '../../kube/lease.ts';
import { isNotFound } from '../../kube/errors.ts';
import { Agent } from '../../node-agent/app.ts';
import { type Config, readConfig } from '../../node-agent/config.ts';
import { ModelPhase, type ObservedTask, TaskPhase } from '../../node-agent/native/gen/runtime.ts';
import {
  type Effective,
  gpuNodes,
  models,
  type Placement,
  type StoredModel,
  type StoredTask,
  tasks,
} from '../../node-agent/resources.ts';
import { digest, effective, gpu, jobs, otherDigest } from '../../node-agent/testing/fixtures.ts';
import { StubRuntime } from '../../node-agent/testing/stub-runtime.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { SeverableProxy } from './severable-proxy.ts';
import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const system = 'daris-system';
const operator = { fieldManager: fieldManagers.operator, force: true } as const;
const source = { uri: 'file:///detector', digest };

let connection: Connection;
let client: KubeClient;
let namespace: string;
let node: string;
let proxy: SeverableProxy;
let config: Config;
let runtime: StubRuntime;
let agent: Agent;
let metricsPort: number;
let count = 0;

beforeAll(async () => {
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  client = new KubeClient(connection);
  namespace = await cluster.createNamespace('node-agent');
}, 30_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
  rmSync(folder, { recursive: true });
}, 30_000);

beforeEach(async () => {
  count += 1;
  node = `${namespace}-${count}`;
  await cluster.createNode(node);
  proxy = new SeverableProxy(connection.server);
  const direct = join(folder, `${node}.direct`);
  await cluster.writeServiceAccountKubeconfig(direct, { namespace: system, name: 'daris-agent', node });
  const kubeconfig = join(folder, `${node}.kubeconfig`);
  writeFileSync(kubeconfig, readFileSync(direct, 'utf8').replaceAll(connection.server, await proxy.start()));
  runtime = new StubRuntime();
  await runtime.start();
  const argv = [`--node=${node}`, `--kubeconfig=${kubeconfig}`, `--runtime-socket=${runtime.socketPath}`];
  const read = readConfig([...argv, '--metrics-address=127.0.0.1:0', '--advertise-address=inference.example'], {});
  if (read === undefined) throw new Error('help was not asked for');
  config = read;
  await startAgent();
}, 60_000);

afterEach(async () => {
  await agent.stop();
  await runtime[Symbol.asyncDispose]();
  await proxy.stop();
  await cluster.kubectl(['delete', 'rit,im', '--all', '-n', namespace]);
  await cluster.kubectl(['delete', 'gpunode,node', node]);
  await cluster.kubectl(['delete', 'lease', node, '-n', system]);
}, 60_000);

async function startAgent(): Promise<void> {
  agent = new Agent(config, pino({ level: process.env['DARIS_TEST_LOG'] ?? 'silent' }));
  metricsPort = (await agent.start()).port;
}

function placed(epoch = 1, context = 0): Placement {
  return { node, gpu, gpuProduct: 'CPU', context, epoch, bookedUtilization: '0.1', leaderTransitions: 0 };
}

/** Creates a task if there is none of the name, and places it as the operator does. */
async function place(
  name: string,
  terms: Partial<Effective> = {},
  placement: Placement = placed(),
): Promise<StoredTask> {
  const spec = { model: 'detector', period: '50ms', priority: 'Low' };
  await client.apply(tasks, { metadata: { name, namespace }, spec }, operator);
  const status = { effective: { ...effective, ...terms }, placement };
  return client.apply(tasks, { metadata: { name, namespace }, status }, { ...operator, subresource: 'status' });
}

async function inspect(name: string, of: typeof source = source): Promise<StoredModel> {
  await client.apply(models, { metadata: { name, namespace }, spec: { source: of } }, operator);
  const status = { inspector: { node } };
  return client.apply(models, { metadata: { name, namespace }, status }, { ...operator, subresource: 'status' });
}

function condition(object: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined {
  return findCondition(object.status?.conditions, type);
}

/** The task once `holds`; the error at the deadline tells its status. */
async function task(name: string, what: string, holds: (task: StoredTask) => boolean): Promise<StoredTask> {
  return waitFor(
    async () => {
      const found = await client.get(tasks, { name, namespace });
      if (holds(found)) return found;
      throw new Error(JSON.stringify(found.status));
    },
    { what: `${name} ${what}`, timeoutMs: 20_000 },
  );
}

function isServed(of: StoredTask): boolean {
  return condition(of, 'Serving')?.status === 'True' && of.status?.runtime?.epoch === of.status?.placement?.epoch;
}

async function ready(status: Condition['status'], reason: string): Promise<Condition> {
  return waitFor(
    async () => {
      const found = condition(await client.get(gpuNodes, { name: node }), 'Ready');
      return found?.status === status && found.reason === reason ? found : undefined;
    },
    { what: `GpuNode ${node} to be Ready=${status} ${reason}`, timeoutMs: 20_000 },
  );
}

async function metric(name: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(name));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
}

async function readyz(): Promise<number> {
  return (await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status;
}

test('registers its node, shows that it lives, and says so to whoever asks', async () => {
  await ready('True', 'Serving');
  const { status } = await client.get(gpuNodes, { name: node });
  expect(status).toMatchObject({
    address: 'inference.example:43121',
    policy: 'built-in',
    admission: 'Predicted',
    highPriorityUtilizationLimit: '0.75',
    gpus: [{ uuid: gpu, engine: 'openvino', contexts: [{ index: 0 }, { index: 1 }] }],
  });
  expect(runtime.inForce?.policy).toMatchObject({ contexts: 2, streamsPerContext: 1, mretAging: true });
  const renewed = async (): Promise<string> =>
    (await client.get(leases, { name: node, namespace: system })).spec?.renewTime ?? '';
  const first = await renewed();
  await waitFor(async () => ((await renewed()) > first ? true : undefined), { what: 'a renewal', timeoutMs: 15_000 });
  expect(await readyz()).toBe(200);
  expect(await metric('daris_runtime_up')).toBe(1);
}, 60_000);

test('a GpuNode that somebody deleted comes back', async () => {
  await ready('True', 'Serving');
  await client.delete(gpuNodes, { name: node });
  await ready('True', 'Serving');
}, 60_000);

describe('a model to inspect', () => {
  const inspected = (name: string, generation: number): Promise<StoredModel> =>
    waitFor(
      async () => {
        const found = await client.get(models, { name, namespace });
        return condition(found, 'Inspected')?.observedGeneration === generation ? found : undefined;
      },
      { what: `model ${name} to be inspected`, timeoutMs: 20_000 },
    );

  test('is told with what its package holds, a bad one with why', async () => {
    runtime.model = (model) =>
      model.digest === digest
        ? model
        : {
            ...model,
            phase: ModelPhase.MODEL_PHASE_FAILED,
            reason: 'DigestMismatch',
            message: 'model.json: not the digest',
          };
    await inspect('detector');
    await inspect('broken', { uri: 'file:///broken', digest: otherDigest });
    const good = await inspected('detector', 1);
    expect(condition(good, 'Inspected')).toMatchObject({ status: 'True', reason: 'Inspected' });
    expect(good.status?.package).toMatchObject({ digest, stageCount: 2, afetUs: 3_000, gpuProduct: 'CPU' });
    const bad = await inspected('broken', 1);
    expect(condition(bad, 'Inspected')).toMatchObject({
      status: 'False',
      reason: 'DigestMismatch',
      message: 'model.json: not the digest',
    });
    expect(bad.status).not.toHaveProperty('package');
  }, 60_000);

  test('is inspected anew when it is edited', async () => {
    await inspect('detector');
    await inspected('detector', 1);
    await inspect('detector', { uri: 'file:///detector-2', digest: otherDigest });
    const edited = await inspected('detector', 2);
    expect(edited.status?.package?.digest).toBe(otherDigest);
  }, 60_000);
});

test('a placed task is served, and an edit of its terms is told once it is in force', async () => {
  await place('front');
  const served = await task('front', 'to be served', isServed);
  expect(condition(served, 'Serving')).toMatchObject({ observedGeneration: 1, message: `jobs run on ${gpu}` });
  expect(condition(served, 'DeadlinesMet')).toMatchObject({ status: 'Unknown', reason: 'NoJobs' });
  await place('front', { periodUs: 90_000, generation: 2 });
  await task('front', 'to be served under its new terms', (of) => condition(of, 'Serving')?.observedGeneration === 2);
  expect(runtime.inForce?.tasks).toMatchObject([{ name: 'front', periodUs: 90_000, epoch: 1 }]);
  await place('front', { generation: 2 }, placed(2, 1));
  await task('front', 'to be served under its new epoch', (of) => of.status?.runtime?.epoch === 2 && isServed(of));
  const events = await waitFor(
    async () => {
      const told = await cluster.kubectl(['get', 'events.events.k8s.io', '-n', namespace, '-o', 'json']);
      const items: { reason: string; regarding: { name: string } }[] = JSON.parse(told).items;
      const found = items.filter(({ regarding }) => regarding.name === 'front').map(({ reason }) => reason);
      return found.includes('Serving') ? found : undefined;
    },
    { what: 'the event Serving', timeoutMs: 15_000 },
  );
  expect(events).toContain('Serving');
}, 60_000);

test('a refusal carries the words of the runtime, and harms no other task', async () => {
  runtime.task = (observed) =>
    observed.context === 1
      ? { ...observed, phase: TaskPhase.TASK_PHASE_REFUSED, reason: 'Overcommitted', message: '0.61 + 0.14 > 0.75' }
      : observed;
  await place('refused', {}, placed(1, 1));
  await place('served');
  await task('served', 'to be served', isServed);
  const refused = await task('refused', 'to be refused', (of) => condition(of, 'Serving')?.status === 'False');
  expect(condition(refused, 'Serving')).toMatchObject({ reason: 'Overcommitted', message: '0.61 + 0.14 > 0.75' });
}, 60_000);

test('a placement without terms, and terms that cannot be, harm no other task', async () => {
  await place('impossible', { deadlineUs: 60_000 });
  const spec = { model: 'detector', period: '50ms', priority: 'Low' };
  await client.apply(tasks, { metadata: { name: 'termless', namespace }, spec }, operator);
  const status = { placement: placed() };
  await client.apply(
    tasks,
    { metadata: { name: 'termless', namespace }, status },
    { ...operator, subresource: 'status' },
  );
  await place('good');
  await task('good', 'to be served', isServed);
  expect(runtime.inForce?.tasks.map(({ name }) => name)).toEqual(['good']);
}, 60_000);

/** Each look of the runtime finds ten more jobs released and one of them missed. */
function counting(): (observed: ObservedTask) => ObservedTask {
  const grown = new Map<string, number>();
  return (observed) => {
    const more = (grown.get(observed.uid) ?? 0) + 10;
    grown.set(observed.uid, more);
    const base = observed.jobs ?? jobs({});
    const [released, missed] = [base.released + more, base.missed + more / 10];
    return { ...observed, jobs: { ...base, released, admitted: released, missed, onTime: released - missed } };
  };
}

test('a task created anew under its name has nothing of the old one', async () => {
  runtime.task = counting();
  const old = await place('front');
  await task('front', 'to count', (of) => (of.status?.runtime?.jobs?.released ?? 0) > 0);
  runtime.task = (observed) => observed;
  await client.delete(tasks, { name: 'front', namespace });
  const created = await place('front');
  expect(created.metadata.uid).not.toBe(old.metadata.uid);
  const served = await task('front', 'to be served anew', isServed);
  expect(served.status?.runtime?.jobs).toMatchObject({ released: 0, missed: 0 });
  expect(runtime.inForce?.tasks).toMatchObject([{ uid: created.metadata.uid, carried: { released: 0 } }]);
}, 60_000);

test('restarting the agent takes nothing away, and counters go on', async () => {
  runtime.task = counting();
  await place('front');
  await place('rear');
  const before = await task('front', 'to count', (of) => (of.status?.runtime?.jobs?.released ?? 0) > 0);
  await task('rear', 'to be served', isServed);
  await agent.stop();
  runtime.push();
  expect(runtime.inForce?.tasks).toHaveLength(2);
  const seen = runtime.applied.length;
  await startAgent();
  await waitFor(() => (runtime.applied.length > seen ? true : undefined), {
    what: 'the first Apply',
    timeoutMs: 20_000,
  });
  for (const state of runtime.applied.slice(seen)) expect(state.tasks).toHaveLength(2);
  expect(runtime.applied.at(-1)?.generation).toBeGreaterThan(runtime.applied[seen - 1]?.generation ?? 0);
  await ready('True', 'Serving');
  const after = await task('front', 'to count on', (of) => {
    return (of.status?.runtime?.jobs?.released ?? 0) > (before.status?.runtime?.jobs?.released ?? 0);
  });
  expect(condition(after, 'Serving')?.lastTransitionTime).toBe(condition(before, 'Serving')?.lastTransitionTime);
}, 60_000);

test('while the runtime is away its tasks are Unknown; the next instance carries their counters on', async () => {
  runtime.task = counting();
  await place('front');
  const counted = await task('front', 'to count', (of) => (of.status?.runtime?.jobs?.released ?? 0) > 0);
  runtime.kill();
  await ready('False', 'RuntimeUnavailable');
  const gone = await task('front', 'to be Unknown', (of) => condition(of, 'Serving')?.status === 'Unknown');
  expect(condition(gone, 'Serving')).toMatchObject({ reason: 'RuntimeUnavailable' });
  expect(gone.status?.runtime?.jobs?.released).toBeGreaterThanOrEqual(counted.status?.runtime?.jobs?.released ?? 0);
  expect(await readyz()).toBe(503);
  expect(await metric('daris_runtime_up')).toBe(0);
  runtime.task = (observed) => observed;
  await runtime.start();
  await ready('True', 'Serving');
  const back = await task('front', 'to be served again', isServed);
  const carried = runtime.inForce?.tasks[0]?.carried?.released;
  expect(carried).toBeGreaterThanOrEqual(counted.status?.runtime?.jobs?.released ?? 0);
  expect(back.status?.runtime?.jobs?.released).toBe(carried);
}, 60_000);

test('while the API server is away the runtime serves on; what changed meanwhile is made up for', async () => {
  await place('front');
  await task('front', 'to be served', isServed);
  const applied = runtime.applied.length;
  proxy.sever();
  await place('rear');
  runtime.push();
  expect(runtime.inForce?.tasks.map(({ name }) => name)).toEqual(['front']);
  await runtime.restart();
  await waitFor(() => (runtime.inForce?.tasks.length === 1 ? true : undefined), {
    what: 'the restarted runtime to get what is known',
    timeoutMs: 20_000,
  });
  expect(runtime.applied.slice(applied).every((state) => state.tasks.length === 1)).toBe(true);
  proxy.mend();
  await task('rear', 'to be served', isServed);
  await task('front', 'to be served still', isServed);
}, 90_000);

test('statuses written by others in between are re-read, and both writers’ words stand', async () => {
  runtime.task = counting();
  await place('front', { maxMissRate: '1' });
  for (let generation = 2; generation <= 20; generation++) {
    await place('front', { maxMissRate: '1', generation }, placed(generation));
    runtime.push();
  }
  const last = await task('front', 'to be served under the last epoch', (of) => {
    return of.status?.runtime?.epoch === 20 && condition(of, 'Serving')?.observedGeneration === 20;
  });
  expect(last.status?.placement?.epoch).toBe(20);
  expect(last.status?.effective?.generation).toBe(20);
}, 60_000);

test('when nothing changes nothing is written', async () => {
  await place('front');
  await task('front', 'to be served', isServed);
  await ready('True', 'Serving');
  const writes = async (): Promise<number> => (await metric('kube_client_requests_total{method="PATCH"')) ?? 0;
  const version = async (): Promise<string> =>
    (await client.get(tasks, { name: 'front', namespace })).metadata.resourceVersion;
  // The window's covered time is a figure, so the object comes to rest one figures' write after it was served.
  const [before, told] = [await version(), await writes()];
  for (let index = 0; index < 50; index++) runtime.push();
  expect(await metric('daris_runtime_watch_age_seconds')).toBeLessThan(5);
  expect((await writes()) - told).toBeLessThanOrEqual(2);
  const after = await client.get(tasks, { name: 'front', namespace });
  expect(Number(after.metadata.resourceVersion) >= Number(before)).toBe(true);
  expect(isServed(after)).toBe(true);
}, 60_000);

test('SIGTERM ends the process cleanly and leaves the runtime serving', async () => {
  await agent.stop();
  await place('front');
  const flags = [`--node=${node}`, `--kubeconfig=${config.kubeconfig}`, `--runtime-socket=${runtime.socketPath}`];
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'node-agent', 'main.ts'), ...flags, '--metrics-address=127.0.0.1:0'],
    { stdio: 'ignore' },
  );
  await task('front', 'to be served', isServed);
  const { inForce } = runtime;
  const started = performance.now();
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(runtime.inForce).toBe(inForce);
  expect(isNotFound(await client.get(gpuNodes, { name: node }).catch((error: unknown) => error))).toBe(false);
}, 60_000);
