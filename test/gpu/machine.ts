// Which GPU and driver a machine has, beside what bench/result.ts says of it.
import { execFileSync } from 'node:child_process';

/** Of the first of them; nothing where there is no driver. */
export function gpuOfMachine(): { gpu?: string; driver?: string } {
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader', '--id=0'];
  try {
    const [gpu, driver] = execFileSync('nvidia-smi', query, { encoding: 'utf8', timeout: 30_000 }).trim().split(', ');
    return gpu === undefined || driver === undefined ? {} : { gpu, driver };
  } catch {
    return {};
  }
}
