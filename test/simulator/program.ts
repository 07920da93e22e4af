// Runs `daris-sim run` on a scenario and reads what it leaves.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Scenario } from './scenario.ts';

export const simulator = 'build/bin/daris-sim';
const timeoutMs = 120_000;

export interface Exit {
  /** The exit status; null where a signal ended it. */
  status: number | null;
  stderr: string;
}

export function runProgram(args: readonly string[]): Promise<Exit> {
  return new Promise((resolve) => {
    const child = execFile(simulator, args, { timeout: timeoutMs }, (_, __, stderr) => {
      resolve({ status: child.exitCode, stderr });
    });
  });
}

export interface Output {
  trace: string;
  summary: string;
}

/** Calls `body` with a new folder that is gone afterwards. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'daris-sim-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What the simulator writes for a valid scenario; an error with its own words where it refuses. */
export function simulated(scenario: Scenario): Promise<Output> {
  return inFolder(async (folder) => {
    const path = (name: string): string => join(folder, name);
    await writeFile(path('scenario.json'), JSON.stringify(scenario));
    const files = ['--trace', path('trace.jsonl'), '--summary', path('summary.json')];
    const { status, stderr } = await runProgram(['run', path('scenario.json'), ...files]);
    if (status !== 0) throw new Error(`daris-sim ended with ${status}: ${stderr}`);
    return {
      trace: await readFile(path('trace.jsonl'), 'utf8'),
      summary: await readFile(path('summary.json'), 'utf8'),
    };
  });
}
