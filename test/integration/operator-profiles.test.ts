// The operator's profiles on the real API server: made once, assigned, waited for, done without where an estimate is given.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { waitFor } from '../control-plane/wait.ts';

import { isReady, type AgentPart } from './agent-part.ts';
import {
  batches,
  condition,
  digest,
  notPlaced,
  OperatorWorld,
  placed,
  timeoutMs,
  type Task,
} from './operator-world.ts';

const world = new OperatorWorld();
jest.setTimeout(40_000);
let first: AgentPart;
let second: AgentPart;

beforeAll(async () => {
  await world.start();
  first = await world.addNode('n1', 2, '127.0.0.1:43121');
  second = await world.addNode('n2', 2, '127.0.0.1:43122');
}, 60_000);

afterAll(() => world.stop(), 60_000);

beforeEach(() => {
  for (const agent of [first, second]) agent.times = undefined;
});

const profilingWords = (words: RegExp) => (task: Task) => {
  const found = condition(task, 'ModelReady');
  return found?.status === 'False' && found.reason === 'Profiling' && words.test(found.message);
};

function agentOf(node: string | undefined): AgentPart {
  return node === second.node ? second : first;
}

function estimate(name: string, stageAfet: readonly string[] | null): Promise<string> {
  const patch = JSON.stringify({ spec: { estimate: stageAfet && { stageAfet } } });
  return world.cluster.kubectl(['patch', 'modelprofile', name, '--type=merge', '-p', patch]);
}

