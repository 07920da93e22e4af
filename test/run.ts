// `make test`: runs every suite, one after the other since they share two cores, and ends with one line of counts.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { countsOf, describe, suites, sum, type Counts, type Suite } from './suites.ts';

function run([program, ...args]: Suite['command']): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.on('error', () => resolve(127));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const chosen = process.argv.slice(2);
const results: Counts[] = [];
mkdirSync('build/tests', { recursive: true });
for (const suite of suites.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
  rmSync(suite.report, { force: true });
  const start = performance.now();
  const counts = countsOf(suite, await run(suite.command));
  results.push(counts);
  process.stdout.write(`${suite.name}: ${describe(counts)} in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}
const total = sum(results);
process.stdout.write(`${describe(total)}\n`);
process.exitCode = total.failed > 0 || results.length === 0 ? 1 : 0;
