// Fails when a source of agent-native includes what its folder must not know.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { wrongIncludes } from './native-includes.ts';

const root = 'agent-native/src';
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => /\.[ch]pp$/.test(path));
const wrong = sources.flatMap((path) => wrongIncludes(path, readFileSync(join(root, path), 'utf8')));
for (const line of wrong) process.stderr.write(`${line}\n`);
process.exitCode = wrong.length > 0 || sources.length === 0 ? 1 : 0;
