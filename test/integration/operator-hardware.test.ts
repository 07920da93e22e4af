// What GPUs must offer for a package, on the real API server: memory for one copy of it, and its engine.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import type { AgentPart } from './agent-part.ts';
import { batchSizes, condition, notPlaced, OperatorWorld, placed } from './operator-world.ts';

const gib = 2 ** 30;
const world = new OperatorWorld();
const anywhere = { nodeSelector: {} };
jest.setTimeout(40_000);
let cores: AgentPart;
let cuda: AgentPart;

beforeAll(async () => {
  await world.start();
  cores = await world.addNode('n1', 2, '127.0.0.1:43121', { memoryBytes: 8 * gib });
}, 60_000);

afterAll(() => world.stop(), 60_000);

test('a model that finds no memory waits, says so, and is placed when another model has gone', async () => {
  await world.readyModel('large', 'a', { memoryBytes: 6 * gib });
  await world.applyTask('first', cores, { ...anywhere, model: 'large' });
  await world.applyTask('second', cores, { ...anywhere, model: 'large' });
  await world.untilTask('first', placed);
  await world.untilTask('second', placed);
  await world.readyModel('other', 'b', { memoryBytes: 3 * gib });
  await world.applyTask('third', cores, { ...anywhere, model: 'other' });
  const refused = await world.untilTask('third', notPlaced('Memory'));
  expect(condition(refused, 'Placed')?.message).toBe(
    'model needs 3 GiB, gpu-0 of n1 has 2 GiB left of 8 GiB (the only GPU)',
  );
  expect(condition(refused, 'Stalled')).toBeUndefined();
  await world.deleteTasks('first', 'second');
  await world.untilTask('third', placed);
  await world.deleteTasks('third');
});

test('spec.memory counts instead of what was measured, as soon as it is edited', async () => {
  await world.applyTask('claimed', cores, { ...anywhere, model: 'large', priority: 'High' });
  const before = await world.untilTask('claimed', placed);
  await world.applyModel('large', 'a', '7Gi');
  await world.applyTask('beside', cores, { ...anywhere, model: 'other' });
  const refused = await world.untilTask('beside', (task) =>
    (condition(task, 'Placed')?.message ?? '').includes('has 1 GiB left'),
  );
  expect(condition(refused, 'Placed')?.reason).toBe('Memory');
  await world.applyModel('large', 'a', '5Gi');
  await world.untilTask('beside', placed);
  expect((await world.task('claimed')).status?.placement).toEqual(before.status?.placement);
  await world.deleteTasks('claimed', 'beside');
});

/** Only these namespaces may bring compiled code to n2. */
async function trust(...namespaces: string[]): Promise<void> {
  await world.applyPolicy('cuda', { nodeSelector: { 'daris.dev/test': 'n2' }, compiledCode: { namespaces } });
}

test('a package for another engine is opened, profiled and run where that is, and waits while it is nowhere', async () => {
  await world.applyModel('made-for-torch', 'c');
  const seen = await world.untilModel('made-for-torch', ({ status }) => status?.inspector?.node === 'n1');
  await cores.lacksEngine(seen, ['torch']);
  await world.untilModel('made-for-torch', (model) => condition(model, 'Stalled')?.reason === 'NoArtifacts');
  await trust('vision');
  cuda = await world.addNode('n2', 2, '127.0.0.1:43122', { engine: 'torch' });
  const handed = await world.untilModel('made-for-torch', ({ status }) => status?.inspector?.node === 'n2');
  await cuda.inspected(handed, batchSizes, { engines: ['torch'] });
  await world.untilModel('made-for-torch', (model) => condition(model, 'Ready')?.status === 'True');

  await world.applyTask('bound', cores, { model: 'made-for-torch' });
  const refused = await world.untilTask('bound', notPlaced('Engine'));
  expect(condition(refused, 'Placed')?.message).toBe(
    'the package has artifacts for engine torch, gpu-0 of n1 runs openvino',
  );
  await world.applyTask('free', cores, { ...anywhere, model: 'made-for-torch' });
  const done = await world.untilTask('free', placed);
  expect(done.status?.placement?.node).toBe('n2');
  const profiles = await world.profiles('c');
  expect(profiles.map(({ spec }) => spec.engine)).toEqual(['torch']);
  await world.deleteTasks('bound', 'free');
});

test('compiled code of a namespace is loaded where the policy of the node lists it, and nowhere else', async () => {
  await world.readyModel('portable', 'd', { engines: ['openvino', 'torch'] });
  await trust('lab');
  await world.applyTask('on-gpu', cuda, { model: 'portable' });
  const refused = await world.untilTask('on-gpu', notPlaced('CompiledCodeNotAllowed'));
  expect(condition(refused, 'Placed')?.message).toBe(
    'engine torch of gpu-0 of n2 runs compiled code, and namespace vision is not listed in spec.compiledCode.namespaces of policy cuda',
  );
  await world.applyTask('anywhere', cores, { ...anywhere, model: 'portable' });
  expect((await world.untilTask('anywhere', placed)).status?.placement?.node).toBe('n1');
  expect((await world.profiles('d')).map(({ spec }) => spec.engine)).toEqual(['openvino']);
  await trust('lab', 'vision');
  expect((await world.untilTask('on-gpu', placed)).status?.placement?.node).toBe('n2');
  await trust('lab');
  const gone = await world.untilTask('on-gpu', notPlaced('CompiledCodeNotAllowed'));
  expect(gone.status?.placement).toBeUndefined();
  await world.deleteTasks('on-gpu', 'anywhere');
});
