// Who inspects a model, and what follows from the inspection.
import { describe, expect, test } from '@jest/globals';

import type { ModelStatus } from '../../resources.ts';
import { conditionOf, digestA, digestB, inspectedStatus, nodeView, storedModel } from '../testing.ts';
import { decideModel } from './decide.ts';

const node = (...args: Parameters<typeof nodeView>) => nodeView(...args).placement;
const nodes = ['n1', 'n2', 'n3'].map((name) => node(name));

function inspector(status: ModelStatus | undefined, among = nodes): string | undefined {
  return decideModel(storedModel(status === undefined ? {} : { status }), among).inspector?.node;
}

describe('inspector', () => {
  test('is one of the nodes that are ready, the same whatever their order', () => {
    const chosen = inspector(undefined);
    expect(['n1', 'n2', 'n3']).toContain(chosen);
    expect(inspector(undefined, nodes.toReversed())).toBe(chosen);
  });

  test('stays while it lives, even where another would be chosen now', () => {
    for (const name of ['n1', 'n2', 'n3']) expect(inspector({ inspector: { node: name } })).toBe(name);
    expect(inspector({ inspector: { node: 'n1' } }, [node('n1', 'NotReady'), node('n2')])).toBe('n1');
  });

  test('is another where it is lost or gone', () => {
    expect(inspector({ inspector: { node: 'n1' } }, [node('n1', 'Lost'), node('n2')])).toBe('n2');
    expect(inspector({ inspector: { node: 'n9' } }, [node('n2')])).toBe('n2');
  });

  test('stays where there is nothing left to inspect', () => {
    expect(inspector(inspectedStatus(), [node('n2')])).toBe('n1');
  });

  test('is nobody where no node is ready', () => {
    expect(inspector(undefined, [node('n1', 'NotReady')])).toBeUndefined();
  });

  test('is one with an engine of the package, where that lacks those of who looked first', () => {
    const wrong = madeFor('torch');
    const all = [withEngine('n1', 'openvino'), withEngine('n2', 'torch'), withEngine('n3', 'sim')];
    expect(inspector(wrong, all)).toBe('n2');
    expect(inspector({ ...wrong, inspector: { node: 'n2' } }, all)).toBe('n2');
    expect(inspector(wrong, [withEngine('n1', 'openvino'), withEngine('n3', 'sim')])).toBe('n1');
  });

  test('is one that may open it: that runs no compiled code, or of namespaces that its policy lists', () => {
    const [closed, open, cores] = [
      withEngine('n1', 'torch', ['lab']),
      withEngine('n2', 'torch', ['lab', 'vision']),
      withEngine('n3', 'openvino', []),
    ];
    expect(inspector(undefined, [closed, open])).toBe('n2');
    expect(inspector(undefined, [closed, cores])).toBe('n3');
    expect(inspector(notAllowed(), [closed, cores])).toBe('n3');
  });

  test('is one without compiled code, where that is of another GPU', () => {
    const wrong = madeFor('torch', 'WrongBuild');
    wrong.package = { digest: digestA, engines: ['openvino', 'torch'], batchSizes: [] };
    const gpus = ['n1', 'n2'].map((name) => withEngine(name, 'torch'));
    expect(inspector(wrong, [...gpus, withEngine('n3', 'openvino')])).toBe('n3');
    expect(inspector(wrong, gpus)).toBe('n1');
  });

  test('is one that refuses in words, where none may open it', () => {
    const closed = ['n1', 'n2'].map((name) => withEngine(name, 'torch', ['lab']));
    expect(['n1', 'n2']).toContain(inspector(undefined, closed));
    expect(inspector(notAllowed(), closed)).toBe('n1');
  });

  test('models spread over the nodes', () => {
    const chosen = Array.from({ length: 60 }, (_, n) => {
      return decideModel(storedModel({ uid: `uid-${n}` }), nodes).inspector?.node;
    });
    for (const { name } of nodes) expect(chosen.filter((each) => each === name).length).toBeGreaterThan(5);
  });
});

/** As n1 said that could not run it. */
function madeFor(engine: string, reason = 'NoArtifacts'): ModelStatus {
  const message = 'no artifacts of engine openvino';
  return {
    inspector: { node: 'n1' },
    package: { digest: digestA, engines: [engine], batchSizes: [] },
    conditions: [conditionOf('Inspected', 'False', reason, { message, observedGeneration: 1 })],
  };
}

/** Its policy lists these namespaces for compiled code. */
function withEngine(name: string, engine: string, namespaces = ['vision']): ReturnType<typeof node> {
  const gpus = [{ uuid: 'gpu-0', product: 'p', kind: '', engine, contexts: [] }];
  return { ...node(name), gpus, codeNamespaces: new Set(namespaces) };
}

