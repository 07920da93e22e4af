// Packages that a GPU must refuse, each a copy of a good one with a single change.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { digestOf, variant } from '../integration/damaged-packages.ts';

interface Manifest {
  readonly builds: { arch: string; version: string }[];
  readonly artifacts: { arch: string; readonly file: string }[];
  readonly weights: { arch: string }[];
}

export interface BadPackage {
  readonly what: string;
  /** Of the model's condition Inspected. */
  readonly reason: string;
  /** Concerns compiled code. */
  readonly compiled: boolean;
  /** Changes the package in `folder`; answers its digest. */
  readonly change: (folder: string) => string;
}

function edit(folder: string, change: (manifest: Manifest) => void): string {
  const file = join(folder, 'model.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
  return digestOf(folder);
}

export const badPackages: readonly BadPackage[] = [
  {
    what: 'compiled for another SM architecture',
    reason: 'WrongBuild',
    compiled: true,
    change: (folder) =>
      edit(folder, ({ builds, artifacts, weights }) => {
        for (const each of [...builds, ...artifacts, ...weights]) each.arch = 'sm_75';
      }),
  },
  {
    what: 'compiled by another torch',
    reason: 'WrongBuild',
    compiled: true,
    change: (folder) =>
      edit(folder, ({ builds }) => {
        for (const build of builds) build.version = '2.9.1+cu130';
      }),
  },
  {
    what: 'an artifact with another digest',
    reason: 'DigestMismatch',
    compiled: false,
    change: (folder) => {
      const digest = variant(folder, 'damaged');
      const { artifacts } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Manifest;
      truncateSync(join(folder, artifacts[0]?.file ?? ''), 100);
      return digest;
    },
  },
];
