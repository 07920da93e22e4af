// Machines whose clocks are an hour apart: an operator an hour behind, a node an hour ahead and one that is right, with real
// runtimes. Nobody is taken for lost, no Lease changes hands, tasks are placed, measured, served and counted.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';

import { leaderLease, systemNamespace } from '../../api/resources.ts';
import { SystemClock } from '../../kube/clock.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { leases, type Lease } from '../../kube/lease.ts';
import { createApp, type App } from '../../operator/app.ts';
import { parseConfig } from '../../operator/config.ts';
import type { Daemon } from '../control-plane/daemon.ts';
import { waitFor } from '../control-plane/wait.ts';

import { isReady } from './agent-part.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { condition, OperatorWorld, type Task } from './operator-world.ts';
import { exampleSource, startRuntime } from './runtime-process.ts';

/** A machine whose time of day is wrong by so much; its timers are not. */
class WrongClock extends SystemClock {
  readonly #wrongMs: number;

  constructor(wrongMs: number) {
    super();
    this.#wrongMs = wrongMs;
  }

  override now(): number {
    return super.now() + this.#wrongMs;
  }
}

jest.setTimeout(150_000);
const timeoutMs = 60_000;
const hourMs = 3_600_000;
const halfAnHourMs = hourMs / 2;
const election = ['--leader-lease-seconds=9', '--leader-renew-seconds=7', '--leader-retry-seconds=1'];
const flags = [...election, '--node-lease-seconds=10'];
const wrong = new Map([
  ['n1', hourMs],
  ['n2', 0],
]);
const names = [...wrong.keys()];
const world = new OperatorWorld();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const nodes: NodeUnderTest[] = [];
const runtimes: Daemon[] = [];
const operatorLog: string[] = [];
let connection: Connection;
let app: App;

beforeAll(async () => {
  await world.startWithoutOperator();
  connection = connect({ kubeconfigPath: world.cluster.kubeconfig, userAgent: 'test' });
  const config = parseConfig(world.operatorArgs(flags), {});
  if (config === 'help') throw new Error('no help was asked for');
  const log = pino({ level: 'warn' }, { write: (line: string) => operatorLog.push(line) });
  app = createApp({ config, clock: new WrongClock(-hourMs), log });
  await app.start();
  for (const [name, wrongMs] of wrong) await startNode(name, wrongMs);
  const { namespace } = world;
  const source = exampleSource('edge-classifier');
  const model = { metadata: { name: 'classifier', namespace }, spec: { source } };
  await world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind: 'InferenceModel', ...model });
}, 150_000);

afterAll(async () => {
  for (const node of nodes) await node.remove();
  for (const runtime of runtimes) await runtime.stop();
  await app.stop();
  await connection.close();
  await world.stop();
  rmSync(folder, { recursive: true });
}, 90_000);

async function startNode(name: string, wrongMs: number): Promise<void> {
  const { cluster, namespace } = world;
  mkdirSync(join(folder, name));
  const socketPath = join(folder, name, 'runtime.sock');
  const clock = new WrongClock(wrongMs);
  const node = new NodeUnderTest({ cluster, connection, namespace, name, folder, socketPath, clock });
  nodes.push(node);
  await node.prepare();
  await cluster.kubectl(['label', 'node', name, `daris.dev/test=${name}`]);
  runtimes.push(await startRuntime({ socketPath, logFile: join(folder, `${name}.log`) }));
  await node.startAgent();
  await node.ready('True', 'Serving');
}

async function apply(name: string, node: string): Promise<void> {
  const spec = { model: 'classifier', period: '500ms', priority: 'High', release: 'Periodic', maxMissRate: '1' };
  const metadata = { name, namespace: world.namespace };
  const nodeSelector = { 'daris.dev/test': node };
  const task = { apiVersion: 'daris.dev/v1alpha1', kind: 'RealtimeInferenceTask', metadata };
  await world.cluster.apply({ ...task, spec: { ...spec, nodeSelector } });
}

