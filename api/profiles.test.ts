import { expect, test } from '@jest/globals';

import { gpuKind, gpuKindKey, gpuKindWords, profileName, type GpuKind } from './profiles.ts';

const gpu = { uuid: 'gpu-0', product: 'H200', sms: 132, memoryBytes: 1, engine: 'torch', engineVersion: '2.9' };
const contexts = [0, 1].map((index) => ({ index, sms: 100, streams: 2 }));
const kind: GpuKind = {
  product: 'H200',
  partitioning: { contexts: 2, streamsPerContext: 2, oversubscription: '1.515' },
  engine: 'torch',
  engineVersion: '2.9',
};
const digest = `sha256:${'ab'.repeat(32)}`;

test('the kind of a GPU says how it is divided, and how far its contexts overlap', () => {
  expect(gpuKind({ ...gpu, contexts })).toEqual(kind);
  expect(gpuKind({ ...gpu, contexts }, 'MPS')?.partitioning.mode).toBe('MPS');
  expect(gpuKindWords(kind)).toBe('H200, 2 contexts of 2 streams');
});

test.each([
  ['no contexts', []],
  ['contexts without streams', [{ index: 0, sms: 132, streams: 0 }]],
])('a GPU with %s is of no kind', (_what, none) => {
  expect(gpuKind({ ...gpu, contexts: none })).toBeUndefined();
  expect(gpuKind(gpu)).toBeUndefined();
});

test('GPUs of one product and partitioning are of one kind, whatever their names and nodes', () => {
  const other = gpuKind({ ...gpu, uuid: 'gpu-7', memoryBytes: 2, contexts: contexts.toReversed() });
  expect(other && gpuKindKey(other)).toBe(gpuKindKey(kind));
});

test('the name of a profile is a DNS label that begins with the digest, and the same for the same batch sizes', () => {
  const name = profileName({ ...kind, digest, batchSizes: [1, 4] });
  expect(name).toMatch(/^abababab-[0-9a-f]{12}$/);
  expect(profileName({ ...kind, digest, batchSizes: [4, 1] })).toBe(name);
});

test('whatever changes the times changes the name', () => {
  const { partitioning } = kind;
  const specs = [
    kind,
    { ...kind, product: 'A100' },
    { ...kind, engine: 'openvino' },
    { ...kind, engineVersion: '3' },
    { ...kind, partitioning: { ...partitioning, contexts: 3 } },
    { ...kind, partitioning: { ...partitioning, streamsPerContext: 1 } },
    { ...kind, partitioning: { ...partitioning, oversubscription: '2' } },
    { ...kind, partitioning: { ...partitioning, mode: 'MPS' } },
  ].flatMap((each) => [
    { ...each, digest, batchSizes: [1] },
    { ...each, digest, batchSizes: [1, 2] },
    { ...each, digest: `sha256:${'cd'.repeat(32)}`, batchSizes: [1] },
  ]);
  expect(new Set(specs.map(profileName)).size).toBe(specs.length);
});
