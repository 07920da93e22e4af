import { expect, test } from '@jest/globals';

import type { Kill } from '../test/gpu/kill.ts';
import { renderTable } from './benchmark-table.ts';
import { severalPart, severalRows, type SeveralResult } from './several-page.ts';

const kill = (changes: Partial<Kill['others'][number]> = {}): Kill => ({
  gpu: 'GPU-0',
  tasks: 3,
  servedAgainSeconds: 14.1,
  releasedBefore: 10,
  releasedAfter: 20,
  others: [{ gpu: 'GPU-1', sameRuntime: true, released: 1_846, missed: 0, ...changes }],
});
const result = (...kills: Kill[]): SeveralResult => ({
  machine: { gpu: 'NVIDIA H200', driver: '580.1' },
  commit: '0123456789ab',
  engine: 'torch',
  seconds: 60,
  readySeconds: 30,
  gpus: [{}, {}],
  profiles: [],
  tasks: [{}, {}, {}],
  trials: [
    { what: 'where tasks are', answer: 'a on GPU-0 | b on GPU-1', seconds: 0.2 },
    ...kills.map((each) => ({ what: 'SIGKILL', answer: 'words', seconds: 15, kill: each })),
  ],
});

test('a goal for all kills together: nothing missed elsewhere', () => {
  const table = renderTable(severalRows(result(kill(), { ...kill(), tasks: 2, servedAgainSeconds: 3 })));
  expect(table).toContain('of each of 2 GPUs in turn');
  expect(table).toContain('| 0; all | 0 of 3,692; 3 after 14.1 s, 2 after 3.0 s |');
});

test.each<[what: string, changes: Partial<Kill['others'][number]>, words: string]>([
  ['a job missed elsewhere', { missed: 2 }, '2 of 1,846; 3 after'],
  ['a runtime that began anew', { sameRuntime: false }, '0 of 1,846, 1 of their runtimes began anew; 3 after'],
])('%s misses it', (_what, changes, words) => {
  const table = renderTable(severalRows(result(kill(changes))));
  expect(table).toContain(`| 0; all, **not reached** | ${words}`);
});

test('so does a kill after which nobody saw its tasks again', () => {
  const seen = result(kill());
  const trials = [...seen.trials, { what: 'SIGKILL', answer: 'NOT SEEN: timeout', seconds: 60 }];
  expect(severalRows({ ...seen, trials })[0]?.goal?.reached).toBe(false);
  expect(severalRows(result())).toEqual([]);
});

test('the page says on what it was seen, and has each trial in a row of its own', () => {
  const page = severalPart(result(kill())).join('\n\n');
  expect(page).toContain('2 × NVIDIA H200, driver 580.1, engine torch, 3 tasks, commit 0123456789ab.');
  expect(page).toContain('| where tasks are | a on GPU-0 \\| b on GPU-1 | 0.2 |');
  expect(page).toContain('| SIGKILL | words | 15.0 |');
});
