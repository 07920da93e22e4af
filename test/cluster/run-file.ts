// What is known of the cluster that is up: written by the process that keeps it, read by all commands.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import { isOfRun } from './leftovers.ts';
import { places } from './places.ts';

export interface Run {
  /** Mark in the environment of its processes. */
  readonly id: string;
  readonly keeperPid: number;
  /** Root of the checkout that started it. */
  readonly checkout: string;
  /** Of the administrator; absent until the cluster is up. */
  readonly kubeconfig?: string;
}

export function writeRun(run: Run): void {
  mkdirSync(places.runDir, { recursive: true });
  const draft = `${places.runFile}.draft`;
  writeFileSync(draft, JSON.stringify(run));
  renameSync(draft, places.runFile);
}

/** Undefined where no cluster is kept; what a killed run has left may still be there. */
export function currentRun(): Run | undefined {
  const run = readRun();
  return run !== undefined && isOfRun(run.keeperPid, run.id) ? run : undefined;
}

function readRun(): Run | undefined {
  try {
    return JSON.parse(readFileSync(places.runFile, 'utf8')) as Run;
  } catch {
    return undefined;
  }
}
