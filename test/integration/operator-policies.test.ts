// Policies on the real API server: which nodes follow them, what both say of it, and what placement makes of it.
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import type { AgentPart } from './agent-part.ts';
import { condition, notPlaced, OperatorWorld, placed, type Policy } from './operator-world.ts';

const world = new OperatorWorld();
jest.setTimeout(60_000);
let n1: AgentPart;
let n2: AgentPart;

const address = '127.0.0.1:43121';
const onlyN1 = { 'daris.dev/test': 'n1' };
const partitioning = { mode: 'Streams', contexts: 1, streamsPerContext: 2 };

beforeAll(async () => {
  await world.start();
  n1 = await world.addNode('n1', 2, address);
  n2 = await world.addNode('n2', 2, '127.0.0.1:43122');
  await world.readyModel('detector', 'a');
}, 60_000);

afterEach(async () => {
  await world.cluster.kubectl(['delete', 'gsp', '--all']);
  await world.untilGpuNode('n1', ({ status }) => status?.policy?.name === 'default');
}, 60_000);

afterAll(() => world.stop(), 60_000);

function ready(policy: Policy, reason: string): boolean {
  const found = condition(policy, 'Ready');
  return found?.reason === reason && found.observedGeneration === policy.metadata.generation;
}

test('a node without a policy is told so', async () => {
  const { status } = await world.untilGpuNode('n1', (each) => each.status?.policy !== undefined);
  expect(status?.policy).toEqual({ name: 'default' });
});

describe('a policy that selects a node', () => {
  test('is written there with its terms, and Ready once the agent has it in force', async () => {
    const quotas = [{ namespace: world.namespace, utilization: '1' }];
    const spec = { nodeSelector: onlyN1, partitioning, mretWindow: 7, highPriorityQuotas: quotas };
    const { metadata } = await world.applyPolicy('edge', spec);
    const { generation = 0 } = metadata;
    const { status } = await world.untilGpuNode('n1', (each) => each.status?.policy?.name === 'edge');
    expect(status?.policy).toEqual({ name: 'edge', generation, partitioning, mretWindow: 7 });
    const waiting = await world.untilPolicy('edge', (each) => ready(each, 'Applying'));
    expect(waiting.status).toMatchObject({ matchedNodes: 1, appliedNodes: 0, nodes: ['n1'] });
    expect(condition(waiting, 'Reconciling')?.message).toBe(`node n1 has not applied generation ${generation} yet`);
    await n1.report(1, address, { name: 'edge', generation });
    const applied = await world.untilPolicy('edge', (each) => ready(each, 'Applied'));
    expect(applied.status).toMatchObject({ matchedNodes: 1, appliedNodes: 1 });
    expect(condition(applied, 'Reconciling')).toBeUndefined();
    await n1.report(2, address);
  });

  test('follows the labels of the Node, and leaves with them', async () => {
    await world.applyPolicy('edge', { nodeSelector: { zone: 'west' } });
    await world.untilPolicy('edge', (each) => ready(each, 'NoNode'));
    await world.cluster.kubectl(['label', 'node', 'n2', 'zone=west']);
    await world.untilGpuNode('n2', ({ status }) => status?.policy?.name === 'edge');
    await world.cluster.kubectl(['label', 'node', 'n2', 'zone-']);
    await world.untilGpuNode('n2', ({ status }) => status?.policy?.name === 'default');
    await world.untilPolicy('edge', (each) => ready(each, 'NoNode'));
  });

  test('is Stalled in the words of the node that cannot carry it', async () => {
    const { metadata } = await world.applyPolicy('edge', { nodeSelector: onlyN1, partitioning });
    const { generation = 0 } = metadata;
    await n1.report(2, address, { name: 'edge', generation, refusal: 'too much' });
    const stalled = await world.untilPolicy('edge', (each) => ready(each, 'TooManyContexts'));
    expect(condition(stalled, 'Stalled')).toMatchObject({ status: 'True', message: 'node n1: too much' });
    await n1.report(2, address);
  });
});

test('two policies on one node: neither is applied, all name both, and the former one stays until one leaves', async () => {
  await world.applyPolicy('edge', { nodeSelector: onlyN1, mretWindow: 7 });
  const { status } = await world.untilGpuNode('n1', (each) => each.status?.policy?.name === 'edge');
  const former = status?.policy;
  await world.applyPolicy('lab', { mretWindow: 9 });
  const conflict = 'node n1 is selected by the policies edge and lab';
  for (const name of ['edge', 'lab']) {
    const stalled = await world.untilPolicy(name, (each) => ready(each, 'PolicyConflict'));
    expect(condition(stalled, 'Stalled')).toMatchObject({ status: 'True', message: expect.stringContaining(conflict) });
  }
  const torn = await world.untilGpuNode('n1', (each) => condition(each, 'Stalled')?.status === 'True');
  expect(condition(torn, 'Stalled')?.message).toContain(conflict);
  expect(torn.status?.policy).toEqual(former);
  // The other node has one match, and follows it.
  await world.untilGpuNode('n2', (each) => each.status?.policy?.name === 'lab');
  await world.cluster.kubectl(['delete', 'gsp', 'edge']);
  const whole = await world.untilGpuNode('n1', (each) => each.status?.policy?.name === 'lab');
  expect(condition(whole, 'Stalled')).toBeUndefined();
});

test('tasks of a context that a policy took away are placed anew under a higher epoch, the others stay', async () => {
  await world.applyTask('first', n2);
  await world.applyTask('second', n2);
  const [first, second] = [await world.untilTask('first', placed), await world.untilTask('second', placed)];
  const gone = [first, second].find(({ status }) => status?.placement?.context === 1);
  const stays = [first, second].find(({ status }) => status?.placement?.context === 0);
  expect([gone, stays]).not.toContain(undefined);
  await n2.report(1, '127.0.0.1:43122');
  const moved = await world.untilTask(gone?.metadata.name ?? '', ({ status }) => status?.placement?.context === 0);
  expect(moved.status?.placement?.epoch).toBe((gone?.status?.placement?.epoch ?? 0) + 1);
  const still = await world.task(stays?.metadata.name ?? '');
  expect(still.status?.placement).toEqual(stays?.status?.placement);
  await n2.report(2, '127.0.0.1:43122');
  await world.deleteTasks('first', 'second');
});

test('a quota refuses a High task in words, and lets it in once it is raised', async () => {
  const quota = (utilization: string) => ({
    nodeSelector: onlyN1,
    highPriorityQuotas: [{ namespace: world.namespace, utilization }],
  });
  await world.applyPolicy('edge', quota('0.5'));
  await world.untilGpuNode('n1', ({ status }) => status?.policy?.name === 'edge');
  await world.applyTask('high-1', n1, { priority: 'High', period: '10ms' });
  await world.untilTask('high-1', placed);
  await world.applyTask('high-2', n1, { priority: 'High', period: '20ms' });
  const refused = await world.untilTask('high-2', notPlaced('QuotaExceeded'));
  expect(condition(refused, 'Placed')?.message).toBe(
    `HP utilization of namespace ${world.namespace} 0.4 + 0.2 > quota 0.5 on nodes of policy edge (best of 2 contexts); the shortest period that fits is 40ms`,
  );
  expect(condition(refused, 'Reconciling')?.reason).toBe('QuotaExceeded');
  await world.applyPolicy('edge', quota('0.6'));
  await world.untilTask('high-2', placed);
  await world.deleteTasks('high-1', 'high-2');
});