test('two tasks of a model wait for one profile, in its words, and are placed by what was measured', async () => {
  await world.readyModel('detector', 'a');
  await Promise.all([world.applyTask('lane', first), world.applyTask('signs', second)]);
  await world.untilTask('lane', notPlaced('Profiling'));
  await world.untilTask('signs', notPlaced('Profiling'));
  const made = await world.untilProfile('a', ({ spec }) => spec.node !== undefined);
  expect(made.metadata.name).toMatch(/^aaaaaaaa-[0-9a-f]{12}$/);
  expect(made.spec).toMatchObject({
    uri: 'file:///detector',
    product: 'test',
    partitioning: { contexts: 2, streamsPerContext: 1, oversubscription: '1' },
    batchSizes: [1, 4],
  });
  const agent = agentOf(made.spec.node);
  await agent.profiled(made, { progress: { stage: 4, of: 8 } }, ['Measuring', 'Unknown']);
  const words = new RegExp(`^profiling on node ${agent.node}: 4 of 8 stages$`);
  const waiting = await world.untilTask('lane', profilingWords(words));
  expect(condition(waiting, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Profiling' });
  await world.untilProfile('a', (profile) => condition(profile, 'Reconciling')?.reason === 'Profiling');

  agent.times = batches;
  expect((await world.untilTask('lane', placed)).status?.placement).toMatchObject({
    bookedUtilization: '0.2',
    stageAfetUs: [1_000, 1_000, 1_000, 1_000],
  });
  await world.untilTask('signs', placed);
  const ready = await world.untilProfile('a', (profile) => condition(profile, 'Ready')?.status === 'True');
  expect(ready.status).toMatchObject({ source: 'Measured', afetUs: 4_000 });
  expect(condition(ready, 'Ready')?.message).toBe(`AFET 4ms at batch size 1, measured on node ${agent.node}`);
  expect(condition(ready, 'Reconciling')).toBeUndefined();
});

test('nothing is measured twice, for another task or by another operator', async () => {
  const before = await world.untilProfile('a', () => true);
  await world.applyTask('later', first);
  await world.untilTask('later', placed);
  await world.stopOperator();
  await world.startOperator();
  await world.applyTask('latest', second, { batchSize: 4 });
  expect((await world.untilTask('latest', placed)).status?.placement?.bookedUtilization).toBe('0.6');
  const after = await world.untilProfile('a', () => true);
  expect(after.metadata).toMatchObject({ uid: before.metadata.uid, generation: before.metadata.generation });
  await world.deleteTasks('later', 'latest', 'signs');
});

test('a profile that is deleted while in use is made again, and what runs goes on', async () => {
  const before = await world.untilTask('lane', placed);
  await first.serve(before);
  await world.untilTask('lane', isReady);
  const old = await world.untilProfile('a', () => true);
  await world.cluster.kubectl(['delete', 'modelprofile', old.metadata.name]);
  const made = await world.untilProfile('a', ({ metadata }) => metadata.uid !== old.metadata.uid);
  expect(made.metadata.name).toBe(old.metadata.name);
  const after = await world.task('lane');
  expect(after.status?.placement).toEqual(before.status?.placement);
  expect(isReady(after)).toBe(true);

  // What it runs by is known; what it is to run by after an edit is not.
  await world.applyTask('lane', first, { batchSize: 4 });
  const kept = await world.untilTask('lane', (task) => condition(task, 'ModelReady')?.reason === 'Profiling');
  expect(kept.status?.placement).toEqual(before.status?.placement);
  expect(kept.status?.effective?.batchSize).toBe(1);
  for (const agent of [first, second]) agent.times = batches;
  const changed = await world.untilTask('lane', ({ status }) => status?.effective?.batchSize === 4);
  expect(changed.status?.placement).toMatchObject({ node: first.node, bookedUtilization: '0.6' });
  await world.deleteTasks('lane');
});

test('a model edited while it is profiled needs another profile; the first one is kept', async () => {
  await world.readyModel('edited', 'b');
  await world.applyTask('loyal', first, { model: 'edited' });
  await world.untilProfile('b', () => true);
  await world.readyModel('edited', 'c');
  await world.untilProfile('c', () => true);
  for (const agent of [first, second]) agent.times = batches;
  const there = await world.untilTask('loyal', placed);
  expect(there.status?.effective?.model.digest).toBe(digest('c'));
  await world.untilProfile('b', (profile) => condition(profile, 'Ready')?.status === 'True');

  for (const agent of [first, second]) agent.times = undefined;
  await world.readyModel('edited', 'd');
  await world.untilProfile('d', () => true);
  // Before, it runs on with the former one since the new one is not inspected yet.
  const waits = 'the new one is not measured yet';
  const kept = await world.untilTask(
    'loyal',
    (task) => condition(task, 'ModelReady')?.message.includes(waits) === true,
  );
  expect(condition(kept, 'ModelReady')?.reason).toBe('PreviousPackage');
  expect(kept.status?.placement).toEqual(there.status?.placement);
  first.times = batches;
  second.times = batches;
  await world.untilTask('loyal', ({ status }) => status?.effective?.model.digest === digest('d'));
  await world.deleteTasks('loyal');
});

describe('an estimate', () => {
  test('stands in for a measurement; one that does not fit the package says so', async () => {
    await world.readyModel('guessed', 'e');
    await world.applyTask('bold', first, { model: 'guessed' });
    const { metadata } = await world.untilProfile('e', () => true);
    await estimate(metadata.name, ['1ms', '1ms']);
    const wrong = await world.untilProfile('e', (profile) => condition(profile, 'Stalled') !== undefined);
    expect(condition(wrong, 'Stalled')).toMatchObject({
      reason: 'EstimateMismatch',
      message: 'spec.estimate has 2 stages, the package has 4; write one duration for each stage',
    });
    const stalled = await world.untilTask('bold', notPlaced('ProfileFailed'));
    expect(condition(stalled, 'Stalled')?.message).toContain('spec.estimate has 2 stages');

    await estimate(metadata.name, ['2ms', '2ms', '1ms', '1ms']);
    expect((await world.untilTask('bold', placed)).status?.placement?.bookedUtilization).toBe('0.3');
    const guessed = await world.untilProfile('e', (profile) => condition(profile, 'Ready')?.reason === 'Estimated');
    expect(guessed.status).toMatchObject({ source: 'Estimate', afetUs: 6_000 });
    expect(guessed.spec).not.toHaveProperty('node');
  });

  test('that is taken back leads to a measurement', async () => {
    const { metadata } = await world.untilProfile('e', () => true);
    for (const agent of [first, second]) agent.times = batches;
    await estimate(metadata.name, null);
    const measured = await world.untilProfile('e', (profile) => condition(profile, 'Ready')?.reason === 'Measured');
    expect(measured.status).toMatchObject({ source: 'Measured', afetUs: 4_000 });
    await world.deleteTasks('bold');
  });

  test('that a user gave in advance, under a name of their own, is used', async () => {
    const example = await world.untilProfile('a', () => true);
    const { node: _node, gpu: _gpu, ...spec } = example.spec;
    const given = { ...spec, digest: digest('f'), estimate: { stageAfet: ['1ms', '1ms', '2ms', '1ms'] } };
    const metadata = { name: 'my-guess' };
    await world.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind: 'ModelProfile', metadata, spec: given });
    await world.readyModel('foreseen', 'f');
    await world.applyTask('prompt', first, { model: 'foreseen' });
    expect((await world.untilTask('prompt', placed)).status?.placement?.bookedUtilization).toBe('0.25');
    expect((await world.profiles('f')).map((profile) => profile.metadata.name)).toEqual(['my-guess']);
    await world.deleteTasks('prompt');
  });
});

