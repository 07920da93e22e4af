// The experiments as run.sh starts them, on engine sim: from plans to results. Figures of such runs mean nothing.
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../test/control-plane/paths.ts';
import { writeSimulatedPackage } from '../../test/simulated-package.ts';
import { figuresOf } from './collect.ts';
import type { Document } from './documents.ts';
import type { BatchedSet } from './sets.ts';

const run = promisify(execFile);
const python = join(repositoryRoot, 'build', 'venv', 'bin', 'python');

async function experiment(name: string, folder: string, scale: number): Promise<Document> {
  const places = ['--bundle', join(repositoryRoot, 'build', 'bin'), '--packages', folder, '--out', folder];
  const args = ['-m', 'experiments', name, ...places, '--engine=sim', '--core=0', `--scale=${scale}`, '--limit=60'];
  const env = { ...process.env, PYTHONPATH: join(repositoryRoot, 'bench', 'gpu') };
  await run(python, args, { env, timeout: 100_000 });
  return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Document;
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'experiments-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a task set is swept, and the best of it has figures', async () => {
  await inFolder(async (folder) => {
    await writeSimulatedPackage(folder, { name: 'unet', stages: ['2ms', '2ms'], batches: [1, 8] });
    await writeSimulatedPackage(folder, { name: 'unet-whole', stages: ['6ms'], batches: [8, 32, 64] });
    const { sets } = figuresOf(await experiment('sets-unet', folder, 0.05)) as { sets: BatchedSet[] };
    expect(sets).toHaveLength(1);
    for (const { pureBatching, sweep, best, failed } of sets) {
      expect(Object.keys(pureBatching)).toEqual(['8', '32', '64']);
      expect(sweep.length).toBeGreaterThan(1);
      expect(best.elementsPerS).toBeGreaterThan(0);
      expect(failed).toEqual([]);
      for (const { high } of sweep) expect(high.rejected).toBe(0);
    }
  });
}, 120_000);

test('jobs that move are told from jobs that stay', async () => {
  await inFolder(async (folder) => {
    await writeSimulatedPackage(folder, { name: 'resnet18', stages: ['500us', '500us'] });
    const figures = figuresOf(await experiment('migration', folder, 0.6));
    expect(figures).toMatchObject({ migratedUs: expect.anything(), stayedUs: expect.anything() });
  });
}, 120_000);

test('a bed that cannot be had is told of, and the others are run', async () => {
  await inFolder(async (folder) => {
    await writeSimulatedPackage(folder, { name: 'resnet18', stages: ['500us', '500us'] });
    const document = await experiment('identity', folder, 0.1);
    const { runs } = document as Document & { runs: { bed: string; error?: string }[] };
    const failed = runs.filter(({ error }) => error !== undefined);
    expect(failed.map(({ bed }) => bed)).toEqual(['resnet50 STR 1x8_1', 'resnet50 GC 4x2_2']);
    expect(figuresOf(document)).toMatchObject({ different: 0, gemmPassed: false });
  });
}, 120_000);
