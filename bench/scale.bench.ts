// Many tasks applied at once on two nodes with runtimes of engine sim: how fast they are placed and served, who uses the
// CPU meanwhile, and what is written when nothing changes any more. Writes JSON to the file that is named.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { repositoryRoot } from '../test/control-plane/paths.ts';
import { writeSimulatedPackage } from '../test/simulated-package.ts';
import { writesByPart, writesPer } from './audit.ts';
import { cpuSeconds, cpuShares } from './cpu.ts';
import { round, writeResult } from './result.ts';
import { ScaleStack } from './scale-stack.ts';
import { parallelApplies, ScaleTasks } from './scale-tasks.ts';

const shape = { nodes: 2, contexts: 8, streamsPerContext: 8 };
const stages = ['5ms', '5ms'];
const deviation = 0.05;
/** Longer than the slowest of the agent's own intervals for figures, so that what the start caused is over. */
const settleSeconds = 30;

interface Options {
  readonly tasks: number;
  readonly minutes: number;
  readonly path: string;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    options: { tasks: { type: 'string', default: '500' }, minutes: { type: 'string', default: '3' } },
    allowPositionals: true,
  });
  const [tasks, minutes] = [Number(values.tasks), Number(values.minutes)];
  if (!Number.isSafeInteger(tasks) || tasks < 1)
    throw new RangeError(`--tasks=${values.tasks}: write a number above 0`);
  if (!(minutes > 0)) throw new RangeError(`--minutes=${values.minutes}: write a number above 0`);
  return { tasks, minutes, path: positionals[0] ?? 'bench/results/scale.json' };
}

async function measureServing(
  stack: ScaleStack,
  tasks: ScaleTasks,
  count: number,
  signal: AbortSignal,
): Promise<object> {
  const before = cpuSeconds(stack.processes);
  const fromMs = Date.now();
  const spans = await tasks.serve(count, signal);
  const cpu = cpuShares(before, cpuSeconds(stack.processes));
  const writes = writesByPart(stack.auditLog(), stack.writers, { fromMs, toMs: Date.now() });
  return {
    toAllAppliedSeconds: round(spans.applied),
    toAllPlacedSeconds: round(spans.placed),
    toAllReadySeconds: round(spans.ready),
    placedPerSecond: round(count / spans.placed),
    readyPerSecond: round(count / spans.ready),
    cpu,
    writesPerTask: writesPer(writes, count),
    note: `applied by one client, ${parallelApplies} at a time; that client and its watch are not among these processes`,
  };
}

async function measureRest(
  stack: ScaleStack,
  tasks: ScaleTasks,
  minutes: number,
  signal: AbortSignal,
): Promise<object> {
  await delay(settleSeconds * 1000, undefined, { signal });
  const before = cpuSeconds(stack.processes);
  const fromMs = Date.now();
  await delay(minutes * 60_000, undefined, { signal });
  const toMs = Date.now();
  stack.assertRunning();
  const cpu = cpuShares(before, cpuSeconds(stack.processes));
  const seconds = (toMs - fromMs) / 1000;
  const writes = writesByPart(stack.auditLog(), stack.writers, { fromMs, toMs });
  return { ...tasks.counts(), seconds: round(seconds), writesPerMinute: writesPer(writes, seconds / 60), cpu };
}

async function main({ tasks: count, minutes, path }: Options): Promise<void> {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort(new Error(name)));
  const { signal } = controller;
  const stack = new ScaleStack({ ...shape, logDir: join(repositoryRoot, 'build', 'bench', 'scale-logs'), signal });
  let tasks: ScaleTasks | undefined;
  try {
    await stack.start();
    const source = await writeSimulatedPackage(stack.modelRoot, { name: 'simulated', stages, deviation });
    tasks = new ScaleTasks(stack.cluster.kubeconfig);
    await tasks.start(signal);
    await tasks.prepare(source, signal);
    const serving = await measureServing(stack, tasks, count, signal);
    const atRest = await measureRest(stack, tasks, minutes, signal);
    writeResult(path, { tasks: count, ...shape, stages, serving, atRest });
  } finally {
    await tasks?.stop();
    await stack.stop();
  }
}

await main(readOptions());
