import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { desiredState } from '../desired.ts';
import { builtInTerms, defaultPolicy, runtimePolicy } from '../policy.ts';
import { effective, node, placement, storedModel, storedProfile, storedTask } from '../testing/fixtures.ts';
import type { DesiredState } from './gen/runtime.ts';
import { type MeasuredOn, sharesOf } from './shares.ts';

const policy = runtimePolicy(builtInTerms(defaultPolicy));
const gpus = ['GPU-a', 'GPU-b', 'GPU-c'];
const runtimes = gpus.map((gpu) => [gpu]);

function digestOf(number: number): string {
  return `sha256:${createHash('sha256').update(String(number)).digest('hex')}`;
}

function sourceOf(model: number): { uri: string; digest: string } {
  return { uri: `file:///model-${model}`, digest: digestOf(model) };
}

/** A node of many objects, by chance, the same for the same seed. */
function chance(seed: number): { desired: DesiredState; measuredOn: MeasuredOn } {
  let state = seed * 2 + 1;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  const gpu = (): string => gpus[below(gpus.length)] ?? '';
  const tasks = Array.from({ length: below(30) }, (_, at) =>
    storedTask(`task-${at}`, {
      effective: { ...effective, model: sourceOf(below(12)) },
      placement: { ...placement, gpu: gpu(), context: below(2) },
    }),
  );
  const models = Array.from({ length: 12 }, (_, at) => at)
    .filter(() => below(2) === 0)
    .map((at) => storedModel(`model-${at}`, sourceOf(at)));
  const profiles = Array.from({ length: below(6) }, (_, at) => {
    const model = below(12);
    const measured =
      below(2) === 0 ? { conditions: [measuredCondition], batches: [{ size: 1, afetUs: 1, stageAfetUs: [1] }] } : {};
    const profile = storedProfile({ ...sourceOf(model), gpu: gpu() }, measured);
    return { ...profile, metadata: { name: `profile-${at}`, uid: `profile-${at}`, resourceVersion: '100' } };
  });
  const { state: wanted, measuredOn } = desiredState({
    node,
    policy,
    tasks,
    models,
    profiles,
    times: () => [],
    seen: () => undefined,
  });
  return { desired: { ...wanted, generation: seed }, measuredOn };
}

const measuredCondition = {
  type: 'Measured',
  status: 'True' as const,
  reason: 'Measured',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};

const cases = Array.from({ length: 100 }, (_, seed) => chance(seed));

describe('of 100 desired states by chance', () => {
  test('each task is in exactly one share, that of its GPU, as it was', () => {
    for (const { desired, measuredOn } of cases) {
      const shares = sharesOf(desired, measuredOn, runtimes);
      const back = shares.flatMap(({ tasks }) => tasks).toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
      expect(back).toEqual(desired.tasks.toSorted((a, b) => (a.uid < b.uid ? -1 : 1)));
      for (const [at, { tasks }] of shares.entries())
        expect(tasks.every(({ gpuUuid }) => gpuUuid === gpus[at])).toBe(true);
    }
  });

  test('each share has the package of each of its tasks, and no package is lost', () => {
    for (const { desired, measuredOn } of cases) {
      const shares = sharesOf(desired, measuredOn, runtimes);
      for (const { tasks, models } of shares) {
        const there = new Set(models.map(({ digest }) => digest));
        expect(there.size).toBe(models.length);
        expect(tasks.filter(({ modelDigest }) => !there.has(modelDigest))).toEqual([]);
      }
      const all = new Set(shares.flatMap(({ models }) => models.map(({ digest }) => digest)));
      expect([...all].sort()).toEqual(desired.models.map(({ digest }) => digest).sort());
    }
  });

  test('a package is measured where its profiles say, and nowhere else', () => {
    for (const { desired, measuredOn } of cases) {
      const shares = sharesOf(desired, measuredOn, runtimes);
      const measuring = shares.flatMap(({ models }, at) =>
        models.filter(({ measure }) => measure).map(({ digest }) => `${digest} ${gpus[at]}`),
      );
      const wanted = desired.models
        .filter(({ measure }) => measure)
        .flatMap(({ digest }) => [...new Set(measuredOn.get(digest))].map((gpu) => `${digest} ${gpu}`));
      expect(measuring.sort()).toEqual(wanted.sort());
    }
  });

  test('what nobody runs or measures is opened once', () => {
    for (const { desired, measuredOn } of cases) {
      const shares = sharesOf(desired, measuredOn, runtimes);
      const used = new Set([...measuredOn.keys(), ...desired.tasks.map(({ modelDigest }) => modelDigest)]);
      for (const { digest } of desired.models.filter((model) => !used.has(model.digest))) {
        const opened = shares.filter(({ models }) => models.some((model) => model.digest === digest));
        expect(opened).toHaveLength(1);
      }
    }
  });

  test('all have the same policy and generation', () => {
    for (const { desired, measuredOn } of cases) {
      for (const share of sharesOf(desired, measuredOn, runtimes)) {
        expect(share).toMatchObject({ policy: desired.policy, generation: desired.generation });
      }
    }
  });
});

test('the packages that are merely opened are spread over the GPUs', () => {
  const models = Array.from({ length: 60 }, (_, at) => {
    return { ...sourceOf(at), measure: false, batches: [], namespaces: [] };
  });
  const shares = sharesOf({ generation: 1, policy, tasks: [], models }, new Map(), runtimes);
  for (const share of shares) expect(share.models.length).toBeGreaterThan(8);
});

test('the tasks of a GPU whose runtime is away wait for it, and the rest goes on', () => {
  const tasks = ['GPU-a', 'GPU-b'].map((gpu) => storedTask(`on-${gpu}`, { placement: { ...placement, gpu } }));
  const { state, measuredOn } = desiredState({
    node,
    policy,
    tasks,
    models: [],
    profiles: [],
    times: () => [],
    seen: () => undefined,
  });
  const [share, ...rest] = sharesOf({ ...state, generation: 1 }, measuredOn, [['GPU-b']]);
  expect(rest).toEqual([]);
  expect(share?.tasks.map(({ uid }) => uid)).toEqual(['on-GPU-b']);
});
