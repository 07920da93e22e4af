import { expect, test } from '@jest/globals';

import { MissCause, type Miss, type ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import { windowBetween } from './counters.ts';
import { high, observedState, observedTask } from './observed.ts';
import { JobTally } from './tally.ts';

function jobs(released: number, missed = 0): ReturnType<typeof observedTask> {
  return observedTask('h', { released, missed }, { executionUs: released * 1000 });
}

test('a task that moves is counted on, whatever its new runtime was given to begin with', () => {
  const tally = new JobTally();
  tally.note('node-1', observedState(1_000_000, [jobs(100)], 'one'));
  const before = tally.figures();
  tally.note('node-1', observedState(2_000_000, [jobs(110, 1)], 'one'));
  // Its status was older: the counters fall back.
  tally.note('node-2', observedState(2_500_000, [jobs(60)], 'two'));
  tally.note('node-1', observedState(2_500_000, [], 'one'));
  tally.note('node-2', observedState(3_000_000, [jobs(65)], 'two'));
  const { seconds, tasks } = windowBetween(before, tally.figures(), [high]);
  expect(seconds).toBe(2);
  expect(tasks[0]?.jobs).toMatchObject({ released: 15, missed: 1 });
  expect(tasks[0]?.executionUs).toBe(15_000);
});

test('a runtime that was restarted begins anew', () => {
  const tally = new JobTally();
  tally.note('node-1', observedState(0, [jobs(100)], 'one'));
  tally.note('node-1', observedState(1, [jobs(40)], 'two'));
  tally.note('node-1', observedState(2, [jobs(43)], 'two'));
  expect(tally.figures().tasks[0]?.jobs?.released).toBe(3);
  expect(tally.stateOf('node-1')?.instanceId).toBe('two');
  expect(tally.stateOf('node-2')).toBeUndefined();
});

test('a task that comes back to a runtime that had forgotten it is not counted twice', () => {
  const tally = new JobTally();
  tally.note('node-1', observedState(0, [jobs(10)], 'one'));
  tally.note('node-1', observedState(1, [], 'one'));
  tally.note('node-1', observedState(2, [jobs(25)], 'one'));
  tally.note('node-1', observedState(3, [jobs(26)], 'one'));
  expect(tally.figures().tasks[0]?.jobs?.released).toBe(1);
});

test('the misses that a former runtime told of are not forgotten, nor told twice', () => {
  const missAt = (timeUs: number): Miss => ({ timeUs, lateUs: 100, cause: MissCause.MISS_CAUSE_QUEUED, behind: '' });
  const after = (...times: number[]): ObservedTask => ({ ...jobs(100), lastMisses: times.map(missAt) });
  const tally = new JobTally();
  tally.note('node-1', observedState(100, [after(50)], 'one'));
  const before = tally.figures();
  tally.note('node-1', observedState(200, [after(150, 50)], 'one'));
  tally.note('node-1', observedState(300, [], 'one'));
  tally.note('node-2', observedState(300, [after()], 'two'));
  tally.note('node-2', observedState(400, [after(350)], 'two'));
  const [task] = windowBetween(before, tally.figures(), [high]).tasks;
  expect(task?.lastMisses.map(({ timeUs }) => timeUs)).toEqual([350, 150]);
});
