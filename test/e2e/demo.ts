// `make demo`: the whole system on this machine in acts, each announced, performed for real, and judged.
// --keep leaves it up until Ctrl-C, everything but deleted.
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { repositoryRoot } from '../control-plane/paths.ts';
import type { Act } from './act.ts';
import { sixTasks } from './acts/1-six-tasks.ts';
import { overload } from './acts/2-overload.ts';
import { client } from './acts/3-client.ts';
import { period } from './acts/4-period.ts';
import { refusals } from './acts/5-refusals.ts';
import { agentRestart } from './acts/6-agent-restart.ts';
import { joining } from './acts/7-joining.ts';
import { policyChange } from './acts/8-policy.ts';
import { nodeLoss } from './acts/9-node-loss.ts';
import { leaders } from './acts/10-leaders.ts';
import { quota } from './acts/11-quota.ts';
import { deletion } from './acts/12-deletion.ts';
import { LiveView } from './live.ts';
import { Recorder } from './recorder.ts';
import { Stack } from './stack.ts';
import { announce, closingLine, describeOutcome, perform, succeeded, summarize, writeSummary } from './summary.ts';
import type { ActOutcome } from './summary.ts';

/** What one node does. It is saturated on purpose, so the second one, which may share a core with etcd, joins later. */
const nodeActs: readonly Act[] = [sixTasks, overload, client, period, refusals, agentRestart, joining];
/** What those see who run a cluster. */
const clusterActs: readonly Act[] = [policyChange, nodeLoss, leaders, quota];
const build = join(repositoryRoot, 'build');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Aborts at the first signal that asks this process to end; a second one changes nothing, the end is under way. */
function interruption(): AbortController {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => controller.abort(new Error(`interrupted by ${name}`)));
  }
  return controller;
}

interface Place {
  number: number;
  of: number;
}

async function performAct(stack: Stack, { number, of }: Place, act: Act, signal: AbortSignal): Promise<ActOutcome> {
  say(announce(number, of, act.title));
  const view = new LiveView(stack, process.stdout);
  view.start();
  const outcome = await perform(number, act.title, async () => {
    stack.assertRunning();
    return act.run(stack, signal);
  });
  await view.stop();
  signal.throwIfAborted();
  for (const line of describeOutcome(outcome)) say(line);
  return outcome;
}

/** `last` are the acts that end everything, or none. */
async function play(stack: Stack, last: readonly Act[], signal: AbortSignal): Promise<boolean> {
  const acts = [...nodeActs, ...clusterActs, ...last];
  await stack.start();
  const recorder = new Recorder(() => stack.scraped());
  recorder.start();
  const outcomes: ActOutcome[] = [];
  try {
    for (const [index, act] of acts.entries()) {
      if (index === nodeActs.length) await stack.joinNode2();
      recorder.act(act.title);
      outcomes.push(await performAct(stack, { number: index + 1, of: acts.length }, act, signal));
    }
  } finally {
    await recorder.stop();
  }
  const summary = summarize(outcomes, performance.now() / 1000);
  writeSummary(join(build, 'demo', 'summary.json'), summary);
  recorder.write(join(build, 'demo', 'recording.json'));
  say(closingLine(summary));
  return succeeded(summary, acts.length);
}

/** Waits for the signal to end, with everything up. */
async function keepUp(stack: Stack, signal: AbortSignal): Promise<void> {
  for (const line of stack.instructions()) say(line);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function main(): Promise<number> {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ options: { keep: flag } });
  const { signal } = interruption();
  const stack = new Stack({
    logDir: join(build, 'demo', 'logs'),
    modelRoot: join(build, 'models'),
    signal,
    onStep: (title, elapsedMs) => say(`${title.padEnd(34)} ${(elapsedMs / 1000).toFixed(1)} s`),
  });
  try {
    const passed = await play(stack, values.keep ? [] : [deletion], signal);
    if (values.keep) await keepUp(stack, signal);
    return passed ? 0 : 1;
  } catch (error) {
    say(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return signal.aborted ? 130 : 1;
  } finally {
    await stack.stop();
  }
}

process.exitCode = await main();
