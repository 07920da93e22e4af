// Which CPU cores this process may use, in the kernel's notation of lists.
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
  /** The one core given to inference, as a node with statically managed CPUs would give it. */
  inference: number;
  /** What everything else runs on: all others, or the same core where there is only one. */
  others: readonly number[];
}

export function divideCores(cores: readonly number[]): CoreDivision {
  const inference = cores.at(-1);
  if (inference === undefined) throw new RangeError('at least one core is needed');
  return { inference, others: cores.length > 1 ? cores.slice(0, -1) : cores };
}

/** Moves this process, and so all that it starts from now on, to some cores; the runtime pins its own threads. */
export function keepTo(cores: readonly number[]): void {
  execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', cores.join(','), String(process.pid)], {
    stdio: 'ignore',
  });
}
