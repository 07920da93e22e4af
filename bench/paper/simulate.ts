// Runs scenarios on daris-sim, as many at a time as there are cores, with a line of progress now and then.
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Tally } from '../../test/simulator/reference/summary.ts';
import { smsOf } from './model.ts';
import { nameOf, scenarioOf, type Run } from './scenario.ts';

const SIMULATOR = 'build/bin/daris-sim';
const FOLDER = 'build/paper';
const TIMEOUT_MS = 120_000;

export interface PriorityFigures {
  readonly released: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly missed: number;
  /** Of admitted jobs. */
  readonly missRate: number;
  readonly onTimeRate: number;
  readonly responseUs: { readonly p50: number; readonly p99: number; readonly max: number } | null;
}

export interface Simulated {
  readonly configuration: string;
  readonly smsPerContext: number;
  readonly jobsPerS: number;
  /** Inputs a second: jobs times batch. */
  readonly inferencesPerS: number;
  /** Of the time of all streams, in which stages ran. */
  readonly busy: number;
  readonly high: PriorityFigures;
  readonly low: PriorityFigures;
}

interface Summary {
  readonly priorities: { readonly High: Tally; readonly Low: Tally };
  readonly tasks: readonly Tally[];
  readonly gpus: readonly { readonly utilization: number }[];
  readonly events: number;
}

function round(rate: number): number {
  return Number(rate.toFixed(6));
}

function priorityFigures({ released, rejected, skipped, missed, dmr, onTimeRate, responseUs }: Tally): PriorityFigures {
  const { p50, p99, max } = responseUs;
  const times = p50 === null || p99 === null || max === null ? null : { p50, p99, max };
  return {
    released,
    rejected,
    skipped,
    missed,
    missRate: round(dmr),
    onTimeRate: round(onTimeRate),
    responseUs: times,
  };
}

function figuresOf({ sets, partitioning, durationUs }: Run, summary: Summary): Simulated {
  const seconds = durationUs / 1e6;
  const batches = sets.flatMap(({ high, low, job }) => Array.from({ length: high + low }, () => job.batch));
  const inferences = summary.tasks.reduce((all, { completed }, i) => all + completed * (batches[i] ?? 0), 0);
  const jobs = summary.tasks.reduce((all, { completed }) => all + completed, 0);
  const { contexts, oversubscription } = partitioning;
  return {
    configuration: nameOf(partitioning),
    smsPerContext: smsOf(sets[0]?.job.sms ?? 0, contexts, oversubscription),
    jobsPerS: Math.round(jobs / seconds),
    inferencesPerS: Math.round(inferences / seconds),
    busy: round(summary.gpus[0]?.utilization ?? 0),
    high: priorityFigures(summary.priorities.High),
    low: priorityFigures(summary.priorities.Low),
  };
}

async function runProgram(args: readonly string[]): Promise<void> {
  const child = spawn(SIMULATOR, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: TIMEOUT_MS });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status !== 0) throw new Error(`${SIMULATOR} ended with ${status ?? 'a signal'}: ${errors}`);
}

/** Counts what all runs together did. */
export class Simulator {
  events = 0;
  runs = 0;

  /** `trace`, where it is given, sees the lines of each trace before they are gone. */
  async run(run: Run, trace?: (lines: string) => void): Promise<Simulated> {
    this.runs += 1;
    const path = (name: string): string => `${FOLDER}/${id}-${name}`;
    const id = this.runs;
    await mkdir(FOLDER, { recursive: true });
    await writeFile(path('scenario.json'), JSON.stringify(scenarioOf(run)));
    const files = ['--summary', path('summary.json'), ...(trace ? ['--trace', path('trace.jsonl')] : [])];
    await runProgram(['run', path('scenario.json'), ...files]);
    const summary = JSON.parse(await readFile(path('summary.json'), 'utf8')) as Summary;
    if (trace) trace(await readFile(path('trace.jsonl'), 'utf8'));
    for (const name of ['scenario.json', 'summary.json', 'trace.jsonl']) await rm(path(name), { force: true });
    this.events += summary.events;
    return figuresOf(run, summary);
  }

  /** In their order. */
  async all(what: string, runs: readonly Run[]): Promise<Simulated[]> {
    const results: Simulated[] = [];
    let [next, done] = [0, 0];
    const lane = async (): Promise<void> => {
      for (let at = next++; at < runs.length; at = next++) {
        const run = runs[at];
        if (run === undefined) return;
        results[at] = await this.run(run);
        done += 1;
        if (done % 20 === 0 || done === runs.length) process.stdout.write(`  ${what}: ${done} of ${runs.length}\n`);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, lane));
    return results;
  }
}
