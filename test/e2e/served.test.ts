import { expect, test } from '@jest/globals';

import type { RealtimeInferenceTask } from '../../api/resources.ts';
import { TaskPhase } from '../../node-agent/native/gen/runtime.ts';
import { observedState, observedTask } from './observed.ts';
import { servedUnder, strangers } from './served.ts';

function task(uid: string, node: string, epoch: number): RealtimeInferenceTask {
  const placement = { node, gpu: 'cpu-0', context: 0, epoch, gpuProduct: 'cpu', bookedUtilization: '0.1' };
  return { metadata: { uid, name: uid }, spec: {}, status: { placement } } as unknown as RealtimeInferenceTask;
}

const serving = TaskPhase.TASK_PHASE_SERVING;

test.each([
  ['serves it under its epoch', { epoch: 2, phase: serving }, true],
  ['still serves it under a former epoch', { epoch: 1, phase: serving }, false],
  ['is loading its model', { epoch: 2, phase: TaskPhase.TASK_PHASE_LOADING }, false],
  ['refuses it', { epoch: 2, phase: TaskPhase.TASK_PHASE_REFUSED }, false],
])('a runtime that %s', (_what, rest, served) => {
  const state = observedState(0, [observedTask('a', {}, rest)]);
  expect(servedUnder(task('a', 'node-1', 2), state) !== undefined).toBe(served);
});

test('a runtime that does not know the task, or says nothing, does not serve it', () => {
  expect(servedUnder(task('a', 'node-1', 1), observedState(0, []))).toBeUndefined();
  expect(servedUnder(task('a', 'node-1', 1), undefined)).toBeUndefined();
});

test('strangers are what a runtime knows although it is placed elsewhere, nowhere, or does not exist', () => {
  const nowhere = { metadata: { uid: 'c' }, spec: {} } as RealtimeInferenceTask;
  const tasks = [task('a', 'node-1', 1), task('b', 'node-2', 2), nowhere];
  const state = observedState(
    0,
    ['a', 'b', 'c', 'd'].map((uid) => observedTask(uid, {})),
  );
  expect(strangers('node-1', state, tasks)).toEqual(['b', 'c', 'd']);
  expect(strangers('node-2', state, tasks)).toEqual(['a', 'c', 'd']);
});
