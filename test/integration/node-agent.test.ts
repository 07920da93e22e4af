// The agent between a real API server and a runtime on a Unix socket: what it applies, what it says, and what it survives.
// The test speaks for the operator; the runtime is one that runs nothing but can be made to vanish.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type Connection } from '../../kube/connection.ts';
import { leases } from '../../kube/lease.ts';
import { ModelPhase, type ObservedTask, TaskPhase } from '../../node-agent/native/gen/runtime.ts';
import { gpuNodes } from '../../node-agent/resources.ts';
import { digest, gpu, jobs, otherDigest } from '../../node-agent/testing/fixtures.ts';
import { StubRuntime } from '../../node-agent/testing/stub-runtime.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { condition, isServed, NodeUnderTest, releasedJobs, systemNamespace } from './node-under-test.ts';
import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const source = { uri: 'file:///detector', digest };

let connection: Connection;
let namespace: string;
let node: NodeUnderTest;
let runtime: StubRuntime;
let nodes = 0;

beforeAll(async () => {
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  namespace = await cluster.createNamespace('node-agent');
}, 30_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
  rmSync(folder, { recursive: true });
}, 30_000);

beforeEach(async () => {
  nodes += 1;
  runtime = new StubRuntime();
  await runtime.start();
  const name = `${namespace}-${nodes}`;
  node = new NodeUnderTest({ cluster, connection, namespace, name, folder, socketPath: runtime.socketPath });
  await node.prepare();
  await node.startAgent();
}, 60_000);

afterEach(async () => {
  await node.remove();
  await runtime[Symbol.asyncDispose]();
}, 60_000);

test('registers its node, shows that it lives, and says so to whoever asks', async () => {
  await node.ready('True', 'Serving');
  const { status } = await node.client.get(gpuNodes, { name: node.name });
  expect(status).toMatchObject({
    address: 'inference.example:43121',
    appliedPolicy: { name: 'default', contexts: 2, streamsPerContext: 1 },
    admission: 'Predicted',
    highPriorityUtilizationLimit: '0.75',
    gpus: [{ uuid: gpu, engine: 'openvino', contexts: [{ index: 0 }, { index: 1 }] }],
  });
  expect(runtime.inForce?.policy).toMatchObject({ contexts: 2, streamsPerContext: 1, mretAging: true });
  const renewed = async (): Promise<string> =>
    (await node.client.get(leases, { name: node.name, namespace: systemNamespace })).spec?.renewTime ?? '';
  const first = await renewed();
  await waitFor(async () => ((await renewed()) > first ? true : undefined), { what: 'a renewal', timeoutMs: 15_000 });
  expect(await node.readyz()).toBe(200);
  expect(await node.metric('daris_runtime_up')).toBe(1);
}, 60_000);

test('a GpuNode that somebody deleted comes back', async () => {
  await node.ready('True', 'Serving');
  await node.client.delete(gpuNodes, { name: node.name });
  await node.ready('True', 'Serving');
}, 60_000);

describe('a model to inspect', () => {
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
    await node.inspect('detector', source);
    await node.inspect('broken', { uri: 'file:///broken', digest: otherDigest });
    const good = await node.inspected('detector', 1);
    expect(condition(good, 'Inspected')).toMatchObject({ status: 'True', reason: 'Inspected' });
    expect(good.status?.package).toMatchObject({ digest, stageCount: 2, batchSizes: [1, 4] });
    const bad = await node.inspected('broken', 1);
    expect(condition(bad, 'Inspected')).toMatchObject({
      status: 'False',
      reason: 'DigestMismatch',
      message: 'model.json: not the digest',
    });
    expect(bad.status).not.toHaveProperty('package');
  }, 60_000);

  test('is inspected anew when it is edited', async () => {
    await node.inspect('detector', source);
    await node.inspected('detector', 1);
    await node.inspect('detector', { uri: 'file:///detector-2', digest: otherDigest });
    const edited = await node.inspected('detector', 2);
    expect(edited.status?.package?.digest).toBe(otherDigest);
  }, 60_000);
});

