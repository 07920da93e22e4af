// What the engine adds to a job, by build/bin/engine-bench on the examples' models. Writes JSON to the file named by the
// first argument.
import { execFileSync } from 'node:child_process';

import { writeResult } from './result.ts';

const timeoutMs = 600_000;
const [path = 'bench/results/engine.json'] = process.argv.slice(2);

const printed = execFileSync('build/bin/engine-bench', ['--models=build/models'], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  timeout: timeoutMs,
});
const figures: unknown = JSON.parse(printed);
if (typeof figures !== 'object' || figures === null) throw new TypeError('engine-bench printed no object');
writeResult(path, figures);
