// Ending what a run of the cluster has left: processes by their ids, then mounts, control groups, network and folders.
// Everything is found by names that only the cluster has, so a run that was killed is cleared away by the next one.
import { readFileSync, readdirSync, rmSync } from 'node:fs';

import { waitFor } from '../control-plane/wait.ts';
import { podProcesses, removeCgroups } from './cgroups.ts';
import { command } from './command.ts';
import { removeNetwork } from './network.ts';
import { places, runVariable } from './places.ts';
import { removeStrayFiles } from './stray-files.ts';

const endTimeoutMs = 20_000;

/** What was found and ended; all zero after a clean end. */
export interface Leftovers {
  processes: number;
  mounts: number;
  networks: number;
}

export async function clearLeftovers(): Promise<Leftovers> {
  const processes = await endProcesses();
  const mounts = await unmountAll();
  const networks = (await removeNetwork()) ? 1 : 0;
  removeCgroups();
  removeStrayFiles();
  for (const folder of [places.runDir, places.stateDir]) rmSync(folder, { recursive: true, force: true });
  return { processes, mounts, networks };
}

/** Whether the process carries the mark of this run, so that a number used again is not taken for it. */
export function isOfRun(pid: number, run: string): boolean {
  return environmentOf(pid).includes(`${runVariable}=${run}`);
}

/** The daemons and shims first, which would start others; then what is in the pods, which does not carry the mark. */
async function endProcesses(): Promise<number> {
  const ended = new Set<number>();
  const remaining = (): number[] => [...markedProcesses(), ...podProcesses()];
  const endAll = (): true | undefined => {
    const ids = remaining();
    for (const id of ids) {
      ended.add(id);
      end(id);
    }
    return ids.length === 0 ? true : undefined;
  };
  await waitFor(endAll, { what: 'the processes of the cluster to end', timeoutMs: endTimeoutMs });
  return ended.size;
}

function end(id: number): void {
  try {
    process.kill(id, 'SIGKILL');
  } catch {
    // It ended by itself since it was found.
  }
}

function markedProcesses(): number[] {
  const ids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  const others = ids.map(Number).filter((id) => id !== process.pid);
  return others.filter((id) => environmentOf(id).some((variable) => variable.startsWith(`${runVariable}=`)));
}

/** Empty for a process that has just ended, or is a zombie. */
function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Containers' roots, volumes and network namespaces; the last mounted first. */
async function unmountAll(): Promise<number> {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  const ours = lines
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => [places.runDir, places.stateDir].some((folder) => path.startsWith(`${folder}/`)));
  for (const path of ours.toReversed()) await command('umount', ['--lazy', path]);
  return ours.length;
}
