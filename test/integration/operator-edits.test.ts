// Tasks that are edited while they are moved or measured, and nodes that are renamed: the newest terms, one placement, and
// nothing that waits for ever.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { gpuNodeResource, isReady, type AgentPart } from './agent-part.ts';
import { batches, condition, notPlaced, OperatorWorld, placed, type Task } from './operator-world.ts';

const world = new OperatorWorld();
const pool = { 'daris.dev/pool': 'yes' };
jest.setTimeout(60_000);

beforeAll(async () => {
  await world.start();
  await poolNode('n1', 2);
  await world.readyModel('detector', 'a');
}, 90_000);

afterAll(() => world.stop(), 60_000);

async function poolNode(name: string, contexts: number): Promise<AgentPart> {
  const agent = await world.addNode(name, contexts, '127.0.0.1:43121');
  await world.cluster.kubectl(['label', 'node', name, 'daris.dev/pool=yes']);
  return agent;
}

async function patch(name: string, spec: object): Promise<void> {
  const text = JSON.stringify({ spec });
  await world.cluster.kubectl(['patch', 'rit', name, '-n', world.namespace, '--type=merge', '-p', text]);
}

/** The agent of the node ends, and all that is of the node goes. */
async function remove(agent: AgentPart): Promise<void> {
  agent.die();
  await world.cluster.kubectl(['delete', 'node', agent.node]);
  await world.client.delete(gpuNodeResource, { name: agent.node });
  await world.cluster.kubectl(['delete', 'lease', agent.node, '-n', 'daris-system']);
}

const on =
  (node: string) =>
  (task: Task): boolean =>
    placed(task) && task.status?.placement?.node === node;

test('a node renamed: its tasks, High ones too, go to the GPUs under their new name', async () => {
  const former = await poolNode('former', 2);
  const kept = { nodeSelector: { 'daris.dev/rack': '7' } };
  await world.cluster.kubectl(['label', 'node', 'former', 'daris.dev/rack=7']);
  await world.applyTask('camera', former, { ...kept, priority: 'High' });
  await world.applyTask('map', former, kept);
  const before = await world.untilTask('camera', on('former'));
  await former.serve(before);
  await world.untilTask('camera', isReady);
  await world.untilTask('map', on('former'));
  await remove(former);
  await world.untilTask('camera', notPlaced('NodeSelector'));
  const latter = await poolNode('latter', 2);
  await world.cluster.kubectl(['label', 'node', 'latter', 'daris.dev/rack=7']);
  const after = await world.untilTask('camera', on('latter'));
  await world.untilTask('map', on('latter'));
  // The agent that it had may still serve it: what comes after must be newer than all that it ever said.
  expect(after.status?.placement).toMatchObject({ gpu: 'gpu-0', epoch: (before.status?.placement?.epoch ?? 0) + 1 });
  await latter.serve(after);
  await world.untilTask('camera', isReady);
  await world.deleteTasks('camera', 'map');
  await remove(latter);
});

test('a GpuNode that is left behind without its Node is lost, and says so where its tasks cannot leave', async () => {
  const former = await poolNode('left', 1);
  const kept = { nodeSelector: { 'daris.dev/rack': '8' } };
  await world.cluster.kubectl(['label', 'node', 'left', 'daris.dev/rack=8']);
  await world.applyTask('stuck', former, kept);
  await world.untilTask('stuck', on('left'));
  await world.cluster.kubectl(['delete', 'node', 'left']);
  const lost = await world.untilTask('stuck', (task) => condition(task, 'Ready')?.reason === 'NodeLost');
  expect(condition(lost, 'Ready')?.message).toContain('there is a GpuNode of this name but no Node');
  expect((await world.metrics()).get('daris_operator_nodes{state="Lost"}')).toBe(1);
  const latter = await poolNode('renamed', 1);
  await world.cluster.kubectl(['label', 'node', 'renamed', 'daris.dev/rack=8']);
  expect((await world.untilTask('stuck', on('renamed'))).status?.placement?.epoch).toBe(2);
  await world.deleteTasks('stuck');
  await remove(latter);
  former.die();
  await world.client.delete(gpuNodeResource, { name: 'left' });
});

test('a task edited in the moment in which its node is lost ends with its newest terms, once', async () => {
  const second = await poolNode('n2', 2);
  await world.applyTask('edited', second, { nodeSelector: pool });
  const first = await world.untilTask('edited', placed);
  const home = first.status?.placement?.node ?? '';
  const away = home === 'n1' ? 'n2' : 'n1';
  const periods = ['25ms', '40ms', '50ms', '80ms'];
  const edits = periods.reduce((before, period) => before.then(() => patch('edited', { period })), Promise.resolve());
  await Promise.all([edits, world.cluster.kubectl(['delete', 'node', home])]);
  const last = await world.untilTask('edited', on(away));
  expect(last.metadata.generation).toBe(1 + periods.length);
  expect(last.status).toMatchObject({
    observedGeneration: last.metadata.generation,
    effective: { generation: last.metadata.generation, periodUs: 80_000, deadlineUs: 80_000 },
    placement: { node: away, epoch: 2, bookedUtilization: '0.05' },
  });
  await world.cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: home, labels: pool } });
  await world.deleteTasks('edited');
  await remove(second);
});

test('a task edited while its profile is measured is placed by its newest terms', async () => {
  const measuring = await poolNode('n5', 1);
  const kept = { nodeSelector: { 'daris.dev/test': 'n5' } };
  measuring.times = undefined;
  await world.readyModel('segmenter', 'b');
  await world.applyTask('early', measuring, { ...kept, model: 'segmenter' });
  await world.untilTask('early', notPlaced('Profiling'));
  await world.untilProfile('b', ({ spec }) => spec.node === 'n5');
  await patch('early', { period: '30ms', batchSize: 4 });
  await patch('early', { priority: 'High', period: '40ms' });
  const waiting = await world.untilTask('early', notPlaced('Profiling'));
  expect(waiting.metadata.generation).toBe(3);
  measuring.times = batches;
  const done = await world.untilTask('early', placed);
  expect(done.status).toMatchObject({
    observedGeneration: 3,
    effective: { generation: 3, priority: 'High', periodUs: 40_000, batchSize: 4 },
    placement: { node: 'n5', epoch: 1, bookedUtilization: '0.3' },
  });
  expect(await world.profiles('b')).toHaveLength(1);
  await world.deleteTasks('early');
  await remove(measuring);
});

test('a task edited to another model while its profile is measured waits for that one, and no longer for the former', async () => {
  const measuring = await poolNode('n6', 1);
  measuring.times = undefined;
  await world.readyModel('slow-model', 'c');
  await world.applyTask('torn', measuring, { model: 'slow-model' });
  await world.untilTask('torn', notPlaced('Profiling'));
  await world.readyModel('other-model', 'd');
  await patch('torn', { model: 'other-model' });
  const profile = await world.untilProfile('d', ({ spec }) => spec.node === 'n6');
  await measuring.profiled(profile, { batches: [{ ...batches[0], size: 1, afetUs: 4_000, stageAfetUs: [4_000] }] }, [
    'Measured',
    'True',
  ]);
  const done = await world.untilTask('torn', placed);
  expect(done.status?.effective?.model.digest).toBe(`sha256:${'d'.repeat(64)}`);
  await world.deleteTasks('torn');
  await remove(measuring);
});
