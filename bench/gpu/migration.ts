// Response times of jobs that moved to another context at their release, against those of jobs that stayed.
import { firstWindow, loadRuns, middle, type Document, type Line, type Times } from './documents.ts';

export interface MigrationDocument extends Document {
  readonly runs: readonly Line[];
}

export interface MigrationFigures {
  readonly jobs: number;
  readonly migratedUs: Times;
  readonly stayedUs: Times;
  /** Range of the rounds' medians of jobs that stayed: what differs without any move. */
  readonly noiseUs: number;
  readonly addsUs: number;
}

/** The middle round's figures; noise is that of the medians of all rounds, one microsecond at least. */
export function migrationFigures({ runs }: MigrationDocument): MigrationFigures {
  const windows = loadRuns(runs).map((run) => firstWindow(run).low);
  const moved = windows.flatMap(({ migratedUs, migrated }) =>
    migratedUs === undefined ? [] : [{ migratedUs, migrated }],
  );
  const stayed = windows.flatMap(({ stayedUs, migrated, responseUs }) => {
    const us = migrated > 0 ? stayedUs : responseUs;
    return us ? [us] : [];
  });
  const { migratedUs } = middle(moved, (each) => each.migratedUs.p50);
  const stayedUs = middle(stayed, ({ p50 }) => p50);
  const medians = stayed.map(({ p50 }) => p50);
  return {
    jobs: moved.reduce((all, { migrated }) => all + migrated, 0),
    migratedUs,
    stayedUs,
    noiseUs: Math.max(Math.max(...medians) - Math.min(...medians), 1),
    addsUs: migratedUs.p50 - stayedUs.p50,
  };
}
