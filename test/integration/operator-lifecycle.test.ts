// Operators and nodes that come and go: a restart writes nothing, a lost node's tasks are placed anew, a signal ends in order.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { waitFor } from '../control-plane/wait.ts';

import type { AgentPart } from './agent-part.ts';
import { operatorScript } from './operator-process.ts';
import { condition, notPlaced, OperatorWorld, placed, timeoutMs } from './operator-world.ts';

const world = new OperatorWorld();
jest.setTimeout(30_000);
let first: AgentPart;
let second: AgentPart;

beforeAll(async () => {
  await world.start();
  first = await world.addNode('n1', 2, '127.0.0.1:43121');
  second = await world.addNode('n2', 1, '10.1.2.3:8001');
  await world.readyModel('detector', 'a');
}, 60_000);

afterAll(() => world.stop(), 60_000);

test('an operator that starts anew writes nothing where nothing changed', async () => {
  await world.applyTask('refused', first, { priority: 'High', period: '5ms' });
  await world.untilTask('refused', notPlaced('HighPriorityLimit'));
  await world.applyTask('asleep', first, { suspend: true });
  await world.untilTask('asleep', notPlaced('Suspended'));
  await world.applyTask('reachable', second);
  await world.untilTask('reachable', ({ status }) => status?.endpoint?.service !== undefined);
  await quiet();
  const before = await versions();
  await world.stopOperator();
  await world.startOperator();
  await quiet();
  expect(await versions()).toEqual(before);
  const written = [...(await world.metrics())].filter(([name]) =>
    name.startsWith('daris_operator_status_writes_total'),
  );
  expect(written).toEqual([]);
  await world.deleteTasks('refused', 'asleep', 'reachable');
}, 60_000);

/** All that was asked for is done: no key waits in any queue, and the same reconciles were counted twice in a row. */
async function quiet(): Promise<void> {
  let last = '';
  await waitFor(
    async () => {
      const all = [...(await world.metrics())];
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
  return (await world.cluster.kubectl(['get', kinds, '-n', world.namespace, '-o', path])).trim().split('\n');
}

test('a lost node: its tasks stay where there is no other, and say that nobody knows; else they go there', async () => {
  const labels = ['label', 'node', first.node, second.node, 'daris.dev/both=yes'];
  await world.cluster.kubectl(labels);
  await world.applyTask('single', second);
  await world.applyTask('mobile', second, { nodeSelector: { 'daris.dev/both': 'yes' } });
  const [single, mobile] = [await world.untilTask('single', placed), await world.untilTask('mobile', placed)];
  const home = mobile.status?.placement?.node === first.node ? first : second;
  const away = home === first ? second : first;
  home.die();
  const moved = await world.untilTask('mobile', ({ status }) => status?.placement?.node === away.node);
  expect(moved.status?.placement?.epoch).toBe(2);
  home.live();

  await waitFor(async () => ((await lostNodes()) === 0 ? true : undefined), { what: 'it to be back', timeoutMs });
  second.die();
  const unknown = await world.untilTask('single', (task) => condition(task, 'Ready')?.reason === 'NodeLost');
  expect(condition(unknown, 'Ready')).toMatchObject({ status: 'Unknown' });
  expect(condition(unknown, 'Ready')?.message).toBe(
    `Serving is Unknown (NodeLost): node ${second.node}: its agent has not renewed its Lease for 3 s`,
  );
  expect(unknown.status?.placement).toEqual(single.status?.placement);
  second.live();
  await world.untilTask('single', (task) => condition(task, 'Ready')?.reason === 'Starting');
  await world.deleteTasks('single', 'mobile');
}, 90_000);

test('an API server that is away for longer than a Lease loses no node', async () => {
  await world.applyTask('steady', first, { nodeSelector: { 'daris.dev/both': 'yes' } });
  const before = await world.untilTask('steady', placed);
  await world.restartApiServer();
  await world.applyTask('later', second);
  await world.untilTask('later', placed);
  expect((await world.task('steady')).status?.placement).toEqual(before.status?.placement);
  expect(await lostNodes()).toBe(0);
  await world.deleteTasks('steady', 'later');
}, 90_000);

async function lostNodes(): Promise<number | undefined> {
  return (await world.metrics()).get('daris_operator_nodes{state="Lost"}');
}

test('it ends in order when it is told to', async () => {
  await world.stopOperator();
  const child = spawn(process.execPath, [operatorScript, ...world.operatorArgs()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await once(child.stdout, 'data');
  expect(JSON.parse(String(line).split('\n')[0] ?? '')).toMatchObject({ msg: 'operator started' });
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});
