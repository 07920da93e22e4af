// Makes a result of what bench/gpu/overhead.sh left on a machine with a GPU: `node bench/gpu/collect.ts FOLDER [PATH]`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeResult, type Origin } from '../result.ts';

interface Round {
  readonly jobsPerS: number;
  readonly jobUs: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number };
  readonly failed: number;
}

/** One document of gpu-bench: rounds of a bare loop and of the scheduler, which took turns. */
export interface OverheadRun {
  readonly model: string;
  readonly batch: number;
  readonly stages: number;
  readonly copies: boolean;
  readonly partition: {
    readonly mode: string;
    readonly contexts: number;
    readonly streamsPerContext: number;
    readonly oversubscription: number;
    readonly sms: readonly number[];
  };
  readonly afetUs: readonly number[];
  readonly bare: readonly Round[];
  readonly scheduled: readonly Round[];
  readonly scheduledToBare: number;
}

/** The figures of one partitioning; of the rounds of each kind the one with the middle rate. */
export function overheadFigures({ bare, scheduled, partition, ...run }: OverheadRun): object {
  const { sms, ...division } = partition;
  return {
    model: run.model,
    batch: run.batch,
    stages: run.stages,
    ...division,
    smsPerContext: sms[0],
    copies: run.copies,
    afetUs: run.afetUs,
    scheduledToBare: run.scheduledToBare,
    bare: figuresOf(middle(bare)),
    scheduled: figuresOf(middle(scheduled)),
  };
}

function figuresOf({ jobsPerS, jobUs, failed }: Round): Round {
  return { jobsPerS, jobUs, failed };
}

function middle(rounds: readonly Round[]): Round {
  const sorted = rounds.toSorted((a, b) => a.jobsPerS - b.jobsPerS);
  const round = sorted[Math.floor(sorted.length / 2)];
  if (round === undefined) throw new RangeError('a run needs at least one round of each kind');
  return round;
}

if (import.meta.main) {
  const folder = process.argv[2];
  if (folder === undefined) throw new Error('usage: node bench/gpu/collect.ts FOLDER [PATH]');
  const lines = readFileSync(join(folder, 'overhead.jsonl'), 'utf8').trim().split('\n');
  const { secondsEach, ...origin } = JSON.parse(readFileSync(join(folder, 'machine.json'), 'utf8')) as Origin & {
    secondsEach: number;
  };
  const runs = lines.map((line) => overheadFigures(JSON.parse(line) as OverheadRun));
  writeResult(process.argv[3] ?? 'bench/results/gpu.json', { secondsEach, runs }, origin);
}
