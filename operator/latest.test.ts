// What this process wrote stands until the store has it, or something later.
import { expect, test } from '@jest/globals';

import { Store } from '../kube/store.ts';
import { Latest } from './latest.ts';
import { storedTask } from './controllers/testing.ts';
import type { StoredTask } from './resources.ts';

const version = (resourceVersion: string): StoredTask => storedTask({ resourceVersion });

test.each<[stored: string, remembered: string, want: string]>([
  ['9', '10', '10'],
  ['10', '10', '10'],
  ['11', '10', '11'],
  ['99', '100', '100'],
])('store has %s, written was %s: %s counts', (stored, remembered, want) => {
  const store = new Store<StoredTask>();
  const latest = new Latest<StoredTask>(store);
  store.set(version(stored));
  latest.remember(version(remembered));
  expect(latest.get('vision/lane')?.metadata.resourceVersion).toBe(want);
  expect(latest.list().map(({ metadata }) => metadata.resourceVersion)).toEqual([want]);
});

test('what is gone from the store is gone', () => {
  const store = new Store<StoredTask>();
  const latest = new Latest<StoredTask>(store);
  latest.remember(version('10'));
  expect(latest.get('vision/lane')).toBeUndefined();
});
