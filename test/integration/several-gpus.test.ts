// A node of two simulated GPUs, with operator, agent and supervisor as they are: tasks on both, and what one of them loses
// the other does not.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { findCondition } from '../../api/conditions.ts';
import type { GpuNode } from '../../api/resources.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import type { Stored } from '../../kube/resource.ts';
import { counterNames } from '../../node-agent/counters.ts';
import { socketOf } from '../../node-agent/native/runtimes.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { waitFor } from '../control-plane/wait.ts';
import { allowedCores } from '../e2e/cores.ts';
import { jobsInStatus } from '../e2e/monotone.ts';
import { writeSimulatedPackage } from '../simulated-package.ts';

import { isReady } from './agent-part.ts';
import { isServed, NodeUnderTest } from './node-under-test.ts';
import { OperatorWorld, type Task } from './operator-world.ts';
import { built } from './runtime-process.ts';

jest.setTimeout(90_000);
const world = new OperatorWorld();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const socketPath = join(folder, 'runtime.sock');
const modelRoot = join(folder, 'models');
const gpus = ['sim-0', 'sim-1'];
const names = Array.from({ length: 8 }, (_, at) => `task-${at}`);

let connection: Connection;
let node: NodeUnderTest;
let supervisor: Daemon;
/** What counters have reached, by what they are called. */
const reached = new Map<string, number>();

beforeAll(async () => {
  mkdirSync(modelRoot);
  const source = await writeSimulatedPackage(modelRoot, { name: 'camera', stages: ['4ms', '2ms'] });
  await world.start();
  connection = connect({ kubeconfigPath: world.cluster.kubeconfig, userAgent: 'test' });
  const { cluster, namespace } = world;
  node = new NodeUnderTest({ cluster, connection, namespace, name: 'n1', folder, socketPath, host: '10.1.2.3' });
  await node.prepare();
  await startSupervisor(gpus.length);
  await node.startAgent();
  await apply('InferenceModel', 'camera', { source });
  for (const name of names) await apply('RealtimeInferenceTask', name, { model: 'camera', period: '200ms', ...terms });
}, 120_000);

afterAll(async () => {
  await node.remove();
  await supervisor.stop();
  await connection.close();
  await world.stop();
  rmSync(folder, { recursive: true });
}, 90_000);

async function startSupervisor(count: number): Promise<void> {
  const gpu = ['--engine=sim', `--sim-gpus=${count}`, `--cores=${allowedCores().join(',')}`];
  const where = [`--socket=${socketPath}`, `--model-root=${modelRoot}`, '--inference-address=127.0.0.1:0'];
  supervisor = await Daemon.start({
    name: 'daris-runtime',
    command: built('bin', 'daris-runtime'),
    args: ['--supervise', ...gpu, ...where],
    logFile: join(folder, 'runtime.log'),
  });
  const listening = gpus.slice(0, count).map((_, at) => socketOf(socketPath, at));
  await supervisor.ready(async () => listening.every((path) => existsSync(path)), 20_000);
}

const terms = { priority: 'Low', release: 'Periodic', maxMissRate: '1' };

function apply(kind: string, name: string, spec: object): Promise<unknown> {
  const metadata = { name, namespace: world.namespace };
  return world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind, metadata, spec });
}

function until(what: (status: GpuNode['status']) => boolean): Promise<Stored<GpuNode>> {
  return world.untilGpuNode('n1', ({ status }) => what(status));
}

function gpuOf(task: Task): string {
  return task.status?.placement?.gpu ?? '';
}

/** A counter must not be less than ever before. */
function grows(counter: string, now: number): void {
  expect([counter, now]).toEqual([counter, Math.max(now, reached.get(counter) ?? 0)]);
  reached.set(counter, now);
}

