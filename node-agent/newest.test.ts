import { expect, test } from '@jest/globals';
import { Store } from '../kube/store.ts';
import type { RealtimeInferenceTask } from '../api/resources.ts';
import { Newest } from './newest.ts';
import type { StoredTask } from './resources.ts';
import { storedTask } from './testing/fixtures.ts';

function version(resourceVersion: string, uid = 'u1'): StoredTask {
  const task = storedTask(uid, {}, 'name');
  return { ...task, metadata: { name: 'name', namespace: 'default', uid, resourceVersion } };
}

test.each([
  ['our write, while the watch lags', version('9'), version('10'), '10'],
  ['the watch, once it has caught up', version('10'), version('10'), '10'],
  ['the watch, once it is further', version('11'), version('10'), '11'],
  ['the watch, where the object was created anew', version('9', 'u2'), version('10'), '9'],
])('the newest is %s', (_, watched, answered, expected) => {
  const store = new Store<RealtimeInferenceTask>();
  store.set(watched);
  const newest = new Newest(store);
  newest.put(answered);
  expect(newest.list().map((task) => task.metadata.resourceVersion)).toEqual([expected]);
});

test('what the watch does not have is not there, whatever a write once answered', () => {
  const newest = new Newest(new Store<RealtimeInferenceTask>());
  newest.put(version('10'));
  expect(newest.list()).toEqual([]);
});

test('an older answer does not come back after the watch was ahead of it', () => {
  const store = new Store<RealtimeInferenceTask>();
  const newest = new Newest(store);
  store.set(version('11'));
  newest.put(version('10'));
  expect(newest.list()[0]?.metadata.resourceVersion).toBe('11');
});
