import { expect, test } from '@jest/globals';

import { allowedCores, divideCores, parseCpuList } from './cores.ts';

test.each([
  ['0', [0]],
  ['0-1', [0, 1]],
  ['0-2,5,8-9', [0, 1, 2, 5, 8, 9]],
])('the list %s is %j', (text, cores) => {
  expect(parseCpuList(text)).toEqual(cores);
});

test.each(['', 'a', '3-1', '1-'])('"%s" is refused', (text) => {
  expect(() => parseCpuList(text)).toThrow('is not a list of CPUs like 0-3,5');
});

test('this process may use at least one core', () => {
  expect(allowedCores().length).toBeGreaterThanOrEqual(1);
});

test.each([
  ['each node has a core of its own', [0, 1, 2, 5], { inference: [5, 2], others: [0, 1] }],
  ['of three, one is left for all else', [0, 1, 5], { inference: [5, 1], others: [0] }],
  ['of two, the second node is beside all else', [0, 1], { inference: [1, 0], others: [0] }],
  ['a single one is shared', [3], { inference: [3, 3], others: [3] }],
])('division of cores: %s', (_name, cores, division) => {
  expect(divideCores(cores)).toEqual(division);
});

test('there is nothing to divide without a core', () => {
  expect(() => divideCores([])).toThrow('at least one core is needed');
});