/** All tasks now, with counters that only grow. */
async function look(): Promise<Task[]> {
  const tasks = await Promise.all(names.map((name) => world.task(name)));
  for (const [name, jobs] of jobsInStatus(tasks)) {
    for (const counter of counterNames) grows(`${name} ${counter}`, jobs[counter] ?? 0);
  }
  return tasks;
}

function metricOf(name: string): string {
  return `metric of ${name}`;
}

/** Released jobs of each task by the agent's metrics, which are newer than the status; those of lost GPUs are left out. */
async function released(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await node.metrics()).split('\n')) {
    const [, name, value] = /^daris_jobs_released_total\{.*task="([^"]+)".*\} (\d+)/.exec(line) ?? [];
    if (name === undefined) continue;
    grows(metricOf(name), Number(value));
    counts.set(name, Number(value));
  }
  return counts;
}

/** Until each of these has released more jobs than before. */
function goOn(tasks: readonly Task[], before: ReadonlyMap<string, number>): Promise<true> {
  const probe = async (): Promise<true | undefined> => {
    const now = await released();
    const isMore = ({ metadata: { name } }: Task): boolean => (now.get(name) ?? 0) > (before.get(name) ?? 0);
    return tasks.every(isMore) || undefined;
  };
  return waitFor(probe, { what: 'jobs to be released', timeoutMs: 40_000 });
}

function lookUntil(what: string, holds: (tasks: readonly Task[]) => boolean): Promise<Task[]> {
  const probe = async (): Promise<Task[] | undefined> => {
    const tasks = await look();
    return holds(tasks) ? tasks : undefined;
  };
  return waitFor(probe, { what, timeoutMs: 40_000 });
}

function serving(task: Task): string {
  const { status, reason } = findCondition(task.status?.conditions, 'Serving') ?? {};
  return `${status} ${reason}`;
}

/** The process of the runtime of that GPU, which is told it on its command line. */
function pidOf(gpu: string): number {
  const children = readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8').trim().split(' ');
  const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(`--gpu=${gpu}\0`));
  if (pid === undefined) throw new Error(`no runtime of ${gpu} among ${children.join(', ')}`);
  return Number(pid);
}

test('both GPUs are in the GpuNode, each with its contexts and an address of its own', async () => {
  const { status } = await until((said) => said?.gpus?.length === 2);
  expect(status?.gpus?.map(({ uuid }) => uuid)).toEqual(gpus);
  for (const gpu of status?.gpus ?? []) expect(gpu.contexts).toHaveLength(2);
  const addresses = status?.gpus?.map(({ address }) => address) ?? [];
  for (const address of addresses) expect(address).toMatch(/^10\.1\.2\.3:\d+$/);
  expect(new Set(addresses).size).toBe(2);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['runtime.sock', 'runtime-1.sock']));
});

test('tasks are spread over both, and each is reached at the address of its own', async () => {
  const tasks = await lookUntil('all tasks to be served', (all) => all.every(isReady));
  for (const gpu of gpus) expect(tasks.filter((task) => gpuOf(task) === gpu)).toHaveLength(4);
  const { status } = await until(() => true);
  for (const task of tasks) {
    const address = status?.gpus?.find(({ uuid }) => uuid === gpuOf(task))?.address;
    expect(task.status?.endpoint?.address).toBe(address);
    const { ports } = await world.read('endpointslice', task.metadata.name);
    expect(ports[0].port).toBe(Number(address?.split(':')[1]));
  }
});

test('one measurement of the package is enough for GPUs of one product', async () => {
  const text = await world.cluster.kubectl(['get', 'modelprofiles', '-o', 'json']);
  expect(JSON.parse(text).items).toHaveLength(1);
  for (const gpu of gpus) {
    const tasks = (await look()).filter((task) => gpuOf(task) === gpu);
    expect(tasks.map(({ status }) => status?.runtime?.timing?.afetUs)).toEqual(tasks.map(() => 6_000));
  }
});

