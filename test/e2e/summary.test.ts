import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { closingLine, describeOutcome, perform, succeeded, summarize, writeSummary } from './summary.ts';

const good = () => Promise.resolve({ figures: { load: 0.7 }, failures: [] });
const bad = () => Promise.resolve({ figures: { load: 0.5 }, failures: ['load is 0.5, wanted at least 0.6'] });
const broken = () => Promise.reject(new Error('timed out'));

test('an act passes only without failures; one that throws has failed with its error', async () => {
  const outcomes = [await perform(1, 'a', good), await perform(2, 'b', bad), await perform(3, 'c', broken)];
  expect(outcomes.map(({ passed }) => passed)).toEqual([true, false, false]);
  expect(outcomes[2]?.failures).toEqual(['timed out']);
  const summary = summarize(outcomes, 12.34);
  expect(closingLine(summary)).toBe('demo: 1 passed, 2 failed');
  expect(summary.seconds).toBe(12.3);
});

test('the closing line of a whole run is the promised one', async () => {
  const outcomes = await Promise.all(Array.from({ length: 7 }, (_, index) => perform(index + 1, 'act', good)));
  expect(closingLine(summarize(outcomes, 1))).toBe('demo: 7 passed, 0 failed');
});

test('success takes every act, not only the absence of failures', async () => {
  const summary = summarize([await perform(1, 'a', good)], 1);
  expect(succeeded(summary, 1)).toBe(true);
  expect(succeeded(summary, 7)).toBe(false);
  expect(succeeded(summarize([await perform(1, 'a', bad)], 1), 1)).toBe(false);
});

test('an outcome shows its figures, and each failure on a line of its own', async () => {
  const lines = describeOutcome({ ...(await perform(1, 'a', bad)), seconds: 2 });
  expect(lines).toEqual(['  FAILED in 2.0 s: load 0.5', '    ✗ load is 0.5, wanted at least 0.6']);
});

test('the file holds what the lines say', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daris-summary-'));
  try {
    const path = join(folder, 'demo', 'summary.json');
    const summary = summarize([await perform(1, 'a', good)], 1);
    writeSummary(path, summary);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(summary);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
