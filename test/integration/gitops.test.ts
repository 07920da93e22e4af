// What GitOps tools make of objects that a real operator decides on: kstatus and Argo CD's health of each kind in each of
// its states, no drift when the same files are applied again, and no spec that a controller would own.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import type { Manifest } from '../chart/helm.ts';
import { argoHealthOf, kstatusOf } from '../chart/status-of.ts';
import { binary, repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';

import { isReady, type AgentPart } from './agent-part.ts';
import { condition, notPlaced, OperatorWorld, placed } from './operator-world.ts';

// A control plane of its own, and many kubectl: on a busy machine each takes its time.
jest.setTimeout(300_000);

const run = promisify(execFile);
const world = new OperatorWorld();
let node: AgentPart;

beforeAll(async () => {
  await world.start();
  node = await world.addNode('n1', 2, '127.0.0.1:43121');
  await world.readyModel('detector', 'a');
});

afterAll(() => world.stop());

async function judged(kind: string, name: string): Promise<{ kstatus: string; argo: string; words: string }> {
  const object = await world.read(kind, name);
  const [kstatus, argo] = [await kstatusOf(object), await argoHealthOf(object)];
  return { kstatus: kstatus.status, argo: argo.status, words: argo.message };
}

describe('a task', () => {
  test('is in progress until it is served, then current', async () => {
    await world.applyTask('lane', node);
    const there = await world.untilTask('lane', placed);
    expect(await judged('rit', 'lane')).toMatchObject({ kstatus: 'InProgress', argo: 'Progressing' });
    await node.serve(there);
    await world.untilTask('lane', isReady);
    expect(await judged('rit', 'lane')).toMatchObject({ kstatus: 'Current', argo: 'Healthy' });
  });

  test('that finds no room is in progress, in words', async () => {
    await world.applyTask('greedy', node, { priority: 'High', period: '5ms' });
    await world.untilTask('greedy', notPlaced('HighPriorityLimit'));
    const words = expect.stringContaining('the shortest period that fits is');
    expect(await judged('rit', 'greedy')).toEqual({ kstatus: 'InProgress', argo: 'Progressing', words });
  });

  test('that can never fit has failed, in words', async () => {
    await world.applyTask('hasty', node, { period: '3ms' });
    await world.untilTask('hasty', notPlaced('NeverFits'));
    const words = expect.stringContaining('AFET 4ms > deadline 3ms');
    expect(await judged('rit', 'hasty')).toEqual({ kstatus: 'Failed', argo: 'Degraded', words });
  });

  test('that is suspended is current', async () => {
    await world.applyTask('asleep', node, { suspend: true });
    await world.untilTask('asleep', notPlaced('Suspended'));
    expect(await judged('rit', 'asleep')).toMatchObject({ kstatus: 'Current', argo: 'Suspended' });
  });
});

test('a model is in progress until it was inspected', async () => {
  await world.applyModel('unknown', 'b');
  await world.untilModel('unknown', (model) => condition(model, 'Ready') !== undefined);
  expect(await judged('im', 'unknown')).toMatchObject({ kstatus: 'InProgress', argo: 'Progressing' });
  expect(await judged('im', 'detector')).toMatchObject({ kstatus: 'Current', argo: 'Healthy' });
});

test('a profile is current once it was measured', async () => {
  const { metadata } = await world.untilProfile('a', (profile) => condition(profile, 'Ready')?.status === 'True');
  expect(await judged('modelprofile', metadata.name ?? '')).toMatchObject({ kstatus: 'Current', argo: 'Healthy' });
});

test('a policy is current where it selects no node, and has failed beside another one; so has the node', async () => {
  await world.applyPolicy('edge', { nodeSelector: { 'daris.dev/test': 'nowhere' } });
  await world.untilPolicy('edge', (policy) => condition(policy, 'Ready')?.reason === 'NoNode');
  expect(await judged('gsp', 'edge')).toMatchObject({ kstatus: 'Current', argo: 'Healthy' });
  expect(await judged('gpunode', node.node)).toMatchObject({ kstatus: 'Current', argo: 'Healthy' });
  await world.applyPolicy('edge', {});
  await world.applyPolicy('lab', {});
  await world.untilPolicy('lab', (policy) => condition(policy, 'Stalled')?.status === 'True');
  await world.untilGpuNode(node.node, (gpuNode) => condition(gpuNode, 'Stalled')?.status === 'True');
  const words = expect.stringContaining('is selected by the policies edge and lab');
  expect(await judged('gsp', 'lab')).toEqual({ kstatus: 'Failed', argo: 'Degraded', words });
  expect(await judged('gpunode', node.node)).toEqual({ kstatus: 'Failed', argo: 'Degraded', words });
  await world.cluster.kubectl(['delete', 'gsp', 'edge', 'lab']);
});

/** Whatever users apply; those of gitops are for the APIs of Argo CD and Flux. */
const examples: readonly string[] = readdirSync(join(repositoryRoot, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml') && !file.startsWith('gitops'))
  .toSorted();

test.each(examples)('examples/%s, applied again, changes nothing', async (file: string) => {
  const path = join(repositoryRoot, 'examples', file);
  const apply = (): Promise<string> =>
    world.cluster.kubectl(['apply', '--server-side', '--field-manager=gitops', '-f', path, '-o', 'json']);
  const first = versions(await apply());
  // The operator has had its say about each of them before they are applied again.
  await waitFor(
    async () => {
      const seen = objectsIn(await world.cluster.kubectl(['get', '-f', path, '-o', 'json']));
      return seen.every(({ metadata, status }) => status?.observedGeneration === metadata.generation) || undefined;
    },
    { what: `the operator to decide on ${file}`, timeoutMs: 60_000, intervalMs: 300 },
  );
  const again = versions(await apply());
  expect(again).toEqual(first);
  await run(binary('kubectl'), [
    '--kubeconfig',
    world.cluster.kubeconfig,
    'diff',
    '--server-side',
    '--field-manager=gitops',
    '-f',
    path,
  ]);
});

function objectsIn(text: string): Applied[] {
  const answer = JSON.parse(text) as { items?: Applied[] } & Applied;
  return answer.items ?? [answer];
}

/** Generations alone: each write of a status is another resourceVersion, and none of a spec. */
function versions(text: string): Map<string, number> {
  return new Map(objectsIn(text).map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.generation]));
}

interface Applied extends Manifest {
  readonly status?: { readonly observedGeneration?: number };
  readonly metadata: Manifest['metadata'] & {
    readonly generation: number;
    readonly managedFields?: readonly { readonly manager: string; readonly fieldsV1: object }[];
  };
}

test('no spec of what users write is owned by operator or agent', async () => {
  const args = ['get', 'rit,im,gsp', '-A', '-o', 'json', '--show-managed-fields'];
  const { items } = JSON.parse(await world.cluster.kubectl(args)) as { items: Applied[] };
  const owners = items.flatMap(({ metadata }) =>
    (metadata.managedFields ?? []).filter(({ fieldsV1 }) => 'f:spec' in fieldsV1).map(({ manager }) => manager),
  );
  expect(items.length).toBeGreaterThan(10);
  expect(owners.filter((manager) => manager.startsWith('daris'))).toEqual([]);
  expect(owners).toContain('gitops');
});
