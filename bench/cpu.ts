// CPU time of processes, from /proc.
import { readFileSync } from 'node:fs';

/** The kernel's unit of such times (USER_HZ), the same on every Linux that people run. */
const ticksPerSecond = 100;

/** CPU seconds of a process so far, user and system, its waited-for children apart. */
export function cpuSecondsIn(stat: string): number {
  // The second field is the program's name in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]].map(Number);
  if (user === undefined || system === undefined || Number.isNaN(user + system)) {
    throw new TypeError(`not the stat of a process: ${stat.slice(0, 200)}`);
  }
  return (user + system) / ticksPerSecond;
}

/** By the names that `processes` gives them; those of one name are summed. */
export function cpuSeconds(processes: readonly (readonly [name: string, pid: number])[]): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const [name, pid] of processes) {
    const used = cpuSecondsIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    seconds.set(name, (seconds.get(name) ?? 0) + used);
  }
  return seconds;
}

export interface CpuShare {
  readonly cpuSeconds: number;
  /** Of all that these processes used. */
  readonly share: number;
}

export function cpuShares(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Record<string, CpuShare> {
  const used = [...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const);
  const total = used.reduce((sum, [, seconds]) => sum + seconds, 0);
  const shareOf = (seconds: number): CpuShare => ({
    cpuSeconds: Math.round(seconds * 100) / 100,
    share: total === 0 ? 0 : Math.round((seconds / total) * 1000) / 1000,
  });
  return Object.fromEntries(used.map(([name, seconds]) => [name, shareOf(seconds)]));
}
