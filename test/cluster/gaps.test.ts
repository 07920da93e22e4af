// The longest time in which a task completed nothing, over states of one runtime and of the one that follows it.
import { expect, test } from '@jest/globals';

import { observedState, observedTask } from '../e2e/observed.ts';
import { Gaps } from './gaps.ts';

function noted(...states: (readonly [seconds: number, completed: number, instance?: string])[]): Gaps {
  const gaps = new Gaps();
  for (const [seconds, completed, instance] of states) {
    gaps.note(observedState(seconds * 1e6, [observedTask('h', { completed })], instance));
  }
  return gaps;
}

test('a gap is from one completed job to the next', () => {
  expect(noted([0, 1], [1, 2], [2, 2], [4, 2], [5, 3], [6, 4]).seconds(['h'])).toBe(4);
});

test('it spans runtimes: the first state of another one tells of no job that it completed', () => {
  expect(noted([0, 1], [1, 5], [9, 3, 'two'], [10, 4, 'two'], [11, 5, 'two']).seconds(['h'])).toBe(9);
});

test('one that has not ended counts until now', () => {
  expect(noted([0, 1], [7, 1]).seconds(['h'])).toBe(7);
});

test('after a restart only what was seen since counts, from its begin', () => {
  const gaps = noted([0, 1], [9, 2]);
  gaps.restart();
  gaps.note(observedState(10e6, [observedTask('h', { completed: 3 })]));
  expect(gaps.seconds(['h'])).toBe(1);
});

test('a task that no runtime told of has no figure', () => {
  expect(noted([0, 1]).seconds(['h', 'unknown'])).toBeNaN();
});
