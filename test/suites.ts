// The suites of `make test`, and how many tests each says passed, failed and were skipped.
import { readFileSync } from 'node:fs';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Suite {
  name: string;
  command: readonly [string, ...string[]];
  /** The file, below build/tests, in which the suite leaves its counts. */
  report: string;
  read: (report: string) => Counts;
  /** Not every machine can run it; it is counted as skipped where one cannot. */
  optional?: boolean;
}

/** Counts of a jest `--json` report. A file that did not even start counts as one failure. */
export function readJest(report: string): Counts {
  const json = JSON.parse(report) as Record<string, number>;
  const unstarted = json['numRuntimeErrorTestSuites'] ?? 0;
  return {
    passed: json['numPassedTests'] ?? 0,
    failed: (json['numFailedTests'] ?? 0) + unstarted,
    skipped: (json['numPendingTests'] ?? 0) + (json['numTodoTests'] ?? 0),
  };
}

/** Counts of a JUnit report (pytest and ctest write one), summed over its suites. */
export function readJunit(report: string): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, attributes] of report.matchAll(/<testsuite\b([^>]*)>/g)) {
    const number = (key: string): number => Number(new RegExp(`\\b${key}="(\\d+)"`).exec(attributes ?? '')?.[1] ?? 0);
    const failed = number('failures') + number('errors');
    const skipped = number('skipped') + number('disabled');
    counts.failed += failed;
    counts.skipped += skipped;
    counts.passed += number('tests') - failed - skipped;
  }
  return counts;
}

/** Counts of a summary of our own: the acts of demo and cluster, the fuzz targets. */
export function readSummary(report: string): Counts {
  const { passed, failed, skipped = 0 } = JSON.parse(report) as { passed: number; failed: number; skipped?: number };
  return { passed, failed, skipped };
}

export const suites: readonly Suite[] = [
  {
    name: 'TypeScript',
    command: ['npm', 'test', '--', '--json', '--outputFile=build/tests/jest.json'],
    report: 'build/tests/jest.json',
    read: readJest,
  },
  {
    name: 'C++',
    command: [
      'ctest',
      '--test-dir',
      'build/native',
      '--output-on-failure',
      '--label-exclude',
      '^gpu$',
      '--output-junit',
      '../tests/ctest.xml',
    ],
    report: 'build/tests/ctest.xml',
    read: readJunit,
  },
  {
    name: 'Queues under ThreadSanitizer',
    command: ['hack/sanitize.sh', 'tsan', '-L', 'queues', '--output-junit', '../tests/tsan.xml'],
    report: 'build/tests/tsan.xml',
    read: readJunit,
  },
  { name: 'Fuzz', command: ['node', 'test/fuzz/run.ts', '30'], report: 'build/tests/fuzz.json', read: readSummary },
  {
    name: 'Model tool',
    command: ['build/venv/bin/pytest', 'models/tests', '--junitxml=build/tests/pytest.xml'],
    report: 'build/tests/pytest.xml',
    read: readJunit,
  },
  { name: 'Demo', command: ['node', 'test/e2e/demo.ts'], report: 'build/demo/summary.json', read: readSummary },
  {
    name: 'Cluster with a real node',
    command: ['make', '--no-print-directory', 'e2e'],
    report: 'build/cluster/summary.json',
    read: readSummary,
    optional: true,
  },
];

/** What a suite that has ended says. No readable report, or no test in it, or an exit status that the counts do not explain: a failure. */
export function countsOf(suite: Pick<Suite, 'report' | 'read' | 'optional'>, exitStatus: number): Counts {
  let counts: Counts;
  try {
    counts = suite.read(readFileSync(suite.report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const nothing = counts.passed + counts.failed === 0 && !(suite.optional === true && counts.skipped > 0);
  const unexplained = (exitStatus !== 0 && counts.failed === 0) || nothing;
  return unexplained ? { ...counts, failed: counts.failed + 1 } : counts;
}

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (total, each) => ({
      passed: total.passed + each.passed,
      failed: total.failed + each.failed,
      skipped: total.skipped + each.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

export function describe({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
