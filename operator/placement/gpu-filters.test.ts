// What a GPU must offer for a package: memory for one copy of it, and an engine that it holds artifacts for.
import { describe, expect, test } from '@jest/globals';

import { runCycle, type Verdict } from './cycle.ts';
import type { PlacementNode, PlacementPackage, PlacementTask } from './terms.ts';
import { gpu, node, task } from './testing.ts';

const gib = 2 ** 30;

const large = (name: string, memoryGiB: number | undefined, gpus = ['gpu-0']): PlacementNode =>
  node(name, 0, {
    gpus: gpus.map((uuid) => ({
      ...gpu(uuid, 2),
      ...(memoryGiB === undefined ? {} : { memoryBytes: memoryGiB * gib }),
    })),
  });
const running = (name: string, engine: string): PlacementNode =>
  node(name, 0, {
    gpus: [gpu('gpu-0', 1, 1, `by ${engine}`, engine)],
    codeNamespaces: new Set(['ns']),
    policy: 'edge',
  });
/** One whose policy lists these namespaces. */
const trusting = (name: string, namespaces: string[]): PlacementNode => ({
  ...running(name, 'torch'),
  codeNamespaces: new Set(namespaces),
});
const model = (letter: string, memoryGiB?: number): PlacementPackage => ({
  digest: `sha256:${letter}`,
  ...(memoryGiB === undefined ? {} : { memoryBytes: memoryGiB * gib }),
});
const low = (name: string, loaded: PlacementPackage, changes: Partial<PlacementTask> = {}): PlacementTask =>
  task(name, { priority: 'Low', afetMs: 1, periodMs: 10, changes: { package: loaded, ...changes } });
const settledAt = (name: string, context = 0): Partial<PlacementTask> => ({
  present: { node: name, gpu: 'gpu-0', context },
  settled: true,
});
const changedAt = (name: string): Partial<PlacementTask> => ({ ...settledAt(name), settled: false });

function outcome(verdict: Verdict | undefined): string {
  if (verdict?.kind === 'Placed') return `${verdict.place.node}/${verdict.place.gpu}/${verdict.place.context}`;
  return verdict?.kind === 'Refused' ? `${verdict.reason}: ${verdict.message}` : String(verdict?.kind);
}

interface Case {
  nodes: PlacementNode[];
  tasks: PlacementTask[];
  want: Record<string, string>;
}

const memory: Record<string, Case> = {
  'a package is loaded once however many tasks run it': {
    nodes: [large('n1', 4)],
    tasks: ['a', 'b', 'c'].map((name) => low(name, model('m', 3))),
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/1', c: 'n1/gpu-0/0' },
  },
  'another package needs room of its own': {
    nodes: [large('n3', 80)],
    tasks: [low('a', model('m', 78.9)), low('b', model('x', 3.2))],
    want: {
      a: 'n3/gpu-0/0',
      b: 'Memory: model needs 3.2 GiB, gpu-0 of n3 has 1.1 GiB left of 80 GiB (the only GPU)',
    },
  },
  'up to the last byte': {
    nodes: [large('n1', 4)],
    tasks: [low('a', model('m', 3)), low('b', model('x', 1))],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/1' },
  },
  'one byte beyond': {
    nodes: [large('n1', 4)],
    tasks: [low('a', { ...model('m'), memoryBytes: 3 * gib + 1 }), low('b', model('x', 1))],
    want: {
      a: 'n1/gpu-0/0',
      b: 'Memory: model needs 1073741824 bytes, gpu-0 of n1 has 1073741823 bytes left of 4 GiB (the only GPU)',
    },
  },
  'each GPU counts for itself, and the one with most left is named': {
    nodes: [large('n1', 4, ['gpu-0', 'gpu-1']), large('n2', 5, ['gpu-0', 'gpu-1'])],
    tasks: [
      ...['a', 'b', 'c', 'd'].map((name, n) => low(name, model(name, 4 - n / 4))),
      low('z', model('z', 2), { demand: { afetUs: 500, longestStageUs: 500, utilizationE9: 50_000_000 } }),
    ],
    want: {
      a: 'n1/gpu-0/0',
      b: 'n1/gpu-1/0',
      c: 'n2/gpu-0/0',
      d: 'n2/gpu-1/0',
      z: 'Memory: model needs 2 GiB, gpu-1 of n2 has 1.8 GiB left of 5 GiB (best of 4 GPUs)',
    },
  },
  'a High task too is refused, whatever its period': {
    nodes: [large('n1', 1)],
    tasks: [task('a', { afetMs: 1, periodMs: 10, changes: { package: model('m', 2) } })],
    want: { a: 'Memory: model needs 2 GiB, gpu-0 of n1 has 1 GiB left of 1 GiB (the only GPU)' },
  },
  'where memory is enough, it is not what refuses': {
    nodes: [large('n1', 1), large('n2', 9)],
    tasks: [
      task('there', { afetMs: 4, periodMs: 10, changes: settledAt('n2') }),
      task('also', { afetMs: 4, periodMs: 10, changes: settledAt('n2', 1) }),
      task('a', { afetMs: 5, periodMs: 10, longestStageMs: 1, changes: { package: model('m', 2) } }),
    ],
    want: {
      there: 'n2/gpu-0/0',
      also: 'n2/gpu-0/1',
      a: 'HighPriorityLimit: HP load 0.4 + 0.5 > 0.75 on gpu-0 of n2 (best of 4 contexts); the shortest period that fits is 14.286ms',
    },
  },
  'what nobody knows bounds nothing': {
    nodes: [large('n1', undefined), large('n2', 1)],
    tasks: [low('a', model('m', 99)), low('b', model('x')), low('c', model('y'))],
    want: { a: 'n1/gpu-0/0', b: 'n2/gpu-0/0', c: 'n1/gpu-0/1' },
  },
  'what runs stays although its model proves larger than the GPU': {
    nodes: [large('n1', 1), large('n2', 9)],
    tasks: [low('a', model('m', 2), settledAt('n1')), low('b', model('x', 1), { ...settledAt('n1') })],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/0' },
  },
  'another task of a package that is there needs nothing more, even on an overbooked GPU': {
    nodes: [large('n1', 1)],
    tasks: [low('a', model('m', 2), settledAt('n1')), low('b', model('m', 2))],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/1' },
  },
  'an edited task whose new package does not fit there goes elsewhere': {
    nodes: [large('n1', 1), large('n2', 9)],
    tasks: [low('a', model('m', 2), changedAt('n1'))],
    want: { a: 'n2/gpu-0/0' },
  },
};

