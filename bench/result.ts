// A benchmark's result: figures with the machine and the commit that they were measured on, as JSON.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';

export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest-rank percentiles; `values` must not be empty. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('a spread needs at least one value');
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (p: number): number => round(sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN);
  return { count: sorted.length, min: rank(0), p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

export function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** This one. */
export function machine(): object {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release().split('-')[0],
  };
}

/** Of this tree. */
export function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const dirty = git('status', '--porcelain', '--', ':!bench/results') !== '';
  return git('rev-parse', '--short=12', 'HEAD') + (dirty ? '-dirty' : '');
}

/** What was measured where; without one, this tree on this machine. */
export interface Origin {
  readonly machine: object;
  readonly commit: string;
}

/** Writes the file, with machine and commit beside the figures, and says so in one line. */
export function writeResult(
  path: string,
  figures: object,
  { machine: on, commit: of }: Origin = { machine: machine(), commit: commit() },
): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ machine: on, commit: of, ...figures }, null, 2)}\n`);
  process.stdout.write(`${path} written\n`);
}
