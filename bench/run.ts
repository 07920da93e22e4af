// `make bench`: runs the benchmarks one after the other, each writing its JSON under bench/results.
import { spawnSync } from 'node:child_process';

const benchmarks: readonly [name: string, ...command: string[]][] = [
  ['engine', 'node', 'bench/engine.bench.ts'],
  ['placement', 'node', 'bench/placement.bench.ts'],
  ['system', 'node', 'bench/system.bench.ts'],
];

const chosen = process.argv.slice(2);
for (const [name, program = '', ...args] of benchmarks) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const path = `bench/results/${name}.json`;
  process.stdout.write(`${name}: ${program} ${args.join(' ')}\n`);
  const { status } = spawnSync(program, [...args, path], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exitCode = 1;
}
