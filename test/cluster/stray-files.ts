// The few files that kubelet and containerd write outside the folders that they are given, found by what is in them.
import { readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { places } from './places.ts';

const strays = [
  /** Links to the logs of containers. */
  { folder: '/var/log/containers', content: readlinkSync, ours: places.logDir },
  /** Addresses of pods, kept for their deletion. */
  { folder: '/var/lib/cni/results', content: (path: string) => readFileSync(path, 'utf8'), ours: places.runDir },
];

export function removeStrayFiles(): void {
  for (const { folder, content, ours } of strays) {
    const known = filesOf(folder).filter((path) => or('', () => content(path)).includes(`${ours}/`));
    for (const path of known) rmSync(path, { force: true });
  }
}

function filesOf(folder: string): string[] {
  return or([], () => readdirSync(folder)).map((name) => join(folder, name));
}

/** What cannot be read is not there, or is of another kind and so not ours. */
function or<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
