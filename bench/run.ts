// `make bench`: runs the benchmarks one after the other, each writing its JSON under bench/results.
import { spawnSync } from 'node:child_process';

import { writeResult } from './result.ts';

/** Native programs print their figures; those in TypeScript write their own result. */
const benchmarks: readonly { name: string; native: boolean; command: readonly [string, ...string[]] }[] = [
  { name: 'runtime', native: true, command: ['build/bin/runtime-bench', '--models=build/models'] },
  { name: 'sched', native: false, command: ['node', 'bench/sched.bench.ts'] },
  { name: 'placement', native: false, command: ['node', 'bench/placement.bench.ts'] },
  { name: 'system', native: false, command: ['node', 'bench/system.bench.ts'] },
  { name: 'failover', native: false, command: ['node', 'bench/failover.bench.ts'] },
  { name: 'scale', native: false, command: ['node', 'bench/scale.bench.ts'] },
];

const chosen = process.argv.slice(2);
for (const { name, native, command } of benchmarks) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const path = `bench/results/${name}.json`;
  const [program, ...args] = command;
  process.stdout.write(`${name}: ${command.join(' ')}\n`);
  const { status, stdout } = spawnSync(program, native ? args : [...args, path], {
    stdio: ['ignore', native ? 'pipe' : 'inherit', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) process.exitCode = 1;
  else if (native) writeResult(path, JSON.parse(stdout) as object);
}
