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
import type { JoiningFigures } from './joining.ts';
import type { BatchedSet } from './sets.ts';

const run = promisify(execFile);
const python = join(repositoryRoot, 'build', 'venv', 'bin', 'python');

async function experiment(name: string, folder: string, scale: number, limitS = 60): Promise<Document> {
  const places = ['--bundle', join(repositoryRoot, 'build', 'bin'), '--packages', folder, '--out', folder];
  const args = [
    '-m',
    'experiments',
    name,
    ...places,
    '--engine=sim',
    '--core=0',
    `--scale=${scale}`,
    `--limit=${limitS}`,
  ];
  const env = { ...process.env, PYTHONPATH: join(repositoryRoot, 'bench', 'gpu') };
  await run(python, args, { env, timeout: (limitS + 40) * 1000 });
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

/** Packages of engine sim whose stages take no longer for a batch than for one. */
async function writeJoinedPackages(folder: string): Promise<void> {
  const capacities = [1, 2, 4, 8, 16, 32, 64, 128];
  for (const name of ['resnet18', 'resnet50']) {
    await writeSimulatedPackage(folder, { name: `${name}-joined`, stages: ['5ms', '5ms'], batches: capacities });
    await writeSimulatedPackage(folder, { name: `${name}-whole`, stages: ['40ms'], batches: [1, 32, 128, 256] });
  }
  await writeSimulatedPackage(folder, { name: 'squeezenet-whole', stages: ['100us'] });
}

test('tasks of one model are joined, and held against rules of queues', async () => {
  await inFolder(async (folder) => {
    await writeJoinedPackages(folder);
    const document = await experiment('joining', folder, 0.1, 120);
    const { models, mixed } = figuresOf(document) as JoiningFigures;
    expect(models.map(({ model }) => model)).toEqual(['resnet18', 'resnet50']);
    for (const { rows, beside, copied, triton, failed, notRun } of models) {
      expect({ failed, notRun }).toEqual({ failed: [], notRun: [] });
      expect(rows.map(({ offered }) => offered)).toEqual([0.3, 0.8, 0.95, 1.5]);
      for (const { offered, joined, freeLanes } of rows) {
        expect(joined?.high).toMatchObject({ rejected: 0 });
        expect(freeLanes?.low).toMatchObject({ rejected: 0 });
        if (offered > 1) expect(joined?.high.unitJobs).toBeGreaterThan(1);
      }
      expect(beside?.joined?.released).toBeGreaterThan(0);
      expect(copied?.freeLanes?.jobsPerS).toBeGreaterThan(0);
      expect(triton.map(({ delayUs }) => delayUs)).toEqual([0, 500, 1000, 2000, 5000, 0, 500, 1000, 2000, 5000]);
    }
    expect(mixed).toBeUndefined(); // two of its models have no packages here
  });
}, 200_000);
