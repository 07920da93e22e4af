import { describe, expect, test } from '@jest/globals';
import { digest, info, observedModel, observedState, observedTask, otherDigest } from '../testing/fixtures.ts';
import { ModelPhase } from './gen/runtime.ts';
import { mergeInfo, mergeStates, type NodeState, type Part, whyNoRuntime } from './node-state.ts';

const nodeGpus = ['GPU-a', 'GPU-b'];

function part(name: string, state: Partial<NodeState> = {}): Part {
  const [gpu] = info().gpus;
  if (gpu === undefined) throw new Error('the fixture has no GPU');
  const gpus = [
    { uuid: `GPU-${name}`, contexts: observedState().gpus[0]?.contexts ?? [], partitionFault: '', xids: 0 },
  ];
  const inferenceAddress = `127.0.0.1:800${name === 'a' ? 1 : 2}`;
  return {
    info: info({ instanceId: name, inferenceAddress, nodeGpus, gpus: [{ ...gpu, uuid: `GPU-${name}` }] }),
    state: observedState({ instanceId: name, gpus, ...state }),
  };
}

const unasked = (): string => {
  throw new Error('none is lost');
};

test('all GPUs of the node are there, each with the address of its runtime', () => {
  const merged = mergeInfo([part('a'), part('b')], unasked);
  expect(merged.gpus.map(({ uuid }) => uuid)).toEqual(nodeGpus);
  expect(merged.instanceId).toBe('a+b');
  expect([...merged.addresses]).toEqual([
    ['GPU-a', '127.0.0.1:8001'],
    ['GPU-b', '127.0.0.1:8002'],
  ]);
  expect(merged.lost.size).toBe(0);
});

test('a GPU whose runtime does not answer is lost, with the reason, also where it was never heard of', () => {
  const merged = mergeInfo([part('b')], (gpu) => `${gpu} died`);
  expect(merged.gpus.map(({ uuid }) => uuid)).toEqual(['GPU-b']);
  expect([...merged.lost]).toEqual([['GPU-a', 'GPU-a died']]);
  expect(whyNoRuntime(merged, 'GPU-a')).toBe('GPU-a died');
  expect(whyNoRuntime(merged, 'GPU-b')).toBeUndefined();
  expect(whyNoRuntime(merged, 'GPU-c')).toBe('the GPUs of this node are GPU-a, GPU-b');
});

test('a runtime that is alone says itself what it has no GPU for', () => {
  expect(whyNoRuntime(mergeInfo([{ info: info(), state: observedState() }], unasked), 'GPU-c')).toBeUndefined();
});

describe('states', () => {
  test('what is in force everywhere is the older generation, what is in force somewhere the newer', () => {
    const merged = mergeStates([part('a', { appliedGeneration: 7 }), part('b', { appliedGeneration: 4 })]);
    expect(merged).toMatchObject({ appliedGeneration: 4, newestGeneration: 7 });
  });

  test('GPUs and tasks of all are there', () => {
    const merged = mergeStates([
      part('a', { tasks: [observedTask('u1')] }),
      part('b', { tasks: [observedTask('u2'), observedTask('u3')] }),
    ]);
    expect(merged.gpus.map(({ uuid }) => uuid)).toEqual(nodeGpus);
    expect(merged.tasks.map(({ uid }) => uid)).toEqual(['u1', 'u2', 'u3']);
  });

  test('a task that went from one GPU to another is told of by the later epoch', () => {
    const moved = observedTask('u1', { epoch: 3 });
    const ending = observedTask('u1', { epoch: 2 });
    expect(mergeStates([part('a', { tasks: [ending] }), part('b', { tasks: [moved] })]).tasks).toEqual([moved]);
    expect(mergeStates([part('a', { tasks: [moved] }), part('b', { tasks: [ending] })]).tasks).toEqual([moved]);
  });

  test('a package is told of once, by whoever has it ready', () => {
    const failed = observedModel({ phase: ModelPhase.MODEL_PHASE_FAILED, reason: 'OutOfMemory' });
    const ready = observedModel();
    const other = observedModel({ digest: otherDigest });
    const merged = mergeStates([part('a', { models: [failed, other] }), part('b', { models: [ready] })]);
    expect(merged.models).toEqual([ready, other]);
    expect(merged.modelsByGpu.get('GPU-a')?.find((model) => model.digest === digest)).toBe(failed);
    expect(merged.modelsByGpu.get('GPU-b')).toEqual([ready]);
  });
});
