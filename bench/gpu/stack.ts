// Makes a result of what test/gpu/stack.sh left: `node bench/gpu/stack.ts FOLDER [DOCUMENT]`. Of a run on one GPU it is gpu-stack,
// of one on several gpu-several. DOCUMENT is any experiment's of the same machine and build: it tells what these are where the
// folder does not.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Trial } from '../../test/gpu/several-gpus.ts';
import type { StackSummary } from '../../test/gpu/stack-summary.ts';
import { writeResult, type Origin } from '../result.ts';

/** All that the cluster said after a while of serving. */
export interface Served extends StackSummary {
  readonly engine: string;
  /** How long. */
  readonly seconds: number;
  /** From the start of the control plane until all tasks were Ready. */
  readonly readySeconds: number;
}

/** Then it was tried what the GPUs of one node are to each other. */
export interface SeveralFigures extends Served {
  readonly trials: readonly Trial[];
}

/** And how it answered each wrong input. */
export function stackFigures(summary: Served, badInput: readonly object[]): object {
  return { ...summary, badInput };
}

export function severalFigures(summary: Served, trials: readonly Trial[]): SeveralFigures {
  return { ...summary, trials };
}

if (import.meta.main) {
  const [folder, document] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write('usage: node bench/gpu/stack.ts FOLDER [DOCUMENT]\n');
    process.exit(2);
  }
  const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const { machine, commit, ...summary } = read(join(folder, 'summary.json')) as Served & Origin;
  const origin = document === undefined ? { machine, commit } : (read(document) as Origin);
  const several = join(folder, 'several-gpus.json');
  if (existsSync(several)) {
    writeResult('bench/results/gpu-several.json', severalFigures(summary, read(several) as Trial[]), origin);
  } else {
    const badInput = read(join(folder, 'bad-input.json')) as object[];
    writeResult('bench/results/gpu-stack.json', stackFigures(summary, badInput), origin);
  }
}
