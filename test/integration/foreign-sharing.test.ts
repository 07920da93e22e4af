// Operator, agent and a real runtime on a GPU that others use, or that fails. No machine here has a GPU: the engine is sim,
// and NVML's answers come from a file (agent-native/tests/device/recorded_nvml.cpp); all else is as it is.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { connect, type Connection } from '../../kube/connection.ts';
import type { GpuNode } from '../../api/resources.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { waitFor } from '../control-plane/wait.ts';
import { allowedCores } from '../e2e/cores.ts';
import { writeSimulatedPackage } from '../simulated-package.ts';

import { isReady } from './agent-part.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { condition, notPlaced, OperatorWorld, type Task } from './operator-world.ts';
import { built } from './runtime-process.ts';

jest.setTimeout(60_000);
const gib = 2 ** 30;
const world = new OperatorWorld();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const modelRoot = join(folder, 'models');
const recording = join(folder, 'nvml');
const sound = [
  'gpu sim-0',
  `memory ${4 * gib} ${80 * gib}`,
  'clocks 1980 2619',
  'power 345678',
  'temperature 61',
  'ecc 0',
];
const ourselves = `compute self ${gib} daris-runtime`;
const trainer = `compute 7777777 ${3 * gib} /usr/bin/python3`;
const trainerWords = 'process 7777777 (python3, about 3 GiB) works on this GPU too';

let connection: Connection;
let node: NodeUnderTest;
let runtime: Daemon;

/** What NVML answers from now on. */
function record(...lines: string[]): void {
  writeFileSync(`${recording}.next`, [...sound, ourselves, ...lines].join('\n'));
  renameSync(`${recording}.next`, recording);
}

beforeAll(async () => {
  record(trainer);
  mkdirSync(modelRoot);
  const source = await writeSimulatedPackage(modelRoot, { name: 'camera', stages: ['4ms', '2ms'] });
  await world.start();
  connection = connect({ kubeconfigPath: world.cluster.kubeconfig, userAgent: 'test' });
  const socketPath = join(folder, 'runtime.sock');
  node = new NodeUnderTest({
    cluster: world.cluster,
    connection,
    namespace: world.namespace,
    name: 'n1',
    folder,
    socketPath,
  });
  await node.prepare();
  await world.cluster.kubectl(['label', 'node', 'n1', 'daris.dev/test=n1']);
  const where = [`--socket=${socketPath}`, `--model-root=${modelRoot}`, '--inference-address=127.0.0.1:0'];
  runtime = await Daemon.start({
    name: 'daris-runtime',
    command: built('bin', 'daris-runtime'),
    args: ['--engine=sim', ...where, `--cores=${allowedCores().join(',')}`],
    logFile: join(folder, 'runtime.log'),
    env: { LD_LIBRARY_PATH: built('bin', 'recorded-nvml'), DARIS_RECORDED_NVML: recording },
  });
  await runtime.ready(async () => existsSync(socketPath), 20_000);
  await node.startAgent();
  await apply('InferenceModel', 'camera', { source });
}, 120_000);

afterAll(async () => {
  await node.remove();
  await runtime.stop();
  await connection.close();
  await world.stop();
  rmSync(folder, { recursive: true });
}, 90_000);

function apply(kind: string, name: string, spec: object): Promise<unknown> {
  const metadata = { name, namespace: world.namespace };
  return world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind, metadata, spec });
}

/** A periodic task; its deadline leaves room for a busy machine. */
function applyTask(name: string, priority: 'High' | 'Low' = 'Low'): Promise<unknown> {
  return apply('RealtimeInferenceTask', name, { model: 'camera', period: '1s', priority, release: 'Periodic' });
}

type Gpu = NonNullable<NonNullable<GpuNode['status']>['gpus']>[number];

/** The GPU as its GpuNode shows it, once it holds. */
async function untilGpu(holds: (gpu: Gpu) => boolean): Promise<Gpu> {
  const { status } = await world.untilGpuNode('n1', ({ status: said }) => (said?.gpus ?? []).some(holds));
  const [gpu] = status?.gpus ?? [];
  if (gpu === undefined) throw new Error('the GPU has gone');
  return gpu;
}