function untilReady(name: string): Promise<Task> {
  const probe = async (): Promise<Task> => {
    const task = await world.task(name);
    if (isReady(task)) return task;
    throw new Error(JSON.stringify(task.status));
  };
  return waitFor(probe, { what: `${name} to be Ready`, timeoutMs });
}

async function lease(name: string): Promise<NonNullable<Lease['spec']>> {
  return (await world.client.get(leases, { namespace: systemNamespace, name })).spec ?? {};
}

/** How far the time in a status is from ours, ms. */
function aheadMs(time: string | undefined): number {
  return Date.parse(time ?? '') - Date.now();
}

async function renewals(name: string, count: number): Promise<void> {
  const seen = new Set<string>();
  const probe = async (): Promise<true | undefined> => {
    seen.add((await lease(name)).renewTime ?? '');
    return seen.size > count || undefined;
  };
  await waitFor(probe, { what: `${count} renewals of ${name}`, timeoutMs, intervalMs: 200 });
}

test('the clocks are an hour apart, as what they wrote tells', async () => {
  expect(aheadMs((await lease('n1')).renewTime)).toBeGreaterThan(halfAnHourMs);
  expect(Math.abs(aheadMs((await lease('n2')).renewTime))).toBeLessThan(halfAnHourMs);
  expect(aheadMs((await lease(leaderLease)).renewTime)).toBeLessThan(-halfAnHourMs);
});

test('a model is measured and tasks are placed and served on both nodes', async () => {
  for (const name of names) await apply(`on-${name}`, name);
  for (const name of names) {
    const task = await untilReady(`on-${name}`);
    expect(task.status?.placement).toMatchObject({ node: name, epoch: 1 });
    const off = aheadMs(condition(task, 'Serving')?.lastTransitionTime) - (wrong.get(name) ?? 0);
    expect(Math.abs(off)).toBeLessThan(halfAnHourMs);
  }
});

test('for longer than any Lease lasts nobody is lost, and no Lease changes hands', async () => {
  const standby = await world.addOperator(flags);
  const before = await Promise.all([...names, leaderLease].map(lease));
  await Promise.all([...names.map((name) => renewals(name, 5)), renewals(leaderLease, 12)]);
  const after = await Promise.all([...names, leaderLease].map(lease));
  const hands = (all: typeof before): unknown =>
    all.map(({ holderIdentity, acquireTime }) => [holderIdentity, acquireTime]);
  expect(hands(after)).toEqual(hands(before));
  expect(await standby.leads()).toBe(false);
  expect(await standby.readyz()).toMatch(/^200 [^]*standby/);
  expect(operatorLog.filter((line) => line.includes('node lost'))).toEqual([]);
  for (const name of names) {
    const { status } = await untilReady(`on-${name}`);
    expect(status?.placement?.epoch).toBe(1);
  }
  await standby.daemon.stop();
});

test('windows and counters go by the time that passes, not by the time of day', async () => {
  for (const name of names) {
    const counted = async (): Promise<NonNullable<Task['status']>['runtime'] | undefined> => {
      const { status } = await world.task(`on-${name}`);
      return (status?.runtime?.window?.released ?? 0) > 0 ? status?.runtime : undefined;
    };
    const runtime = await waitFor(counted, { what: `figures of on-${name}`, timeoutMs });
    expect(runtime?.window?.seconds).toBeLessThanOrEqual(60);
    expect(runtime?.jobs?.released).toBeGreaterThan(0);
    expect(runtime?.jobs?.completed).toBeGreaterThan(0);
  }
});

test('a node whose clock is wrong is lost like any other when its agent is gone, and comes back', async () => {
  const [early] = nodes;
  await early?.stopAgent();
  const lost = async (): Promise<true | undefined> => {
    return operatorLog.some((line) => line.includes('node lost') && line.includes('"n1"')) || undefined;
  };
  await waitFor(lost, { what: 'n1 to be lost', timeoutMs });
  await early?.startAgent();
  const back = await untilReady('on-n1');
  expect(back.status?.placement?.node).toBe('n1');
});
