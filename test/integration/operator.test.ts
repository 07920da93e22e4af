// The operator on the real API server: where tasks go, what is refused, and what becomes of them when things change.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { waitFor } from '../control-plane/wait.ts';

import { isReady, type AgentPart } from './agent-part.ts';
import { batchSizes, condition, digest, notPlaced, OperatorWorld, placed, timeoutMs } from './operator-world.ts';

const world = new OperatorWorld();
jest.setTimeout(30_000);
let first: AgentPart;

beforeAll(async () => {
  await world.start();
  first = await world.addNode('n1', 2, '127.0.0.1:43121');
  await world.readyModel('detector', 'a');
}, 60_000);

afterAll(() => world.stop(), 60_000);

test('a task is placed by its effective terms, and Ready once its agent serves it', async () => {
  await world.applyTask('lane', first, { priority: 'High', deadline: '16ms' });
  const there = await world.untilTask('lane', placed);
  expect(there.status).toMatchObject({
    effective: {
      generation: 1,
      model: { uri: 'file:///detector', digest: digest('a') },
      priority: 'High',
      periodUs: 20_000,
      deadlineUs: 16_000,
      release: 'OnRequest',
      releaseJitterUs: 10_000,
      offsetUs: 0,
      batchSize: 1,
      lateJobs: 'Finish',
      maxMissRate: '0',
    },
    placement: { node: first.node, gpu: 'gpu-0', gpuProduct: 'test', epoch: 1, bookedUtilization: '0.25' },
    endpoint: { address: '127.0.0.1:43121', model: `lane.${world.namespace}` },
  });
  expect(condition(there, 'ModelReady')).toMatchObject({ status: 'True', reason: 'Ready' });
  expect(condition(there, 'Ready')).toMatchObject({ status: 'False', reason: 'Starting' });
  expect(condition(there, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Starting' });

  await first.serve(there);
  const ready = await world.untilTask('lane', isReady);
  expect(condition(ready, 'Reconciling')).toBeUndefined();
  expect(condition(ready, 'Stalled')).toBeUndefined();
});

test('a second task goes to the other context', async () => {
  await world.applyTask('signs', first);
  const [lane, signs] = [await world.untilTask('lane', placed), await world.untilTask('signs', placed)];
  const contexts = [lane, signs].map((task) => task.status?.placement?.context);
  expect(new Set(contexts)).toEqual(new Set([0, 1]));
});

test('a High task that does not fit says why; the period that it names fits', async () => {
  await world.applyTask('greedy', first, { priority: 'High', period: '5ms' });
  const refused = await world.untilTask('greedy', notPlaced('HighPriorityLimit'));
  const message = condition(refused, 'Placed')?.message ?? '';
  expect(message).toBe(
    `HP load 0 + 0.8 > 0.75 on gpu-0 of ${first.node} (best of 2 contexts); the shortest period that fits is 5.334ms`,
  );
  expect(condition(refused, 'Ready')).toMatchObject({ status: 'False', reason: 'HighPriorityLimit' });
  expect(condition(refused, 'Reconciling')?.message).toBe(message);
  expect(refused.status?.placement).toBeUndefined();

  await world.applyTask('greedy', first, { priority: 'High', period: '5.334ms' });
  await world.untilTask('greedy', placed);
  await world.deleteTasks('greedy');
});

test('a period edited under a running task changes the terms, not the place', async () => {
  const before = await world.untilTask('lane', isReady);
  await world.applyTask('lane', first, { priority: 'High', period: '40ms', deadline: '16ms' });
  const edited = await world.untilTask(
    'lane',
    (task) => task.status?.effective?.generation === task.metadata.generation,
  );
  expect(edited.status?.effective?.periodUs).toBe(40_000);
  expect(edited.status?.placement).toEqual(before.status?.placement);
  expect(isReady(edited)).toBe(false);
  await first.serve(edited);
  await world.untilTask('lane', isReady);
});

test('a suspended task says where it would fit, and comes back under a later epoch', async () => {
  const spec = { priority: 'High', period: '40ms', deadline: '16ms' };
  await world.applyTask('lane', first, { ...spec, suspend: true });
  const asleep = await world.untilTask('lane', notPlaced('Suspended'));
  expect(condition(asleep, 'Placed')?.message).toMatch(
    new RegExp(`^would fit on gpu gpu-0 of node ${first.node}, context \\d \\(HP load 0 \\+ 0.25 <= 0.75\\)$`),
  );
  expect(condition(asleep, 'Ready')).toMatchObject({ status: 'True', reason: 'Suspended' });
  expect(condition(asleep, 'Reconciling')).toBeUndefined();
  expect(asleep.status?.placement).toBeUndefined();
  expect(asleep.status?.endpoint).toEqual({ model: `lane.${world.namespace}` });

  await world.applyTask('lane', first, { ...spec, suspend: false });
  const awake = await world.untilTask('lane', placed);
  expect(awake.status?.placement?.epoch).toBe(2);
  await first.serve(awake);
  await world.untilTask('lane', isReady);
});

test('what can never fit is stalled', async () => {
  await world.applyTask('hasty', first, { period: '3ms' });
  await world.applyTask('crowd', first, { batchSize: 3 });
  const hasty = await world.untilTask('hasty', notPlaced('NeverFits'));
  const crowd = await world.untilTask('crowd', notPlaced('BatchNotInPackage'));
  expect(condition(hasty, 'Stalled')).toMatchObject({
    status: 'True',
    message: 'AFET 4ms > deadline 3ms on every GPU product; the shortest period that fits is 4ms',
  });
  expect(condition(crowd, 'Stalled')).toMatchObject({
    status: 'True',
    message: 'package detector has no artifacts of batch size 3; it has 1, 4',
  });
  await world.deleteTasks('hasty', 'crowd');
});

test('a task waits for a model that does not exist, and is placed once it does', async () => {
  await world.applyTask('early', first, { model: 'later' });
  const waiting = await world.untilTask('early', notPlaced('ModelNotFound'));
  const message = `InferenceModel ${world.namespace}/later does not exist; the task starts once it does`;
  expect(condition(waiting, 'ModelReady')).toMatchObject({ status: 'False', reason: 'ModelNotFound', message });
  expect(condition(waiting, 'Reconciling')).toMatchObject({ status: 'True', reason: 'ModelNotFound' });
  await world.readyModel('later', 'b');
  await world.untilTask('early', placed);
  await world.deleteTasks('early');
});

test('a model whose package is refused is stalled, in the words of its inspector', async () => {
  await world.applyModel('broken', 'c');
  const model = await world.untilModel('broken', (each) => each.status?.inspector !== undefined);
  expect(condition(model, 'Ready')).toMatchObject({ status: 'False', reason: 'Inspecting' });
  await first.refused(model, 'DigestMismatch', 'model.json has another digest');
  const refused = await world.untilModel('broken', (each) => condition(each, 'Stalled') !== undefined);
  for (const type of ['Ready', 'Stalled']) {
    expect(condition(refused, type)).toMatchObject({
      reason: 'DigestMismatch',
      message: 'model.json has another digest',
    });
  }
  await world.applyTask('hopeful', first, { model: 'broken' });
  const hopeful = await world.untilTask('hopeful', notPlaced('ModelNotReady'));
  expect(condition(hopeful, 'ModelReady')?.message).toContain('DigestMismatch: model.json has another digest');
  await world.deleteTasks('hopeful');
});

test('a model edited under a running task: the old package until the new one is ready', async () => {
  await world.readyModel('edited', 'd');
  await world.applyTask('loyal', first, { model: 'edited' });
  const before = await world.untilTask('loyal', placed);
  await first.serve(before);
  await world.untilTask('loyal', isReady);

  await world.applyModel('edited', 'e');
  const kept = await world.untilTask('loyal', (task) => condition(task, 'ModelReady')?.reason === 'PreviousPackage');
  expect(condition(kept, 'ModelReady')?.message).toContain(`runs on with package ${digest('d')}`);
  expect(kept.status?.effective?.model.digest).toBe(digest('d'));
  expect(kept.status?.placement).toEqual(before.status?.placement);
  expect(isReady(kept)).toBe(true);

  await first.refused(await world.model('edited'), 'NotFound', 'no such folder');
  await world.untilTask('loyal', (task) => condition(task, 'ModelReady')?.message.includes('NotFound') ?? false);
  expect(isReady(await world.task('loyal'))).toBe(true);

  await first.inspected(await world.model('edited'), batchSizes);
  const moved = await world.untilTask('loyal', (task) => task.status?.effective?.model.digest === digest('e'));
  expect(moved.status?.placement).toMatchObject({ epoch: 2, context: before.status?.placement?.context });
  expect(isReady(moved)).toBe(false);
  await world.deleteTasks('loyal');
});

test('deleting a task frees its place', async () => {
  await world.applyTask('holder', first, { priority: 'High', period: '7ms' });
  await world.untilTask('holder', placed);
  await world.applyTask('next', first, { priority: 'High', period: '7ms' });
  const refused = await world.untilTask('next', notPlaced('HighPriorityLimit'));
  expect(condition(refused, 'Placed')?.message).toContain('best of 2 contexts');
  await world.deleteTasks('holder');
  await world.untilTask('next', placed);
  await world.deleteTasks('next');
});

test('events tell of placements and refusals', async () => {
  await world.applyTask('told', first, { priority: 'High', period: '5ms' });
  await world.untilTask('told', notPlaced('HighPriorityLimit'));
  await world.applyTask('told', first, { priority: 'Low', period: '5ms' });
  await world.untilTask('told', placed);
  const path = 'jsonpath={range .items[*]}{.type} {.reason}: {.note}{"\\n"}{end}';
  const uid = (await world.task('told')).metadata.uid;
  const args = [
    'get',
    'events.v1.events.k8s.io',
    '-n',
    world.namespace,
    `--field-selector=regarding.uid=${uid}`,
    '-o',
    path,
  ];
  await waitFor(
    async () => {
      const lines = await world.cluster.kubectl(args);
      const told =
        /Warning HighPriorityLimit: HP load 0/.test(lines) && /Normal Placed: context \d of gpu-0/.test(lines);
      if (!told) throw new Error(lines);
      return true;
    },
    { what: 'both events', timeoutMs },
  );
  await world.deleteTasks('told');
});