function saying(type: string, status: 'True' | 'False'): (gpu: Gpu) => boolean {
  return (gpu) => condition({ status: gpu }, type)?.status === status;
}

function message(task: Task): string | undefined {
  return condition(task, 'Placed')?.message;
}

async function completed(name: string): Promise<number> {
  const line = `daris_jobs_completed_total{namespace="${world.namespace}",task="${name}"}`;
  return (await node.metric(line)) ?? 0;
}

async function untilMetric(line: string, value: number): Promise<void> {
  const probe = async (): Promise<true | undefined> => (await node.metric(line)) === value || undefined;
  await waitFor(probe, { what: `${line} ${value}`, timeoutMs: 20_000 });
}

test('at the start a GPU on which others work takes nothing, and the GpuNode says who they are', async () => {
  const gpu = await untilGpu(saying('ForeignSharing', 'True'));
  expect(condition({ status: gpu }, 'ForeignSharing')?.message).toContain(trainerWords);
  expect(condition({ status: gpu }, 'Healthy')?.status).toBe('True');
  await node.ready('True', 'Serving');
  await applyTask('first');
  const refused = await world.untilTask('first', notPlaced('ForeignSharing'));
  expect(message(refused)).toContain(`sim-0 of n1: ${trainerWords}`);
  expect(condition(refused, 'Reconciling')?.reason).toBe('ForeignSharing');
  expect(condition(refused, 'Stalled')).toBeUndefined();
  await untilMetric('daris_gpu_foreign_processes{gpu="sim-0"}', 1);
});

test('once they have gone, it is measured on, placed on and serves', async () => {
  record();
  const gpu = await untilGpu((each) => condition({ status: each }, 'ForeignSharing') === undefined);
  expect(gpu.reading).toMatchObject({
    memoryUsedBytes: 4 * gib,
    memoryFreeBytes: 76 * gib,
    smClockMHz: 1_980,
    memoryClockMHz: 2_619,
    powerWatts: 346,
    temperatureCelsius: 61,
    eccUncorrectable: 0,
  });
  await world.untilTask('first', isReady);
  await untilMetric('daris_gpu_foreign_processes{gpu="sim-0"}', 0);
  await untilMetric('daris_gpu_power_watts{gpu="sim-0"}', 345.678);
});

test('when others come, what runs goes on and nothing new is placed, until they leave', async () => {
  const epoch = (await world.task('first')).status?.placement?.epoch;
  record(trainer);
  await untilGpu(saying('ForeignSharing', 'True'));
  await applyTask('second', 'High');
  expect(message(await world.untilTask('second', notPlaced('ForeignSharing')))).toContain(trainerWords);
  const before = await completed('first');
  const more = async (): Promise<true | undefined> => (await completed('first')) > before || undefined;
  await waitFor(more, { what: 'another job of first', timeoutMs: 20_000 });
  const first = await world.task('first');
  expect(condition(first, 'Serving')?.status).toBe('True');
  expect(first.status?.placement?.epoch).toBe(epoch);
  record();
  await world.untilTask('second', isReady);
});

test('an Xid of a program is told and changes nothing; one of the hardware closes the GPU', async () => {
  record('xid 1 31');
  const outlived = await untilGpu(({ reading }) => reading?.lastXid?.code === 31);
  expect(condition({ status: outlived }, 'Healthy')?.status).toBe('True');
  record('xid 1 31', 'xid 2 79');
  const gpu = await untilGpu(saying('Healthy', 'False'));
  expect(condition({ status: gpu }, 'Healthy')).toMatchObject({ reason: 'XidCritical' });
  expect(gpu.reading?.lastXid?.code).toBe(79);
  await applyTask('third');
  expect(message(await world.untilTask('third', notPlaced('Unhealthy')))).toContain('Xid 79');
  expect(condition(await world.task('first'), 'Serving')?.status).toBe('True');
  await untilMetric('daris_gpu_xid_errors_total{gpu="sim-0"}', 2);
  await untilMetric('daris_gpu_healthy{gpu="sim-0"}', 0);
});