const cuda = { ...model('m'), engines: ['torch'] };
const any = { ...model('m'), engines: ['openvino', 'torch'] };
const engine: Record<string, Case> = {
  'a package goes where its engine runs': {
    nodes: [running('n1', 'openvino'), running('n2', 'torch')],
    tasks: [low('a', cuda)],
    want: { a: 'n2/gpu-0/0' },
  },
  'of several engines each will do': {
    nodes: [running('n1', 'openvino'), running('n2', 'torch')],
    tasks: [low('a', any), low('b', any)],
    want: { a: 'n1/gpu-0/0', b: 'n2/gpu-0/0' },
  },
  'no GPU with its engine': {
    nodes: [running('n1', 'openvino'), running('n2', 'sim')],
    tasks: [low('a', cuda)],
    want: {
      a: 'Engine: the package has artifacts for engine torch, gpu-0 of n1 runs openvino; the package has artifacts for engine torch, gpu-0 of n2 runs sim',
    },
  },
  'many GPUs, none with its engine': {
    nodes: ['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => running(name, 'sim')),
    tasks: [low('a', any)],
    want: {
      a: `Engine: ${['n1', 'n2', 'n3'].map((name) => `the package has artifacts for engine openvino, torch, gpu-0 of ${name} runs sim`).join('; ')}; and 2 GPUs more`,
    },
  },
  'a selector is said before the engine': {
    nodes: [running('n1', 'openvino')],
    tasks: [low('a', cuda, { nodeSelector: { zone: 'b' } })],
    want: { a: 'NodeSelector: node n1 lacks the label zone=b' },
  },
  'an edited task whose new package lacks the engine goes elsewhere': {
    nodes: [running('n1', 'openvino'), running('n2', 'torch')],
    tasks: [low('a', cuda, changedAt('n1'))],
    want: { a: 'n2/gpu-0/0' },
  },
};

const unlisted =
  'engine torch of gpu-0 of n1 runs compiled code, and namespace ns is not listed in spec.compiledCode.namespaces of policy edge';
const code: Record<string, Case> = {
  'a package of a namespace that is not listed goes to an engine that runs no compiled code': {
    nodes: [trusting('n1', ['lab']), running('n2', 'openvino')],
    tasks: [low('a', any)],
    want: { a: 'n2/gpu-0/0' },
  },
  'and is refused in words where there is none': {
    nodes: [trusting('n1', ['lab']), running('n2', 'openvino')],
    tasks: [low('a', cuda)],
    want: {
      a: `CompiledCodeNotAllowed: ${unlisted}`,
    },
  },
  'of equal packages of two namespaces the listed one is placed': {
    nodes: [trusting('n1', ['lab'])],
    tasks: [low('a', cuda), low('b', cuda, { namespace: 'lab' })],
    want: { a: `CompiledCodeNotAllowed: ${unlisted}`, b: 'n1/gpu-0/0' },
  },
  'each GPU goes by the policy of its own node': {
    nodes: [trusting('n1', ['lab']), trusting('n2', ['ns'])],
    tasks: [low('a', cuda), low('b', cuda, { namespace: 'lab' })],
    want: { a: 'n2/gpu-0/0', b: 'n1/gpu-0/0' },
  },
  "a node that follows no policy of its own loads nobody's": {
    nodes: [node('n1', 0, { gpus: [gpu('gpu-0', 1, 1, 'by torch', 'torch')], policy: 'default' })],
    tasks: [low('a', cuda)],
    want: {
      a: 'CompiledCodeNotAllowed: engine torch of gpu-0 of n1 runs compiled code, and no GpuSchedulingPolicy of that node lists namespace ns in spec.compiledCode.namespaces',
    },
  },
  'a task whose namespace is listed no more leaves, for a CPU where it can': {
    nodes: [trusting('n1', ['lab']), running('n2', 'openvino')],
    tasks: [low('a', any, settledAt('n1')), low('b', any, changedAt('n1')), low('c', cuda, settledAt('n1'))],
    want: {
      a: 'n2/gpu-0/0',
      b: 'n2/gpu-0/0',
      c: `CompiledCodeNotAllowed: ${unlisted}`,
    },
  },
  'nor does it stay on a lost node': {
    nodes: [{ ...trusting('n1', ['lab']), state: 'Lost', message: 'silent' }],
    tasks: [low('a', cuda, settledAt('n1'))],
    want: { a: 'NoNode: node n1: silent' },
  },
};

const closing = (reason: string, message: string) => ({ closed: { reason, message } });
const withGpus = (name: string, ...gpus: (readonly [uuid: string, closed?: object])[]): PlacementNode =>
  node(name, 0, { gpus: gpus.map(([uuid, closed]) => ({ ...gpu(uuid, 1), ...closed })) });
const busy = closing('ForeignSharing', 'process 4242 (python3) works on this GPU too');
const broken = closing('Unhealthy', 'the driver logged Xid 79');
const high = (name: string, changes: Partial<PlacementTask> = {}): PlacementTask =>
  task(name, { afetMs: 4, periodMs: 10, changes });
const closed: Record<string, Case> = {
  'nothing new goes to a GPU on which others work': {
    nodes: [withGpus('n1', ['gpu-0', busy], ['gpu-1'])],
    tasks: [low('a', model('m')), low('b', model('x'))],
    want: { a: 'n1/gpu-1/0', b: 'n1/gpu-1/0' },
  },
  'where there is no other, it waits in the words of the agent': {
    nodes: [withGpus('n1', ['gpu-0', busy])],
    tasks: [low('a', model('m')), high('b')],
    want: {
      a: 'ForeignSharing: gpu-0 of n1: process 4242 (python3) works on this GPU too',
      b: 'ForeignSharing: gpu-0 of n1: process 4242 (python3) works on this GPU too',
    },
  },
  'nor to one with a fault': {
    nodes: [withGpus('n1', ['gpu-0', broken])],
    tasks: [low('a', model('m'))],
    want: { a: 'Unhealthy: gpu-0 of n1: the driver logged Xid 79' },
  },
  'what is there stays, also where its terms have changed': {
    nodes: [withGpus('n1', ['gpu-0', busy], ['gpu-1'])],
    tasks: [low('a', model('m'), settledAt('n1')), low('b', model('x'), changedAt('n1'))],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/0' },
  },
  'of several that are closed, those without a fault are named': {
    nodes: [withGpus('n1', ['gpu-0', broken]), withGpus('n2', ['gpu-0', busy])],
    tasks: [low('a', model('m'))],
    want: { a: 'ForeignSharing: gpu-0 of n2: process 4242 (python3) works on this GPU too' },
  },
  'where an open one refuses, its terms are told': {
    nodes: [withGpus('n1', ['gpu-0', busy], ['gpu-1'])],
    tasks: [high('there', { present: { node: 'n1', gpu: 'gpu-1', context: 0 }, settled: true }), high('a')],
    want: {
      there: 'n1/gpu-1/0',
      a: 'HighPriorityLimit: HP load 0.4 + 0.4 > 0.75 on gpu-1 of n1 (the only context); the shortest period that fits is 11.429ms',
    },
  },
  'another engine is said before a fault': {
    nodes: [
      running('n1', 'openvino'),
      node('n2', 0, { gpus: [{ ...gpu('gpu-0', 1, 1, 'k', 'torch'), ...busy }], codeNamespaces: new Set(['ns']) }),
    ],
    tasks: [low('a', { ...model('m'), engines: ['torch'] })],
    want: { a: 'ForeignSharing: gpu-0 of n2: process 4242 (python3) works on this GPU too' },
  },
};

describe.each(Object.entries({ memory, engine, code, closed }))('%s', (_rule, cases) => {
  test.each(Object.entries(cases))('%s', (_name, { nodes, tasks, want }) => {
    const { verdicts } = runCycle(nodes, tasks);
    const got = Object.fromEntries([...verdicts].map(([key, verdict]) => [key.slice(3), outcome(verdict)]));
    expect(got).toEqual(want);
  });
});

test('nothing is waited for from a GPU that cannot run the package', () => {
  const unknown = low('a', cuda, { demands: new Map([['by torch', low('x', cuda).demand]]) });
  const both = [running('n1', 'openvino'), running('n2', 'torch')];
  expect(outcome(runCycle(both, [unknown]).verdicts.get('ns/a'))).toBe('n2/gpu-0/0');
  const tooSlow = { ...unknown, deadlineUs: 500 };
  expect(runCycle(both, [tooSlow]).verdicts.get('ns/a')).toMatchObject({ reason: 'NeverFits', never: true });
});
