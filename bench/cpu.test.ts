import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';
import { cpuSeconds, cpuSecondsIn, cpuShares } from './cpu.ts';

test('user and system time are read, whatever the program is called', () => {
  const stat = '42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 150 9 9 20 0 11 0 300 1 1';
  expect(cpuSecondsIn(stat)).toBe(4);
  expect(() => cpuSecondsIn('42 (a) S')).toThrow('not the stat of a process');
});

test('a process of this machine is read, and two of one name are summed', () => {
  const own = cpuSecondsIn(readFileSync('/proc/self/stat', 'utf8'));
  const both = cpuSeconds([
    ['agents', process.pid],
    ['agents', process.pid],
  ]);
  expect(both.get('agents')).toBeGreaterThanOrEqual(2 * own);
});

test('shares are of what was used between two looks', () => {
  const before = new Map([['kube-apiserver', 10]]);
  const after = new Map([
    ['kube-apiserver', 13],
    ['agents', 1],
  ]);
  expect(cpuShares(before, after)).toEqual({
    'kube-apiserver': { cpuSeconds: 3, share: 0.75 },
    agents: { cpuSeconds: 1, share: 0.25 },
  });
  expect(cpuShares(after, after)['agents']).toEqual({ cpuSeconds: 0, share: 0 });
});
