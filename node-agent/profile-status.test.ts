// What is said of a profile that this agent is to measure, when, and for which the runtime has to load a model.
import { describe, expect, test } from '@jest/globals';
import { type Condition, withTransitionTimes } from '../api/conditions.ts';
import { ModelPhase, type ObservedModel } from './native/gen/runtime.ts';
import { keepMeasuredMs, wantsModel } from './profile-model.ts';
import { profileChange, profileStatement, type ProfileStatement } from './profile-status.ts';
import type { StoredProfile } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';
import { digest, gpu, info, node, observedModel, observedState, storedProfile } from './testing/fixtures.ts';

const now = '2030-01-01T00:00:00Z';
const nowMs = Date.parse(now);
const loading = { phase: ModelPhase.MODEL_PHASE_LOADING, measured: false, batches: [], stagesToMeasure: 0 };
/** Loaded, with times of no batch size. */
const opened = {
  measured: false,
  batches: observedModel().batches.map((batch) => ({ ...batch, stageAfetUs: [] })),
  stagesToMeasure: 0,
};

function up(models: readonly ObservedModel[], on = info()): RuntimeView {
  const state = observedState({ models: [...models] });
  return { kind: 'up', info: on, state, terms: undefined, policy: undefined, applyError: undefined };
}

function say(profile: StoredProfile, view: RuntimeView): ProfileStatement | undefined {
  return profileStatement(profile, { node, view, now });
}

function written(profile: StoredProfile, statement: ProfileStatement | undefined): StoredProfile {
  if (statement === undefined) throw new Error('nothing was said');
  const conditions: Condition[] = withTransitionTimes(statement.conditions, profile.status?.conditions, nowMs);
  return { ...profile, status: { ...statement, conditions } };
}

const measured = written(storedProfile(), say(storedProfile(), up([observedModel()])));

test('what was measured is told for each batch size that was asked for', () => {
  expect(say(storedProfile({ batchSizes: [4] }), up([observedModel()]))).toEqual({
    batches: [{ size: 4, afetUs: 9_000, stageAfetUs: [3_000, 6_000] }],
    measuredAt: now,
    conditions: [
      {
        type: 'Measured',
        status: 'True',
        reason: 'Measured',
        message: '2 stages at batch sizes 4',
        observedGeneration: 1,
      },
    ],
  });
});

describe('nothing is said', () => {
  test.each<[when: string, profile: StoredProfile, view: RuntimeView]>([
    ['of one that another node measures', storedProfile({ node: 'node-2' }), up([observedModel()])],
    ['where an estimate is given', storedProfile({ estimate: { stageAfet: ['1ms'] } }), up([observedModel()])],
    ['of one that is measured: nothing is measured twice', measured, up([observedModel({ batches: [] })])],
    ['while the runtime is away', storedProfile(), { kind: 'down', message: 'gone' }],
    ['while it is being connected', storedProfile(), { kind: 'connecting' }],
  ])('%s', (_when, profile, view) => expect(say(profile, view)).toBeUndefined());

  test('while the GPU is just being divided', () => {
    const state = observedState({
      gpus: [{ uuid: gpu, contexts: [], partitionFault: '', xids: 0 }],
      models: [observedModel()],
    });
    expect(
      say(storedProfile(), {
        kind: 'up',
        info: info(),
        state,
        terms: undefined,
        policy: undefined,
        applyError: undefined,
      }),
    ).toBe(undefined);
  });
});

interface Case {
  profile?: StoredProfile;
  view: RuntimeView;
  want: readonly [status: string, reason: string, message?: unknown];
  progress?: object;
}

