// The whole system as the demo runs it: time from `kubectl apply` to a served task, API writes when nothing changes,
// and resident memory. Writes JSON to the file named by the first argument.
import { readFileSync } from 'node:fs';

import type { Stack } from '../test/e2e/stack.ts';
import { onStack } from './on-stack.ts';
import { round, spreadOf, writeResult } from './result.ts';
import { writesOf, writesPerMinute } from './writes.ts';

const rounds = 30;
const quietSeconds = 120;
/** Longer than the slowest of the agent's own intervals for figures, so that what the start caused is over. */
const settleSeconds = 30;
const timeoutMs = 30_000;

/** Milliseconds from the start of kubectl to the runtime serving the task, and to Ready=True in its status. */
async function applyToServed(
  stack: Stack,
  name: string,
  signal: AbortSignal,
): Promise<[served: number, ready: number]> {
  const manifest = {
    apiVersion: 'daris.dev/v1alpha1',
    kind: 'RealtimeInferenceTask',
    metadata: { name },
    spec: { model: 'edge-classifier', priority: 'Low', release: 'Periodic', period: '200ms' },
  };
  const known = new Set((await stack.node1.watch.fresh(signal)).tasks.map(({ uid }) => uid));
  const start = performance.now();
  const served = stack.node1.watch
    .until(({ tasks }) => tasks.some(({ uid, jobs }) => !known.has(uid) && (jobs?.admitted ?? 0) > 0), {
      what: `${name} to be served`,
      timeoutMs,
      signal,
    })
    .then(() => performance.now() - start);
  await stack.cluster.apply(manifest, { signal });
  const waited = ['wait', 'rit', name, '--for=condition=Ready', `--timeout=${timeoutMs / 1000}s`];
  await stack.cluster.kubectl(waited, { signal });
  const ready = performance.now() - start;
  const times: [number, number] = [await served, ready];
  await stack.cluster.kubectl(['delete', 'rit', name], { signal });
  return times;
}

async function measureApply(stack: Stack, signal: AbortSignal): Promise<object> {
  const served: number[] = [];
  const ready: number[] = [];
  for (let at = 0; at < rounds; at++) {
    const [toServed, toReady] = await applyToServed(stack, `probe-${at}`, signal);
    served.push(toServed);
    ready.push(toReady);
  }
  return {
    toFirstJobMs: spreadOf(served),
    toReadyMs: spreadOf(ready),
    note: 'kubectl’s own start is included; the first job may wait up to its period of 200 ms, and is seen within 100 ms',
  };
}

async function apiMetrics(stack: Stack, signal: AbortSignal): Promise<string> {
  return stack.cluster.kubectl(['get', '--raw', '/metrics'], { signal });
}

async function measureWrites(stack: Stack, signal: AbortSignal): Promise<object> {
  await stack.node1.watch.span(settleSeconds, signal);
  const before = writesOf(await apiMetrics(stack, signal));
  const [from, to] = await stack.node1.watch.span(quietSeconds, signal);
  const after = writesOf(await apiMetrics(stack, signal));
  const seconds = (to.timeUs - from.timeUs) / 1e6;
  return { tasks: to.tasks.length, seconds: round(seconds), perMinute: writesPerMinute(before, after, seconds) };
}

function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return round(Number(kib) / 1024);
}

/** The runtime's supervisor and the worker that it started. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [
    pid,
    ...children
      .split(' ')
      .filter(Boolean)
      .flatMap((child) => family(Number(child))),
  ];
}

function measureMemory(stack: Stack): object {
  const runtime = family(stack.node1.pidOf('runtime')).reduce((sum, pid) => sum + residentMiB(pid), 0);
  return {
    operatorMiB: residentMiB(stack.operators.pidOf('operator')),
    agentMiB: residentMiB(stack.node1.pidOf('agent')),
    runtimeMiB: round(runtime),
  };
}

function main(path: string): Promise<void> {
  return onStack(async (stack, signal) => {
    await stack.tasks.allReady(6, { timeoutMs: 60_000, signal });
    const timesToServed = await measureApply(stack, signal);
    const apiWrites = await measureWrites(stack, signal);
    writeResult(path, { applyToServed: timesToServed, apiWrites, residentMemory: measureMemory(stack) });
  });
}

await main(process.argv[2] ?? 'bench/results/system.json');