test('a runtime that hangs pauses the tasks of its GPU alone, and they keep their place', async () => {
  const before = await look();
  await goOn(before, await released());
  process.kill(pidOf('sim-1'), 'SIGSTOP');
  const { status } = await until((said) => findCondition(said?.gpus?.[1]?.conditions, 'Healthy')?.status === 'False');
  expect(findCondition(status?.gpus?.[1]?.conditions, 'Healthy')?.reason).toBe('RuntimeUnavailable');
  expect(status?.gpus?.[0]?.conditions).toBeUndefined();
  expect(findCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'True' });
  const hung = await lookUntil('its tasks to say so', (tasks) =>
    tasks.every((task) => serving(task) === (gpuOf(task) === 'sim-1' ? 'Unknown RuntimeUnavailable' : 'True Serving')),
  );
  expect(hung.map(({ status: said }) => said?.placement)).toEqual(before.map(({ status: said }) => said?.placement));
  const steady = before.filter((task) => gpuOf(task) === 'sim-0');
  await goOn(steady, await released());
  const [was, is] = [before, await look()].map((tasks) =>
    tasks
      .filter((task) => gpuOf(task) === 'sim-0')
      .map((task) => findCondition(task.status?.conditions, 'Serving')?.lastTransitionTime),
  );
  expect(is).toEqual(was);
});

test('an agent that is restarted meanwhile takes nothing away', async () => {
  await node.stopAgent();
  // What was counted after the last status of a task is known to its former agent alone, if its runtime does not answer.
  for (const counter of reached.keys()) if (counter.startsWith(metricOf(''))) reached.delete(counter);
  await node.startAgent();
  await waitFor(async () => ((await node.metric('daris_runtime_watch_age_seconds')) === undefined ? undefined : true), {
    what: 'the agent to hear of the other runtime',
    timeoutMs: 40_000,
  });
  const { status } = await until((said) => findCondition(said?.conditions, 'Ready')?.status === 'True');
  expect(status?.gpus?.map(({ uuid }) => uuid)).toEqual(gpus);
  for (const task of await look()) expect(serving(task)).toMatch(gpuOf(task) === 'sim-1' ? /^Unknown/ : /^True/);
  expect(await node.metric('daris_runtime_up')).toBe(0);
});

test('once it is killed its supervisor starts it alone, and its tasks go on where they were', async () => {
  const before = await look();
  const other = pidOf('sim-0');
  process.kill(pidOf('sim-1'), 'SIGKILL');
  const after = await lookUntil('all tasks to be served again', (tasks) =>
    tasks.every((task) => serving(task) === 'True Serving'),
  );
  expect(after.map(({ status }) => status?.placement)).toEqual(before.map(({ status }) => status?.placement));
  const { status } = await until((said) => said?.gpus?.[1]?.conditions === undefined);
  expect(status?.gpus?.map(({ uuid }) => uuid)).toEqual(gpus);
  expect(pidOf('sim-0')).toBe(other);
  const kept = new Map(after.map(({ metadata: { name } }) => [name, reached.get(metricOf(name)) ?? 0]));
  await goOn(after, kept);
  await waitFor(async () => ((await node.metric('daris_runtime_up')) === 1 ? true : undefined), {
    what: 'the agent to hear of both',
    timeoutMs: 20_000,
  });
});

test('a GPU that is no longer there after a restart of all is lost, and its tasks go where there is room', async () => {
  const before = await look();
  await supervisor.stop();
  await startSupervisor(1);
  await until((said) => said?.gpus?.length === 1);
  const after = await lookUntil('all tasks to be served by the other', (tasks) =>
    tasks.every((task) => gpuOf(task) === 'sim-0' && isServed(task)),
  );
  for (const [at, { status }] of after.entries()) {
    const was = before[at]?.status?.placement;
    expect(status?.placement?.epoch).toBe((was?.epoch ?? 0) + (was?.gpu === 'sim-1' ? 1 : 0));
  }
});