test('a placed task is served, and an edit of its terms is told once it is in force', async () => {
  await node.place('front');
  const served = await node.task('front', 'to be served', isServed);
  expect(condition(served, 'Serving')).toMatchObject({ observedGeneration: 1, message: `jobs run on ${gpu}` });
  expect(condition(served, 'DeadlinesMet')).toMatchObject({ status: 'Unknown', reason: 'NoJobs' });
  await node.place('front', { periodUs: 90_000, generation: 2 });
  await node.task(
    'front',
    'to be served under its new terms',
    (of) => condition(of, 'Serving')?.observedGeneration === 2,
  );
  expect(runtime.inForce?.tasks).toMatchObject([{ name: 'front', periodUs: 90_000, epoch: 1 }]);
  await node.place('front', { generation: 2 }, node.placement(2, 1));
  await node.task('front', 'to be served under its new epoch', (of) => of.status?.runtime?.epoch === 2 && isServed(of));
  await node.event('front', 'Serving');
}, 60_000);

test('a refusal carries the words of the runtime, and harms no other task', async () => {
  runtime.task = (observed) =>
    observed.context === 1
      ? { ...observed, phase: TaskPhase.TASK_PHASE_REFUSED, reason: 'Overcommitted', message: '0.61 + 0.14 > 0.75' }
      : observed;
  await node.place('refused', {}, node.placement(1, 1));
  await node.place('served');
  await node.task('served', 'to be served', isServed);
  const refused = await node.task('refused', 'to be refused', (of) => condition(of, 'Serving')?.status === 'False');
  expect(condition(refused, 'Serving')).toMatchObject({ reason: 'Overcommitted', message: '0.61 + 0.14 > 0.75' });
}, 60_000);

test('a placement without terms, and terms that cannot be, harm no other task', async () => {
  await node.place('impossible', { deadlineUs: 60_000 });
  await node.writeTaskStatus('termless', { placement: node.placement() });
  await node.place('good');
  await node.task('good', 'to be served', isServed);
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
  const old = await node.place('front');
  await node.task('front', 'to count', (of) => releasedJobs(of) > 0);
  runtime.task = (observed) => observed;
  await node.deleteTask('front');
  const created = await node.place('front');
  expect(created.metadata.uid).not.toBe(old.metadata.uid);
  const served = await node.task('front', 'to be served anew', isServed);
  expect(served.status?.runtime?.jobs).toMatchObject({ released: 0, missed: 0 });
  expect(runtime.inForce?.tasks).toMatchObject([{ uid: created.metadata.uid, carried: { released: 0 } }]);
}, 60_000);

/** Statuses of tasks and of the node written so far by the present agent. */
async function writes(): Promise<number> {
  const told = ['RealtimeInferenceTask', 'GpuNode'].map((kind) =>
    node.metric(`daris_agent_status_writes_total{kind="${kind}",result="ok"}`),
  );
  return (await Promise.all(told)).reduce<number>((sum, written) => sum + (written ?? 0), 0);
}

async function passes(): Promise<number> {
  return (await node.metric('daris_agent_reconcile_duration_seconds_count{loop="status"}')) ?? 0;
}

test('restarting the agent takes nothing away, and counters go on', async () => {
  runtime.task = counting();
  await node.place('front');
  await node.place('rear');
  const before = await node.task('front', 'to count', (of) => releasedJobs(of) > 0);
  await node.event('front', 'DeadlineMissed');
  await node.task('rear', 'to be served', isServed);
  await node.stopAgent();
  runtime.push();
  expect(runtime.inForce?.tasks).toHaveLength(2);
  const seen = runtime.applied.length;
  const gate = Promise.withResolvers<void>();
  runtime.gate = gate.promise;
  await node.startAgent();
  await waitFor(async () => ((await passes()) > 0 ? true : undefined), { what: 'a pass', timeoutMs: 20_000 });
  expect(await writes()).toBe(0);
  gate.resolve();
  await waitFor(() => (runtime.applied.length > seen ? true : undefined), {
    what: 'the first Apply',
    timeoutMs: 20_000,
  });
  for (const state of runtime.applied.slice(seen)) expect(state.tasks).toHaveLength(2);
  expect(runtime.applied.at(-1)?.generation).toBeGreaterThan(runtime.applied[seen - 1]?.generation ?? 0);
  await node.ready('True', 'Serving');
  const after = await node.task('front', 'to count on', (of) => {
    return (of.status?.runtime?.jobs?.released ?? 0) > releasedJobs(before);
  });
  expect(condition(after, 'Serving')?.lastTransitionTime).toBe(condition(before, 'Serving')?.lastTransitionTime);
}, 60_000);

