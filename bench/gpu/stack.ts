// Makes a result of what test/gpu/stack.sh left: `node bench/gpu/stack.ts FOLDER DOCUMENT`. DOCUMENT is any experiment's, of the
// same machine and build: a machine with a GPU tells there what it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeResult, type Origin } from '../result.ts';

/** All that the cluster said after a minute, and how it answered each wrong input. */
export function stackFigures(summary: object, badInput: readonly object[]): object {
  return { ...summary, badInput };
}

if (import.meta.main) {
  const [folder, document] = process.argv.slice(2);
  if (folder === undefined || document === undefined) {
    process.stderr.write('usage: node bench/gpu/stack.ts FOLDER DOCUMENT\n');
    process.exit(2);
  }
  const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const figures = stackFigures(
    read(join(folder, 'summary.json')) as object,
    read(join(folder, 'bad-input.json')) as object[],
  );
  writeResult('bench/results/gpu-stack.json', figures, read(document) as Origin);
}
