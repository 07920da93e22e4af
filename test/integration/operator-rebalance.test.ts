// Nodes that join, leave and come back: Low tasks follow the room that there is, High tasks stay, nothing swings.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { waitFor } from '../control-plane/wait.ts';

import type { AgentPart } from './agent-part.ts';
import { OperatorInTime } from './operator-in-time.ts';
import { OperatorWorld, placed, timeoutMs, type Task } from './operator-world.ts';

const world = new OperatorWorld();
const minutes = 60_000;
/** Hurried watches are interrupted, and wait no longer than this before they go on. */
const watchBackoffMs = 12_000;
const low = ['l1', 'l2', 'l3', 'l4', 'l5', 'l6'];
const high = ['h1', 'h2'];
jest.setTimeout(90_000);
let operator: OperatorInTime;
let first: AgentPart;
let second: AgentPart;

beforeAll(async () => {
  await world.startWithoutOperator();
  operator = await OperatorInTime.start(world.operatorArgs());
  first = await world.addNode('n1', 2, '127.0.0.1:43121');
  await world.readyModel('detector', 'a');
  for (const name of low) await world.applyTask(name, first, { nodeSelector: {} });
  for (const name of high) await world.applyTask(name, first, { nodeSelector: {}, priority: 'High' });
  for (const name of [...low, ...high]) await world.untilTask(name, placed);
}, 120_000);

afterAll(async () => {
  await operator.stop();
  await world.stop();
}, 60_000);

interface Whereabouts {
  readonly node: string | undefined;
  readonly epoch: number | undefined;
}

function whereabouts({ status }: Task): Whereabouts {
  return { node: status?.placement?.node, epoch: status?.placement?.epoch };
}

async function all(names: readonly string[]): Promise<Record<string, Whereabouts>> {
  const tasks = await Promise.all(names.map((name) => world.task(name)));
  return Object.fromEntries(tasks.map((task) => [task.metadata.name, whereabouts(task)]));
}

/** Until so many Low tasks are on the node; time passes while it is waited for. */
async function untilLowOn(node: string, count: number): Promise<void> {
  const look = async (): Promise<true> => {
    await operator.pass(5_000);
    const there = Object.values(await all(low)).filter((each) => each.node === node);
    if (there.length === count) return true;
    throw new Error(`${there.length} are on ${node}`);
  };
  await waitFor(look, { what: `${count} Low tasks on ${node}`, timeoutMs });
}

async function rebalancedEvents(): Promise<string[]> {
  const text = await world.cluster.kubectl(['get', 'events', '-n', world.namespace, '-o', 'json']);
  const events = JSON.parse(text) as { items: { reason: string; message: string; involvedObject: { name: string } }[] };
  return events.items
    .filter(({ reason }) => reason === 'Rebalanced')
    .map(({ involvedObject, message }) => `${involvedObject.name}: ${message}`);
}

test('a node joins: Low tasks spread, High tasks stay, and then nothing moves', async () => {
  const before = await all(high);
  second = await world.addNode('n2', 2, '127.0.0.1:43122');
  // 1.6 on two streams against 0 on two: four tasks of 0.2 make both alike.
  await untilLowOn(second.node, 4);
  expect(await all(high)).toEqual(before);
  const spread = await all(low);
  expect(Object.values(spread).map(({ epoch }) => epoch)).toEqual(
    Object.values(spread).map(({ node }) => (node === second.node ? 2 : 1)),
  );
  await operator.pass(3 * minutes);
  expect(await all(low)).toEqual(spread);
  expect(await operator.metric('daris_operator_rebalances_total')).toBe(4);
  const told = await waitFor(
    async () => {
      const events = await rebalancedEvents();
      return events.length === 4 ? events : undefined;
    },
    { what: 'four events', timeoutMs },
  );
  expect(told.toSorted()[0]).toMatch(
    /^l\d: from gpu-0 of node n1 \(utilization 0\.\d per stream\) to context [01] of gpu-0 of node n2 \(0(\.\d)?\), which is less utilized$/,
  );
});

test('a node leaves and comes back: its tasks go at once, and return when it has stood for a while', async () => {
  const before = await all(high);
  await world.cluster.kubectl(['delete', 'node', second.node]);
  await operator.pass(watchBackoffMs);
  await waitFor(
    async () => (Object.values(await all(low)).every(({ node }) => node === first.node) ? true : undefined),
    {
      what: 'all on n1',
      timeoutMs,
    },
  );
  await operator.pass(1 * minutes);
  const together = await all(low);
  await world.cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: second.node } });
  await untilLowOn(second.node, 4);
  const spread = await all(low);
  const returned = low.filter((name) => spread[name]?.node === second.node);
  for (const name of returned) expect(spread[name]?.epoch).toBe((together[name]?.epoch ?? 0) + 1);
  await operator.pass(3 * minutes);
  expect(await all(low)).toEqual(spread);
  expect(await all(high)).toEqual(before);
  expect(await operator.metric('daris_operator_rebalances_total')).toBe(8);
});

test('a task that stayed on a lost node, as nothing else took it, leaves as soon as something does', async () => {
  const pool = { 'daris.dev/pool': 'small' };
  const lost = await world.addNode('n3', 1, '127.0.0.1:43123');
  await world.cluster.kubectl(['label', 'node', lost.node, 'daris.dev/pool=small']);
  await world.applyTask('kept', lost, { nodeSelector: pool });
  await world.untilTask('kept', placed);
  await world.cluster.kubectl(['delete', 'node', lost.node]);
  await operator.pass(watchBackoffMs);
  const unknown = await world.untilTask('kept', ({ status }) =>
    (status?.conditions ?? []).some(({ type, reason }) => type === 'Ready' && reason === 'NodeLost'),
  );
  expect(whereabouts(unknown)).toEqual({ node: 'n3', epoch: 1 });
  const fourth = await world.addNode('n4', 1, '127.0.0.1:43124');
  await world.cluster.kubectl(['label', 'node', fourth.node, 'daris.dev/pool=small']);
  // Less than what a node must have stood for to attract anything that could stay.
  await operator.pass(watchBackoffMs);
  const moved = await world.untilTask('kept', ({ status }) => status?.placement?.node === fourth.node);
  expect(whereabouts(moved).epoch).toBe(2);
  expect((await rebalancedEvents()).filter((event) => event.startsWith('kept'))).toEqual([]);
});
