// Nodes are lost while operators come and go: whoever leads in the end has every task placed exactly once, under one higher
// epoch, and within what the contexts can bear. Agents' parts are played by the test.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { waitFor } from '../control-plane/wait.ts';

import type { AgentPart } from './agent-part.ts';
import type { OperatorProcess } from './operator-process.ts';
import { OperatorWorld, placed, type Task } from './operator-world.ts';

jest.setTimeout(150_000);
const world = new OperatorWorld();
const election = ['--leader-lease-seconds=9', '--leader-renew-seconds=7', '--leader-retry-seconds=1'];
const timeoutMs = 60_000;
/** 0.2 of a context each: two contexts bear six of them under the limit of 0.75, and no seventh. */
const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `lane-${letter}`);
let leader: OperatorProcess;
let standby: OperatorProcess;
let first: AgentPart;
let second: AgentPart;

beforeAll(async () => {
  await world.startWithoutOperator();
  leader = await world.addOperator(election);
  await leads(leader);
  standby = await world.addOperator(election);
  first = await world.addNode('n1', 2, '127.0.0.1:43121');
  await world.readyModel('detector', 'a');
  for (const name of names) await applyHigh(name);
  for (const name of names) await world.untilTask(name, placed);
  second = await world.addNode('n2', 2, '127.0.0.1:43122');
  await world.untilGpuNode('n2', ({ status }) => status?.policy !== undefined);
}, 150_000);

afterAll(() => world.stop(), 60_000);

async function applyHigh(name: string): Promise<void> {
  const spec = { model: 'detector', period: '20ms', priority: 'High' };
  const metadata = { name, namespace: world.namespace };
  await world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind: 'RealtimeInferenceTask', metadata, spec });
}

function leads(operator: OperatorProcess): Promise<true> {
  const probe = async (): Promise<true | undefined> => ((await operator.leads()) ? true : undefined);
  return waitFor(probe, { what: `${operator.daemon.name} to lead`, timeoutMs });
}

function tasks(): Promise<Task[]> {
  return Promise.all(names.map((name) => world.task(name)));
}

async function allOn(node: string): Promise<Task[]> {
  const probe = async (): Promise<Task[]> => {
    const all = await tasks();
    if (all.every((task) => task.status?.placement?.node === node && placed(task))) return all;
    throw new Error(JSON.stringify(all.map(({ status }) => status?.placement)));
  };
  return waitFor(probe, { what: `all tasks on ${node}`, timeoutMs });
}

/** Each once more than before, none in a context that is full. */
function expectMovedOnce(all: readonly Task[], epoch: number): void {
  expect(all.map(({ status }) => status?.placement?.epoch)).toEqual(names.map(() => epoch));
  const booked = new Map<number, number>();
  for (const { status } of all) {
    const { context = -1, bookedUtilization = '0' } = status?.placement ?? {};
    booked.set(context, (booked.get(context) ?? 0) + Number(bookedUtilization));
  }
  expect(new Set(booked.keys())).toEqual(new Set([0, 1]));
  for (const utilization of booked.values()) expect(utilization).toBeLessThanOrEqual(0.75);
}

test('the leader is killed together with a node: its successor finds the node lost, and moves each task once', async () => {
  first.die();
  await leader.daemon.kill();
  expectMovedOnce(await allOn('n2'), 2);
  await leads(standby);
  leader = standby;
  standby = await world.addOperator(election);
});

test('the leader is halted while it moves tasks: its successor moves the rest, and none twice', async () => {
  first.live();
  await waitFor(async () => ((await leader.metrics()).get('daris_leader') === 1 ? true : undefined), {
    what: 'the leader',
    timeoutMs,
  });
  second.die();
  const some = async (): Promise<true | undefined> => {
    return (await tasks()).some(({ status }) => status?.placement?.node === 'n1') || undefined;
  };
  await waitFor(some, { what: 'the first task to be moved', timeoutMs, intervalMs: 5 });
  leader.daemon.pause();
  await leads(standby);
  expectMovedOnce(await allOn('n1'), 3);
  const after = await tasks();
  leader.daemon.resume();
  expect(await leader.daemon.ended(timeoutMs)).toBe(3);
  expect((await tasks()).map(({ status }) => status?.placement)).toEqual(after.map(({ status }) => status?.placement));
});

test('an operator that is alone and starts anew while a node is away moves each task once', async () => {
  await standby.daemon.stop();
  second.live();
  first.die();
  const only = await world.addOperator(election);
  await leads(only);
  expectMovedOnce(await allOn('n2'), 4);
});
