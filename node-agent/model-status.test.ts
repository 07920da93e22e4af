import { describe, expect, test } from '@jest/globals';
import { withTransitionTimes } from '../api/conditions.ts';
import { modelChanged, type ModelStatement, modelStatement } from './model-status.ts';
import { ModelPhase, type ObservedModel } from './native/gen/runtime.ts';
import type { StoredModel } from './resources.ts';
import { digest, observedModel, otherDigest, storedModel } from './testing/fixtures.ts';

const source = { uri: 'file:///detector', digest };
const fresh = storedModel('detector', source);

function said(model: StoredModel, observed: ObservedModel | undefined): ModelStatement {
  const statement = modelStatement(model, observed);
  if (statement === undefined) throw new Error('nothing was said');
  return statement;
}

function written(model: StoredModel, statement: ModelStatement): StoredModel {
  const conditions = withTransitionTimes(statement.conditions, model.status?.conditions, 0);
  const read = statement.package === undefined ? {} : { package: statement.package };
  return { ...model, status: { ...model.status, ...read, conditions } };
}

const inspected = written(fresh, said(fresh, observedModel()));

test('a package that was read is told whole, for the generation that named it', () => {
  expect(said(fresh, observedModel())).toEqual({
    package: {
      digest,
      name: 'detector',
      stageCount: 2,
      memoryBytes: 1_000_000,
      engines: ['openvino'],
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3, 112, 112] }],
      outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 10] }],
      stages: [{ name: 'stage-0' }, { name: 'stage-1' }],
      batchSizes: [1, 4],
    },
    conditions: [
      {
        type: 'Inspected',
        status: 'True',
        reason: 'Inspected',
        message: '2 stages, batch sizes 1, 4',
        observedGeneration: 3,
      },
    ],
  });
});

test.each([
  ['the runtime does not tell of it yet', undefined],
  ['it is being loaded', observedModel({ phase: ModelPhase.MODEL_PHASE_LOADING })],
  ['what was observed is another package', observedModel({ digest: otherDigest })],
])('nothing is said while %s', (_, observed) => {
  expect(modelStatement(fresh, observed)).toBeUndefined();
});

describe('a package that is refused', () => {
  const failed = observedModel({
    phase: ModelPhase.MODEL_PHASE_FAILED,
    reason: 'DigestMismatch',
    message: 'model.json: sha256 is …',
  });
  test('shows the reason and the words of the runtime', () => {
    expect(said(fresh, failed)).toEqual({
      package: undefined,
      conditions: [expect.objectContaining({ status: 'False', reason: 'DigestMismatch', message: failed.message })],
    });
  });
  test('keeps what was read before: tasks may still run it', () => {
    expect(said(inspected, failed).package).toEqual(inspected.status?.package);
  });
  test('names the engines that it was made for where only the engine is another', () => {
    const other = { ...failed, reason: 'NoArtifacts', engines: ['torch'], batches: [], memoryBytes: 0 };
    expect(said(inspected, other)).toMatchObject({
      package: { digest, engines: ['torch'], batchSizes: [] },
      conditions: [{ status: 'False', reason: 'NoArtifacts' }],
    });
    expect(said(fresh, { ...other, engines: [] }).package).toBeUndefined();
  });
  test('names the engines too where its code is of another GPU, unless it was read before', () => {
    const wrong = { ...failed, reason: 'WrongBuild', engines: ['openvino', 'torch'], batches: [], memoryBytes: 0 };
    expect(said(fresh, wrong).package).toMatchObject({ engines: ['openvino', 'torch'], batchSizes: [] });
    expect(said(inspected, wrong).package).toEqual(inspected.status?.package);
  });
  test('shows a reason that a condition can hold', () => {
    expect(said(fresh, { ...failed, reason: '', message: '' }).conditions[0]).toMatchObject({
      reason: 'InspectionFailed',
      message: expect.stringContaining('refuses'),
    });
  });
});

describe('change', () => {
  test('the first word is one', () => expect(modelChanged(fresh, said(fresh, observedModel()))).toBe(true));
  test('the same again is none', () => expect(modelChanged(inspected, said(inspected, observedModel()))).toBe(false));
  test('times measured anew by a restarted runtime are none', () => {
    const again = observedModel({ memoryBytes: 2_000_000 });
    again.batches = again.batches.map((batch) => ({ ...batch, stageAfetUs: batch.stageAfetUs.map((us) => us + 7) }));
    expect(modelChanged(inspected, said(inspected, again))).toBe(false);
  });
  test('another set of batch sizes is one', () => {
    const statement = said(inspected, observedModel({ batches: [{ size: 1, stageAfetUs: [1, 1], stageMretUs: [] }] }));
    expect(statement.package).toMatchObject({ batchSizes: [1] });
    expect(modelChanged(inspected, statement)).toBe(true);
  });
  test('another generation is one', () => {
    const { name, uid, resourceVersion } = inspected.metadata;
    const edited = { ...inspected, metadata: { name, namespace: 'default', uid, resourceVersion, generation: 4 } };
    expect(modelChanged(edited, said(edited, observedModel()))).toBe(true);
  });
});
