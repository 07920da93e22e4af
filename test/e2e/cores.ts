// Which CPU cores this process may use, in the kernel's notation of lists, and what each part of the system gets of them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** `0-2,5` → [0, 1, 2, 5]. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      if (!/^\d+(-\d+)?$/.test(range) || last < first) {
        throw new Error(`"${text}" is not a list of CPUs like 0-3,5`);
      }
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

export function allowedCores(): number[] {
  const line = readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(\S+)$/m);
  return parseCpuList(line?.[1] ?? '');
}

export interface CoreDivision {
  /** The one core that each of the two nodes gives to inference, as statically managed CPUs would be given. */
  inference: readonly [node1: number, node2: number];
  /** What everything else runs on. */
  others: readonly number[];
}

/**
 * node-1 has the last core. node-2 has the one before, which is its own from three cores on; of two, it is the one that
 * everything else runs on, and a single core is shared by all.
 */
export function divideCores(cores: readonly number[]): CoreDivision {
  const node1 = cores.at(-1);
  if (node1 === undefined) throw new RangeError('at least one core is needed');
  const node2 = cores.at(-2) ?? node1;
  return { inference: [node1, node2], others: cores.slice(0, Math.max(1, cores.length - 2)) };
}

/** Moves this process, and so all that it starts from now on, to some cores; the runtime pins its own threads. */
export function keepTo(cores: readonly number[]): void {
  execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', cores.join(','), String(process.pid)], {
    stdio: 'ignore',
  });
}
