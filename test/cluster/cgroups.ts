// The control groups below which the node's pods are: one folder in each hierarchy (version 1) or in the only one (version 2).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import { cgroupRoot } from './places.ts';

/** Mount points of the hierarchies, as this process sees them. */
function hierarchies(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => line.split(' - '))
    .filter(([, right = '']) => /^cgroup2? /.test(right))
    .map(([left = '']) => left.split(' ')[4] ?? '')
    .filter((path) => path !== '');
}

export function createCgroupRoot(): void {
  for (const path of hierarchies()) mkdirSync(join(path, cgroupRoot), { recursive: true });
}

/** Ids of all processes in the node's pods. */
export function podProcesses(): number[] {
  const ids = folders().flatMap((folder) => readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n'));
  return [...new Set(ids.filter((id) => id !== '').map(Number))];
}

/** Ids of the processes in one container. */
export function containerProcesses(containerId: string): number[] {
  const folder = folders().find((path) => basename(path) === containerId);
  if (folder === undefined) throw new Error(`no control group of the node is called ${containerId}`);
  return readFileSync(join(folder, 'cgroup.procs'), 'utf8').trim().split('\n').map(Number);
}

/** Only empty groups can be removed: their processes must have ended. */
export function removeCgroups(): void {
  for (const folder of folders().toReversed()) rmdirSync(folder);
}

/** The node's groups, parents before their children. */
function folders(): string[] {
  const roots = hierarchies().map((path) => join(path, cgroupRoot));
  return roots.filter((root) => existsSync(root)).flatMap((root) => [root, ...childrenOf(root)]);
}

function childrenOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .flatMap((child) => [child, ...childrenOf(child)]);
}
