// Two agents for one node, as real processes beside a real runtime: one acts, the other waits and says so; when the first
// is gone the other goes on, at once where its end can be proven, and no job notices. The test speaks for the operator.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { connect, type Connection } from '../../kube/connection.ts';
import { events } from '../../kube/events.ts';
import { leases, type Lease } from '../../kube/lease.ts';
import type { ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import { gpuNodes } from '../../node-agent/resources.ts';
import type { Daemon } from '../control-plane/daemon.ts';
import { waitFor } from '../control-plane/wait.ts';

import { AgentProcess } from './agent-process.ts';
import { condition, isServed, NodeUnderTest, systemNamespace } from './node-under-test.ts';
import { exampleSource, observe, startRuntime } from './runtime-process.ts';
import { sharedCluster } from './shared-cluster.ts';

jest.setTimeout(90_000);
const timeoutMs = 40_000;
const waits = 'the lease is held by another, which is waited for';
const cluster = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
/** As two machines that bear one name have them. */
const [socketPath, otherSocketPath] = ['one', 'other'].map((place) => join(folder, place, 'runtime.sock')) as [
  string,
  string,
];
const runtimes: Daemon[] = [];
const agents: AgentProcess[] = [];
let connection: Connection;
let namespace: string;
let node: NodeUnderTest;

beforeAll(async () => {
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  namespace = await cluster.createNamespace('twice');
  node = new NodeUnderTest({ cluster, connection, namespace, name: `${namespace}-1`, folder, socketPath });
  await node.prepare();
  for (const path of [socketPath, otherSocketPath]) {
    mkdirSync(join(path, '..'));
    runtimes.push(await startRuntime({ socketPath: path, logFile: `${path}.log` }));
  }
}, 60_000);

afterAll(async () => {
  for (const { daemon } of agents) await daemon.stop();
  await node.remove();
  for (const runtime of runtimes) await runtime.stop();
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
  rmSync(folder, { recursive: true });
}, 60_000);

async function startAgent(name: string, socket = socketPath): Promise<AgentProcess> {
  const args = [`--node=${node.name}`, `--kubeconfig=${node.config.kubeconfig}`, `--runtime-socket=${socket}`];
  const agent = await AgentProcess.start({ name, args, logFile: join(folder, `${name}.log`) });
  agents.push(agent);
  return agent;
}

function acts(agent: AgentProcess): Promise<string> {
  const probe = async (): Promise<string | undefined> => {
    const said = await agent.readyz();
    if (said.startsWith('200')) return said;
    throw new Error(said);
  };
  return waitFor(probe, { what: `${agent.daemon.name} to act`, timeoutMs });
}

function says(agent: AgentProcess, words: RegExp): Promise<string> {
  const probe = async (): Promise<string> => {
    const said = await agent.readyz();
    if (words.test(said)) return said;
    throw new Error(said);
  };
  return waitFor(probe, { what: `${agent.daemon.name} to say ${String(words)}`, timeoutMs });
}

async function lease(): Promise<NonNullable<Lease['spec']>> {
  return (await node.client.get(leases, { namespace: systemNamespace, name: node.name })).spec ?? {};
}

async function only(socket = socketPath): Promise<ObservedTask> {
  const [task, ...others] = (await observe(socket)).tasks;
  if (task === undefined || others.length > 0) throw new Error(`${others.length + 1} tasks`);
  return task;
}

async function jobsRunOn(before: ObservedTask, socket = socketPath): Promise<ObservedTask> {
  const probe = async (): Promise<ObservedTask | undefined> => {
    const now = await only(socket);
    return (now.jobs?.completed ?? 0) > (before.jobs?.completed ?? 0) + 5 ? now : undefined;
  };
  const now = await waitFor(probe, { what: 'more jobs', timeoutMs });
  expect(now.uid).toBe(before.uid);
  expect(now.epoch).toBe(before.epoch);
  return now;
}

async function secondAgentEvents(): Promise<string[]> {
  const { items } = await node.client.list(events, { namespace: 'default' });
  return items
    .filter(({ reason, regarding }) => reason === 'SecondAgent' && regarding.name === node.name)
    .map(({ note }) => note);
}

let first: AgentProcess;
let second: AgentProcess;

test('the second waits: it says who acts, applies nothing and writes nothing', async () => {
  first = await startAgent('first');
  await acts(first);
  await node.place('front', { model: exampleSource('edge-classifier'), periodUs: 100_000, maxMissRate: '1' });
  await node.task('front', 'to be served', isServed);
  const { holderIdentity } = await lease();
  const before = await observe(socketPath);

  second = await startAgent('second');
  await says(
    second,
    new RegExp(`another agent of this node, ${holderIdentity}, holds Lease ${systemNamespace}/${node.name}`),
  );
  expect(second.logged(waits)).toHaveLength(1);
  const told = await waitFor(async () => (await secondAgentEvents()).at(0), { what: 'the event', timeoutMs });
  expect(told).toContain(`agent ${holderIdentity} acts for this node`);

  // An edit goes through the first, while the second sees it as well.
  await node.place('front', {
    model: exampleSource('edge-classifier'),
    periodUs: 50_000,
    maxMissRate: '1',
    generation: 2,
  });
  await node.task('front', 'to be served by its new terms', (of) => {
    return (
      of.status?.conditions?.some(({ type, observedGeneration }) => type === 'Serving' && observedGeneration === 2) ===
      true
    );
  });
  await jobsRunOn(await only());
  expect((await observe(socketPath)).appliedGeneration).toBe(before.appliedGeneration + 1);
  expect(second.logged('applied')).toEqual([]);
  expect((await lease()).holderIdentity).toBe(holderIdentity);
  expect(await first.readyz()).toMatch(/^200/);
});

test('the first is killed: the second goes on long before the Lease is over, and no job is lost', async () => {
  const before = await only();
  const instance = (await observe(socketPath)).instanceId;
  await first.daemon.kill();
  await acts(second);
  expect(second.logged('lease not renewed, will retry')).toEqual([]);
  await jobsRunOn(before);
  expect((await observe(socketPath)).instanceId).toBe(instance);
  await node.task('front', 'to be served', isServed);
});

test('an agent that is started again after a crash waits for nobody', async () => {
  const before = await only();
  const { leaseTransitions = 0 } = await lease();
  await second.daemon.kill();
  first = await startAgent('again');
  await acts(first);
  const after = await lease();
  expect(first.logged(waits)).toEqual([]);
  expect(after.leaseTransitions).toBe(leaseTransitions + 1);
  await jobsRunOn(before);
});

test('one that was halted past its Lease finds another acting, and does not interfere', async () => {
  second = await startAgent('successor');
  await says(second, /another agent of this node/);
  const before = await only();
  first.daemon.pause();
  await acts(second);
  await node.place('front', {
    model: exampleSource('edge-classifier'),
    periodUs: 80_000,
    maxMissRate: '1',
    generation: 3,
  });
  await node.task('front', 'to be served by its newest terms', (of) => {
    return (
      of.status?.conditions?.some(({ type, observedGeneration }) => type === 'Serving' && observedGeneration === 3) ===
      true
    );
  });
  const { appliedGeneration } = await observe(socketPath);
  const applied = first.logged('applied').length;
  first.daemon.resume();
  await says(first, /another agent of this node/);
  await jobsRunOn(before);
  expect(first.logged('applied')).toHaveLength(applied);
  expect((await observe(socketPath)).appliedGeneration).toBe(appliedGeneration);
  expect(await second.readyz()).toMatch(/^200/);
  await first.daemon.stop();
});

test('one on another machine, whose end nobody here can prove, is waited for until its Lease is over', async () => {
  const { renewTime = '' } = await lease();
  const elsewhere = await startAgent('elsewhere', otherSocketPath);
  await says(elsewhere, /another agent of this node/);
  await second.daemon.kill();
  await acts(elsewhere);
  expect(elsewhere.logged(waits)).toHaveLength(1);
  expect(Date.parse((await lease()).acquireTime ?? '') - Date.parse(renewTime)).toBeGreaterThan(10_000);
  await node.task('front', 'to be served', isServed);
  await jobsRunOn(await only(otherSocketPath), otherSocketPath);
  second = elsewhere;
});

test('one that ends in order leaves the Lease free, also to another machine', async () => {
  const next = await startAgent('next');
  await says(next, /another agent of this node/);
  const { holderIdentity } = await lease();
  await second.daemon.stop();
  expect((await lease()).holderIdentity).not.toBe(holderIdentity);
  await acts(next);
  expect(condition(await node.client.get(gpuNodes, { name: node.name }), 'Ready')?.status).toBe('True');
});