test('a profile whose agent is lost half-way is measured by another', async () => {
  await world.readyModel('wanderer', '1');
  await world.applyTask('far', first, { model: 'wanderer', nodeSelector: {} });
  const made = await world.untilProfile('1', ({ spec }) => spec.node !== undefined);
  const [lost, other] = made.spec.node === first.node ? [first, second] : [second, first];
  await lost.profiled(made, { progress: { stage: 4, of: 8 } }, ['Measuring', 'Unknown']);
  await world.untilTask('far', profilingWords(/4 of 8 stages/));
  lost.die();
  const moved = await world.untilProfile('1', ({ spec }) => spec.node === other.node);
  expect(moved.metadata.uid).toBe(made.metadata.uid);
  await world.untilTask('far', profilingWords(new RegExp(`^profiling on node ${other.node}$`)));
  other.times = batches;
  expect((await world.untilTask('far', placed)).status?.placement?.node).toBe(other.node);
  lost.live();
  await world.deleteTasks('far');
});

test('a GPU that is divided anew is measured anew; what runs there goes on meanwhile', async () => {
  for (const agent of [first, second]) agent.times = batches;
  await waitFor(
    async () => ((await world.metrics()).get('daris_operator_nodes{state="Ready"}') === 2 ? true : undefined),
    {
      what: 'both nodes to be back',
      timeoutMs,
    },
  );
  await world.readyModel('stable', '2');
  for (const name of ['left', 'right']) await world.applyTask(name, first, { model: 'stable', priority: 'High' });
  const before = [await world.untilTask('left', placed), await world.untilTask('right', placed)];
  expect(new Set(before.map(({ status }) => status?.placement?.context))).toEqual(new Set([0, 1]));
  first.times = undefined;
  await first.report(1, '127.0.0.1:43121');
  // One of them has lost its context. Both fit into the other by what was measured before: 0.2 + 0.2.
  for (const name of ['left', 'right']) await world.untilTask(name, ({ status }) => status?.placement?.context === 0);
  const profiles = async (): Promise<string[]> =>
    (await world.profiles('2')).map(({ spec, status }) => `${spec.partitioning.contexts} ${status?.source ?? 'none'}`);
  const both = async (): Promise<true> => {
    const found = (await profiles()).toSorted().join();
    if (found === '1 none,2 Measured') return true;
    throw new Error(found);
  };
  await waitFor(both, { what: 'a profile of the undivided GPU beside the first', timeoutMs });
  await world.applyTask('newcomer', first, { model: 'stable' });
  await world.untilTask('newcomer', notPlaced('Profiling'));
  first.times = batches;
  await world.untilTask('newcomer', placed);
  expect((await profiles()).toSorted()).toEqual(['1 Measured', '2 Measured']);
});
