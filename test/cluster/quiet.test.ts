import { expect, test } from '@jest/globals';

import { usedTicks } from './quiet.ts';

test('ticks of a process in user and in system mode, whatever its name holds', () => {
  expect(usedTicks('42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 1 0 100 0 0')).toBe(42);
});