/** As n1 said whose policy does not list the namespace. */
function notAllowed(): ModelStatus {
  const message = 'namespace vision is not listed';
  return {
    inspector: { node: 'n1' },
    conditions: [conditionOf('Inspected', 'False', 'CompiledCodeNotAllowed', { message, observedGeneration: 1 })],
  };
}

function refused(observedGeneration: number): ModelStatus {
  const message = 'model.json has another digest';
  const failed = conditionOf('Inspected', 'False', 'DigestMismatch', { message, observedGeneration });
  return { inspector: { node: 'n1' }, conditions: [failed] };
}

const cases: Record<string, { model: ReturnType<typeof storedModel>; among?: typeof nodes; want: string[] }> = {
  'ready once its package is read': {
    model: storedModel({ status: inspectedStatus() }),
    want: ['Ready=True Inspected: 3 stages'],
  },
  'stalled where its package is refused': {
    model: storedModel({ status: refused(1) }),
    want: [
      'Ready=False DigestMismatch: model.json has another digest',
      'Stalled=True DigestMismatch: model.json has another digest',
    ],
  },
  'stalled where no node has its engine': {
    model: storedModel({ status: madeFor('torch') }),
    among: [withEngine('n1', 'openvino')],
    want: [
      'Ready=False NoArtifacts: no artifacts of engine openvino',
      'Stalled=True NoArtifacts: no artifacts of engine openvino',
    ],
  },
  'reconciling where another node has its engine': {
    model: storedModel({ status: madeFor('torch') }),
    among: [withEngine('n1', 'openvino'), withEngine('n2', 'torch')],
    want: [
      'Ready=False Inspecting: node n2 opens the package',
      'Reconciling=True Inspecting: node n2 opens the package',
    ],
  },
  'stalled where its code is of another GPU, in the words of the one that it was tried on': {
    model: storedModel({ status: madeFor('torch', 'WrongBuild') }),
    among: [withEngine('n1', 'torch'), withEngine('n2', 'torch')],
    want: [
      'Ready=False WrongBuild: no artifacts of engine openvino',
      'Stalled=True WrongBuild: no artifacts of engine openvino',
    ],
  },
  'stalled where no policy lists its namespace': {
    model: storedModel({ status: notAllowed() }),
    among: [withEngine('n1', 'torch', ['lab'])],
    want: [
      'Ready=False CompiledCodeNotAllowed: namespace vision is not listed',
      'Stalled=True CompiledCodeNotAllowed: namespace vision is not listed',
    ],
  },
  'reconciling once its inspector may open it': {
    model: storedModel({ status: notAllowed() }),
    among: [withEngine('n1', 'torch')],
    want: [
      'Ready=False Inspecting: node n1 opens the package',
      'Reconciling=True Inspecting: node n1 opens the package',
    ],
  },
  'reconciling while its package is read': {
    model: storedModel({ status: { inspector: { node: 'n1' } } }),
    want: [
      'Ready=False Inspecting: node n1 opens the package',
      'Reconciling=True Inspecting: node n1 opens the package',
    ],
  },
  'reconciling again once it is edited, whatever was said of the older spec': {
    model: storedModel({ generation: 2, status: refused(1) }),
    want: [
      'Ready=False Inspecting: node n1 opens the package',
      'Reconciling=True Inspecting: node n1 opens the package',
    ],
  },
  'not ready by a package of another digest': {
    model: storedModel({ digest: digestB, status: inspectedStatus() }),
    want: [
      'Ready=False Inspecting: node n1 opens the package',
      'Reconciling=True Inspecting: node n1 opens the package',
    ],
  },
  'waiting for a node': {
    model: storedModel(),
    among: [],
    want: [
      'Ready=False NoNode: no node is Ready, so none can open the package',
      'Reconciling=True NoNode: no node is Ready, so none can open the package',
    ],
  },
  'waiting for its inspector': {
    model: storedModel({ status: { inspector: { node: 'n1' } } }),
    among: [node('n1', 'NotReady', 'the runtime does not answer')],
    want: [
      'Ready=False InspectorNotReady: node n1 was to open the package, but is not ready: the runtime does not answer',
      'Reconciling=True InspectorNotReady: node n1 was to open the package, but is not ready: the runtime does not answer',
    ],
  },
};

test.each(Object.entries(cases))('a model is %s', (_name, { model, among = nodes, want }) => {
  const { conditions, observedGeneration } = decideModel(model, among);
  expect(conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)).toEqual(
    want,
  );
  expect(observedGeneration).toBe(model.metadata.generation);
});
