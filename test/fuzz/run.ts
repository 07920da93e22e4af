// `node test/fuzz/run.ts SECONDS`: runs every fuzz target on what it found before, the scheduler core for SECONDS.
// Two at a time. An input that ends a target stays in build/fuzz-artifacts, and the output says how to see it again.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { ARTIFACTS, artifactIn, commandOf, corpusOf, reproduction, runsIn, targets, type Target } from './targets.ts';

const REPORT = 'build/tests/fuzz.json';
const DEFAULT_SECONDS = 300;
const AT_ONCE = 2;
const LINES_OF_A_FAILURE = 40;

interface Finding {
  readonly target: string;
  readonly passed: boolean;
  readonly runs: number;
}

function output([program, ...args]: [string, ...string[]]): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => resolve({ status: 127, text: `${program}: ${error.message}` }));
    child.on('close', (code) => resolve({ status: code ?? 1, text: Buffer.concat(chunks).toString() }));
  });
}

async function fuzz(target: Target, seconds: number): Promise<Finding> {
  mkdirSync(corpusOf(target), { recursive: true });
  const { status, text } = await output(commandOf(target, seconds));
  const runs = runsIn(text);
  const passed = status === 0 && runs > 0;
  if (passed) process.stdout.write(`${target.name}: ${runs} inputs, nothing found\n`);
  else process.stdout.write(`${describeFailure(target, status, text)}\n`);
  return { target: target.name, passed, runs };
}

function describeFailure(target: Target, status: number, text: string): string {
  const artifact = artifactIn(text);
  const tail = text.trimEnd().split('\n').slice(-LINES_OF_A_FAILURE).join('\n');
  const again = artifact === undefined ? 'no input was kept' : `see it again: ${reproduction(target, artifact)}`;
  return `${tail}\n${target.name}: failed with exit status ${status}; ${again}`;
}

/** Takes targets one after the other until none is left. */
async function lane(left: Target[], seconds: number, findings: Finding[]): Promise<void> {
  for (let target = left.shift(); target !== undefined; target = left.shift()) {
    findings.push(await fuzz(target, seconds));
  }
}

const seconds = Number(process.argv[2] ?? DEFAULT_SECONDS);
if (!Number.isInteger(seconds) || seconds < 1)
  throw new RangeError(`seconds must be a whole number from 1, not ${process.argv[2]}`);
for (const folder of [ARTIFACTS, 'build/tests']) mkdirSync(folder, { recursive: true });
const left = [...targets];
const findings: Finding[] = [];
await Promise.all(Array.from({ length: AT_ONCE }, () => lane(left, seconds, findings)));
const passed = findings.filter((finding) => finding.passed).length;
const failed = findings.length - passed;
writeFileSync(REPORT, `${JSON.stringify({ passed, failed, seconds, findings }, null, 2)}\n`);
process.stdout.write(`fuzz: ${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
