// What a run of the acts leaves behind: build/cluster/summary.json, and the line of counts at the end.
import { dirname, join } from 'node:path';

import { writeResult } from '../../bench/result.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { writeSummary, type Summary } from '../e2e/summary.ts';
import { places } from './places.ts';

export interface Report extends Summary {
  /** All acts as one, where the machine can have no node. */
  readonly skipped: number;
  /** Why. */
  readonly obstacle?: string;
}

export function skippedReport(obstacle: string): Report {
  return { passed: 0, failed: 0, skipped: 1, obstacle, seconds: 0, acts: [] };
}

export function writeReport(report: Report): void {
  writeSummary(join(dirname(places.logDir), 'summary.json'), report);
}

export function closingLine({ passed, failed, skipped }: Report): string {
  return `e2e: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** With machine and commit, for docs/operate.md. */
export function recordReport(report: Report): void {
  writeResult(join(repositoryRoot, 'bench', 'results', 'cluster.json'), report);
}
