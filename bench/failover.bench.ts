// SIGKILL of a node's agent, runtime and supervisor → all of its tasks served by the other node, which has none of their
// models loaded. The nodes take turns, since each run leaves everything on the one that the next run kills.
// Usage: node bench/failover.bench.ts [--runs N] [FILE]
import { parseArgs } from 'node:util';

import type { ClusterNode } from '../test/e2e/cluster-node.ts';
import { failOver, type Failover } from '../test/e2e/failover.ts';
import { fitToMachine } from '../test/e2e/fit-to-machine.ts';
import { allServed } from '../test/e2e/served.ts';
import type { Stack } from '../test/e2e/stack.ts';
import { onStack } from './on-stack.ts';
import { round, spreadOf, writeResult } from './result.ts';

const timeoutMs = 60_000;
/** The agents' Lease. */
const leaseSeconds = 10;
const exampleTasks = 6;

interface Run extends Failover {
  readonly killed: string;
  readonly tasks: number;
}

async function killOnce(
  stack: Stack,
  [victim, survivor]: readonly [ClusterNode, ClusterNode],
  signal: AbortSignal,
): Promise<Run> {
  const all = await allServed(stack, exampleTasks, { timeoutMs, signal });
  const tasks = all.filter(({ status }) => status?.placement?.node === victim.name);
  const failover = await failOver(stack, { victim, survivor, tasks, timeoutMs }, signal);
  process.stdout.write(`  ${victim.name} killed: ${tasks.length} tasks served after ${failover.servedSeconds} s\n`);
  await victim.comeBack();
  await stack.operators.nodesReady(stack.nodes.length, timeoutMs);
  return { killed: victim.name, tasks: tasks.length, ...failover };
}

async function measure(stack: Stack, count: number, signal: AbortSignal): Promise<Run[]> {
  const runs: Run[] = [];
  const [even, odd] = [[stack.node1, stack.node2] as const, [stack.node2, stack.node1] as const];
  for (let at = 0; at < count; at++) runs.push(await killOnce(stack, at % 2 === 0 ? even : odd, signal));
  return runs;
}

function figuresOf(runs: readonly Run[]): object {
  const spread = (of: (run: Run) => number): object => spreadOf(runs.map(of));
  return {
    leaseSeconds,
    servedSeconds: spread((run) => run.servedSeconds),
    firstServedSeconds: spread((run) => run.firstServedSeconds),
    split: {
      untilDeclaredLostSeconds: spread((run) => run.lostSeconds),
      thenUntilPlacedSeconds: spread((run) => round(run.placedSeconds - run.lostSeconds)),
      thenUntilServedSeconds: spread((run) => round(run.servedSeconds - run.placedSeconds)),
    },
    runs,
    note: 'from the SIGKILL until each task has completed a job on the other node; seen within 0.25 s',
  };
}

function main(path: string, count: number): Promise<void> {
  return onStack(async (stack, signal) => {
    await fitToMachine(stack, await stack.tasks.allReady(exampleTasks, { timeoutMs, signal }), signal);
    await stack.joinNode2();
    writeResult(path, figuresOf(await measure(stack, count, signal)));
  });
}

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '20' } },
  allowPositionals: true,
});
const count = Number(values.runs);
if (!Number.isInteger(count) || count < 1) throw new RangeError(`--runs ${values.runs}: write a whole number from 1`);
await main(positionals[0] ?? 'bench/results/failover.json', count);
