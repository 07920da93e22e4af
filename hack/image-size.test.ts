import { expect, test } from '@jest/globals';

import { aboveLimit, compressedBytes, withMeasured } from './image-size.ts';

const files: Readonly<Record<string, unknown>> = {
  'index.json': { manifests: [{ digest: 'sha256:aa', size: 7 }] },
  'blobs/sha256/aa': { config: { digest: 'sha256:bb', size: 20 }, layers: [{ size: 300 }, { size: 4000 }] },
};

test('what a registry holds: manifest, configuration and layers', () => {
  expect(compressedBytes((path) => JSON.stringify(files[path]))).toBe(4327);
});

test('an archive of several images has no size', () => {
  const index = { manifests: [{ digest: 'sha256:aa' }, { digest: 'sha256:bb' }] };
  expect(() => compressedBytes(() => JSON.stringify(index))).toThrow('the archive holds 2 images, expected 1');
});

test('only what is above its limit is told, with both numbers', () => {
  const sizes = [
    { image: 'operator', compressedMB: 110, limitMB: 110 },
    { image: 'agent', compressedMB: 200.1, limitMB: 200 },
    { image: 'agent-cuda', compressedMB: 3000 },
  ];
  expect(aboveLimit(sizes)).toEqual(['agent: 200.1 MB compressed, at most 200 are allowed']);
});

test('an image that was not measured keeps the size that is recorded', () => {
  const recorded = [
    { image: 'operator', compressedMB: 80, limitMB: 110 },
    { image: 'agent-cuda', compressedMB: 3000 },
  ];
  const measured = [{ image: 'operator', compressedMB: 81, limitMB: 110 }];
  expect(withMeasured(recorded, measured)).toEqual([measured[0], recorded[1]]);
  const more = { image: 'agent', compressedMB: 140, limitMB: 200 };
  expect(withMeasured(recorded, [more])).toEqual([...recorded, more]);
});
