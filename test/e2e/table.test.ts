import { expect, test } from '@jest/globals';

import { high, low, observedState, observedTask } from './observed.ts';
import { alignColumns, renderLine, renderTable } from './table.ts';

const running = observedTask(
  'h',
  { released: 400, completed: 399, onTime: 399, missed: 0 },
  { context: 1, responseP99Us: 8_250, mretUs: 5_100, executionUs: 2_000_000, afetUs: 5_000 },
);

test('columns are aligned: text to the left, figures to the right', () => {
  expect(
    alignColumns([
      ['NAME', 'KIND', 'N'],
      ['a', 'b', '100'],
    ]),
  ).toEqual(['NAME  KIND    N', 'a     b     100']);
});

test('High tasks come first, and a task without figures shows dashes', () => {
  const lines = renderTable([observedState(0, [running])], [low, high]);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^front-camera +High +1 +400 +0 +399 +0 +0\.998 +8\.3 +5\.1 +0$/);
  expect(lines[2]).toMatch(/^sign-reader +Low( +-){9}$/);
});

test('a task that two nodes tell of is shown as the one with the newer epoch has it', () => {
  const moved = { ...running, epoch: 2, context: 0 };
  const lines = renderTable([observedState(0, [running]), observedState(0, [moved], 'two')], [high]);
  expect(lines[1]).toMatch(/^front-camera +High +0 /);
});

test('there is a table before the runtime has said anything', () => {
  expect(renderTable([], [high])).toHaveLength(2);
});

test('the line tells what happened since the one before', () => {
  const before = observedState(0, [observedTask('h', { released: 200, completed: 200 }, { executionUs: 1_005_000 })]);
  expect(renderLine(before, observedState(1_000_000, [running]), [high], 2)).toBe(
    '1 tasks; load 0.50; High 199 done, 0 missed; Low 0 done, 0 refused, 0 missed',
  );
});
