import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe as group, expect, test } from '@jest/globals';
import { countsOf, readSummary, readJest, readJunit, sum } from './suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'suites-'));
afterAll(() => rmSync(folder, { recursive: true }));

function reportOf(text: string): string {
  const path = join(folder, 'report');
  writeFileSync(path, text);
  return path;
}

group('reports', () => {
  test('jest: a suite that did not start is a failure', () => {
    const report = JSON.stringify({
      numPassedTests: 3,
      numFailedTests: 1,
      numPendingTests: 2,
      numRuntimeErrorTestSuites: 1,
    });
    expect(readJest(report)).toEqual({ passed: 3, failed: 2, skipped: 2 });
  });

  test('pytest nests its suite, ctest does not', () => {
    const pytest =
      '<testsuites name="x"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="5"></testsuite></testsuites>';
    expect(readJunit(pytest)).toEqual({ passed: 2, failed: 2, skipped: 1 });
    expect(readJunit('<testsuite name="c" tests="4" failures="0" disabled="1" skipped="0" time="1">')).toEqual({
      passed: 3,
      failed: 0,
      skipped: 1,
    });
  });
});

group('countsOf', () => {
  test.each([
    ['no report', undefined, 0, { passed: 0, failed: 1, skipped: 0 }],
    ['no test ran', '{"passed":0,"failed":0}', 0, { passed: 0, failed: 1, skipped: 0 }],
    ['exit status without a failure', '{"passed":2,"failed":0}', 1, { passed: 2, failed: 1, skipped: 0 }],
    ['a failure explains the status', '{"passed":2,"failed":1}', 1, { passed: 2, failed: 1, skipped: 0 }],
    ['all is well', '{"passed":2,"failed":0}', 0, { passed: 2, failed: 0, skipped: 0 }],
  ])('%s', (_, text, status, expected) => {
    const report = text === undefined ? join(folder, 'absent') : reportOf(text);
    expect(countsOf({ report, read: readSummary }, status)).toEqual(expected);
  });

  const skipped = '{"passed":0,"failed":0,"skipped":1}';
  test.each([
    ['one that some machines cannot run', true, skipped, 0, { passed: 0, failed: 0, skipped: 1 }],
    ['such a one that ended badly', true, skipped, 1, { passed: 0, failed: 1, skipped: 1 }],
    ['such a one that did not run at all', true, '{"passed":0,"failed":0}', 0, { passed: 0, failed: 1, skipped: 0 }],
    ['one that all can', false, skipped, 0, { passed: 0, failed: 1, skipped: 1 }],
  ])('all skipped: %s', (_, optional, text, status, expected) => {
    expect(countsOf({ report: reportOf(text), read: readSummary, optional }, status)).toEqual(expected);
  });
});

test('sum adds suite by suite', () => {
  expect(
    sum([
      { passed: 1, failed: 2, skipped: 3 },
      { passed: 4, failed: 5, skipped: 6 },
    ]),
  ).toEqual({
    passed: 5,
    failed: 7,
    skipped: 9,
  });
});