const cases: Record<string, Case> = {
  'its model was not asked for yet': { view: up([]), want: ['Unknown', 'Opening'] },
  'its model is being opened': { view: up([observedModel(loading)]), want: ['Unknown', 'Opening'] },
  'its stages are being measured': {
    view: up([observedModel({ ...opened, stagesMeasured: 2, stagesToMeasure: 8 })]),
    want: ['Unknown', 'Measuring'],
    progress: { stage: 2, of: 8 },
  },
  'its model is loaded and measuring has not begun': {
    view: up([observedModel(opened)]),
    want: ['Unknown', 'Measuring', 'its stages are about to be measured'],
  },
  'its model is loaded and cannot be measured': {
    view: up([observedModel({ ...opened, reason: 'OutOfMemory', message: 'no room for its buffers' })]),
    want: ['False', 'OutOfMemory', 'no room for its buffers'],
  },
  'what was measured is of another partitioning': {
    view: up([observedModel({ measured: false, stagesToMeasure: 0 })]),
    want: ['Unknown', 'Measuring', 'the GPU was divided anew and is measured again'],
  },
  'the package is refused': {
    view: up([observedModel({ phase: ModelPhase.MODEL_PHASE_FAILED, reason: 'NotFound', message: 'no such folder' })]),
    want: ['False', 'NotFound', 'no such folder'],
  },
  'the engine has no artifacts of a batch size': {
    profile: storedProfile({ batchSizes: [1, 2] }),
    view: up([observedModel()]),
    want: ['False', 'BatchNotInPackage', expect.stringContaining('batch sizes 1, 4 for this engine')],
  },
  'the GPU is divided by other terms': {
    profile: storedProfile({ partitioning: { contexts: 1, streamsPerContext: 2, oversubscription: '1' } }),
    view: up([observedModel()]),
    want: ['Unknown', 'OtherPartitioning', 'the GPU is CPU, 2 contexts of 1 stream, by other terms'],
  },
  'the engine is another by now': {
    profile: storedProfile({ engineVersion: '2024.0' }),
    view: up([observedModel()]),
    want: ['Unknown', 'OtherPartitioning'],
  },
  'its GPU is gone': {
    profile: storedProfile({ gpu: 'cpu-7' }),
    view: up([observedModel()]),
    want: ['Unknown', 'OtherPartitioning', 'there is no GPU cpu-7 here any more'],
  },
};

test.each(Object.entries(cases))('said while %s', (_name, { profile = storedProfile(), view, want, progress }) => {
  const [status, reason, message = expect.any(String)] = want;
  const said = say(profile, view);
  expect(said?.conditions).toEqual([{ type: 'Measured', status, reason, message, observedGeneration: 1 }]);
  expect(said?.progress).toEqual(progress);
});

describe('a write is due', () => {
  const at = (stage: number) => up([observedModel({ ...opened, stagesMeasured: stage, stagesToMeasure: 8 })]);
  const changeFrom = (before: StoredProfile, view: RuntimeView): string => {
    const statement = say(before, view);
    return statement === undefined ? 'nothing said' : profileChange(before, statement);
  };
  const begun = written(storedProfile(), say(storedProfile(), at(0)));

  test('when it begins', () => expect(changeFrom(storedProfile(), at(0))).toBe('transition'));
  test('not for each stage', () => expect(changeFrom(begun, at(1))).toBe('none'));
  test('for each quarter of the way', () => expect(changeFrom(begun, at(2))).toBe('transition'));
  test('at the end', () => expect(changeFrom(begun, up([observedModel()]))).toBe('transition'));
  test('for another assignment, so that it is known to be spoken of', () => {
    const again = storedProfile({}, begun.status, 2);
    expect(changeFrom(again, at(1))).toBe('transition');
  });
});

describe('the model', () => {
  test.each<[what: string, profile: StoredProfile, want: boolean]>([
    ['of a profile to measure is wanted', storedProfile(), true],
    ["of another node's profile is not wanted", storedProfile({ node: 'node-2' }), false],
    ['of an estimate is not wanted', storedProfile({ estimate: { stageAfet: ['1ms'] } }), false],
    ['is kept for the tasks that waited', measured, true],
  ])('%s', (_what, profile, want) => expect(wantsModel(profile, node, nowMs)).toBe(want));

  test('is not kept for ever', () => {
    expect(wantsModel(measured, node, nowMs + keepMeasuredMs - 1)).toBe(true);
    expect(wantsModel(measured, node, nowMs + keepMeasuredMs)).toBe(false);
    expect(measured.spec.digest).toBe(digest);
  });
});
