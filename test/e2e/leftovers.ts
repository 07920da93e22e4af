// Processes of a demo run, found by a mark in their environment, which children inherit: nothing that the run
// started can hide from it by being a child of a child.
import { readFileSync, readdirSync } from 'node:fs';

export const runVariable = 'DARIS_DEMO_RUN';

/** Process ids and command lines that carry the mark of the run, this process excepted. */
export function processesOfRun(run: string): string[] {
  const mark = `${runVariable}=${run}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => readProc(pid, 'environ').split('\0').includes(mark))
    .map((pid) => `${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()}`);
}

/** Empty for a process that has just ended, or is a zombie, or belongs to another user. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
