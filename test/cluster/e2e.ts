// `make e2e`: acts on a cluster with a real node, with our images; ends with one line of counts. A cluster that is up already
// is cleared first and stays up, with what the acts made, for a look; else one is started, and ended afterwards.
import { dirname, join } from 'node:path';

import { Cluster } from '../control-plane/cluster.ts';
import { announce, describeOutcome, perform, summarize, writeSummary, type ActOutcome } from '../e2e/summary.ts';
import type { Act, World } from './act.ts';
import { oneTask } from './acts/1-one-task.ts';
import { uninstall } from './installation.ts';
import { down, up } from './lifecycle.ts';
import { places } from './places.ts';
import { currentRun } from './run-file.ts';

const acts: readonly Act[] = [oneTask];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function play(world: World): Promise<boolean> {
  const outcomes: ActOutcome[] = [];
  for (const [index, act] of acts.entries()) {
    say(announce(index + 1, acts.length, act.title));
    const outcome = await perform(index + 1, act.title, () => act.run(world));
    world.signal.throwIfAborted();
    outcomes.push(outcome);
    for (const line of describeOutcome(outcome)) say(line);
  }
  const summary = summarize(outcomes, performance.now() / 1000);
  writeSummary(join(dirname(places.logDir), 'summary.json'), summary);
  say(`e2e: ${summary.passed} passed, ${summary.failed} failed, 0 skipped`);
  return summary.failed === 0;
}

async function main(signal: AbortSignal): Promise<number> {
  const wasUp = currentRun() !== undefined;
  const started = performance.now();
  try {
    const { kubeconfig } = await up(signal);
    say(`cluster ${wasUp ? 'was up' : 'up'} with our images ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const world = { cluster: new Cluster(kubeconfig), signal };
    if (wasUp) await uninstall(world);
    return (await play(world)) ? 0 : 1;
  } finally {
    if (!wasUp) await down();
  }
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => controller.abort(new Error(`interrupted by ${name}`)));
}
try {
  process.exitCode = await main(controller.signal);
} catch (error) {
  say(`e2e: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = controller.signal.aborted ? 130 : 1;
}
