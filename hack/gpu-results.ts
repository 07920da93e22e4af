// What bench/results holds of a GPU: one file for each experiment that was run.
import { existsSync, readFileSync } from 'node:fs';
import type { GpuResults } from './gpu-rows.ts';

const FILES: Readonly<Record<Exclude<keyof GpuResults, 'gpu'>, string>> = {
  overhead: 'overhead',
  peers: 'peers',
  sets: 'sets',
  unbatched: 'unbatched',
  migration: 'migration',
  identity: 'identity',
  loadBeside: 'load-beside',
  joining: 'joining',
  soak: 'soak',
  several: 'several',
};

/** The GPU's name is that of whichever experiment there is. */
export function readGpuResults(folder: string): GpuResults {
  const paths = Object.entries(FILES).map(([key, name]) => [key, `${folder}/gpu-${name}.json`] as const);
  const found = paths
    .filter(([, path]) => existsSync(path))
    .map(([key, path]) => [key, JSON.parse(readFileSync(path, 'utf8')) as { machine: { gpu?: string } }] as const);
  const gpu = found[0]?.[1].machine.gpu ?? 'GPU';
  return { gpu, ...Object.fromEntries(found) };
}