test('while the runtime is away its tasks are Unknown; the next instance carries their counters on', async () => {
  runtime.task = counting();
  await node.place('front');
  const counted = await node.task('front', 'to count', (of) => releasedJobs(of) > 0);
  runtime.kill();
  await node.ready('False', 'RuntimeUnavailable');
  const gone = await node.task('front', 'to be Unknown', (of) => condition(of, 'Serving')?.status === 'Unknown');
  expect(condition(gone, 'Serving')).toMatchObject({ reason: 'RuntimeUnavailable' });
  expect(gone.status?.runtime?.jobs?.released).toBeGreaterThanOrEqual(releasedJobs(counted));
  expect(await node.readyz()).toBe(503);
  expect(await node.metric('daris_runtime_up')).toBe(0);
  runtime.task = (observed) => observed;
  await runtime.start();
  await node.ready('True', 'Serving');
  const back = await node.task('front', 'to be served again', isServed);
  const carried = runtime.inForce?.tasks[0]?.carried?.released;
  expect(carried).toBeGreaterThanOrEqual(releasedJobs(counted));
  expect(back.status?.runtime?.jobs?.released).toBe(carried);
}, 60_000);

test('while the API server is away the runtime serves on; what changed meanwhile is made up for', async () => {
  await node.place('front');
  await node.task('front', 'to be served', isServed);
  const applied = runtime.applied.length;
  node.proxy.sever();
  await node.place('rear');
  runtime.push();
  expect(runtime.inForce?.tasks.map(({ name }) => name)).toEqual(['front']);
  await runtime.restart();
  await waitFor(() => (runtime.inForce?.tasks.length === 1 ? true : undefined), {
    what: 'the restarted runtime to get what is known',
    timeoutMs: 20_000,
  });
  expect(runtime.applied.slice(applied).every((state) => state.tasks.length === 1)).toBe(true);
  node.proxy.mend();
  await node.task('rear', 'to be served', isServed);
  await node.task('front', 'to be served still', isServed);
}, 90_000);

test('under onPartition Stop nothing is served once the Lease is over, and all of it again when that is renewed', async () => {
  await node.ready('True', 'Serving');
  await node.follow({ name: 'strict', generation: 1, onPartition: 'Stop' });
  await node.followed('strict');
  await node.place('front');
  await node.task('front', 'to be served', isServed);
  node.proxy.sever();
  await waitFor(() => (runtime.inForce?.tasks.length === 0 ? true : undefined), {
    what: 'the runtime to be told to serve nothing',
    timeoutMs: 30_000,
  });
  node.proxy.mend();
  // Proves to the agent that what it knows of its tasks is what there is.
  await node.place('front', { generation: 2 });
  await node.task('front', 'to be served again', (of) => {
    return isServed(of) && condition(of, 'Serving')?.observedGeneration === 2;
  });
  expect(runtime.inForce?.tasks.map(({ name }) => name)).toEqual(['front']);
}, 90_000);

test('statuses written by others in between are re-read, and both writers’ words stand', async () => {
  runtime.task = counting();
  await node.place('front', { maxMissRate: '1' });
  for (let generation = 2; generation <= 20; generation++) {
    await node.place('front', { maxMissRate: '1', generation }, node.placement(generation));
    runtime.push();
  }
  const last = await node.task('front', 'to be served under the last epoch', (of) => {
    return of.status?.runtime?.epoch === 20 && condition(of, 'Serving')?.observedGeneration === 20;
  });
  expect(last.status?.placement?.epoch).toBe(20);
  expect(last.status?.effective?.generation).toBe(20);
}, 60_000);

test('what merely moves is written at most once in ten seconds, however often the runtime tells of it', async () => {
  await node.place('front');
  await node.task('front', 'to be served', isServed);
  await node.ready('True', 'Serving');
  const [writesBefore, passesBefore] = [await writes(), await passes()];
  runtime.task = counting();
  await waitFor(
    async () => {
      runtime.push();
      return (await passes()) >= passesBefore + 5 ? true : undefined;
    },
    { what: 'five more passes', timeoutMs: 10_000 },
  );
  // The first miss turns DeadlinesMet, which is a transition; beside it there may be one write of figures.
  expect((await writes()) - writesBefore).toBeLessThanOrEqual(2);
}, 60_000);

test('SIGTERM ends the process cleanly and leaves the runtime serving', async () => {
  await node.stopAgent();
  await node.place('front');
  const flags = [
    `--node=${node.name}`,
    `--kubeconfig=${node.config.kubeconfig}`,
    `--runtime-socket=${runtime.socketPath}`,
  ];
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'node-agent', 'main.ts'), ...flags, '--metrics-address=127.0.0.1:0'],
    { stdio: 'ignore' },
  );
  await node.task('front', 'to be served', isServed);
  const { inForce } = runtime;
  const started = performance.now();
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(runtime.inForce).toBe(inForce);
}, 60_000);
