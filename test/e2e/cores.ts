// Which CPU cores this process may use, in the kernel's notation of lists.
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
