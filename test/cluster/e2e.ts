// `make e2e`: acts on a cluster with a real node, with our images; ends with one line of counts. A cluster that is up already
// is cleared first and stays up, with what the acts made, for a look; else one is started, and ended afterwards.
// --record keeps the figures of acts that all passed under bench/results.
import { parseArgs } from 'node:util';

import { Cluster } from '../control-plane/cluster.ts';
import { allowedCores, keepTo } from '../e2e/cores.ts';
import { announce, describeOutcome, perform, summarize, type ActOutcome } from '../e2e/summary.ts';
import { Tasks } from '../e2e/tasks.ts';
import type { Act, World } from './act.ts';
import { firstDay } from './acts/1-install.ts';
import { helmTest } from './acts/2-helm-test.ts';
import { agentKilled } from './acts/3-agent-killed.ts';
import { runtimeKilled } from './acts/4-runtime-killed.ts';
import { leaderDeleted } from './acts/5-leader-deleted.ts';
import { upgraded } from './acts/6-upgrade.ts';
import { forbiddenWrites } from './acts/7-forbidden-writes.ts';
import { badInput } from './acts/8-bad-input.ts';
import { uninstalled } from './acts/9-uninstall.ts';
import { down, up } from './lifecycle.ts';
import { NodeRuntime } from './node-runtime.ts';
import { removeAll } from './release.ts';
import { closingLine, recordReport, writeReport } from './report.ts';
import { currentRun } from './run-file.ts';

const { values: flags } = parseArgs({ options: { record: { type: 'boolean', default: false } } });
const acts: readonly Act[] = [
  firstDay,
  helmTest,
  agentKilled,
  runtimeKilled,
  leaderDeleted,
  upgraded,
  forbiddenWrites,
  badInput,
  uninstalled,
];

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
  const report = { ...summarize(outcomes, performance.now() / 1000), skipped: 0 };
  writeReport(report);
  if (flags.record && report.failed === 0) recordReport(report);
  say(closingLine(report));
  return report.failed === 0;
}

async function playWith(kubeconfig: string, site: Omit<World, 'tasks' | 'runtime'>): Promise<boolean> {
  const tasks = new Tasks(kubeconfig, 'default');
  const runtime = new NodeRuntime();
  try {
    return await play({ ...site, tasks, runtime });
  } finally {
    tasks.close();
    runtime.stop();
  }
}

async function main(signal: AbortSignal): Promise<number> {
  // This process and its commands leave the core alone that the node gives to inference.
  keepTo(allowedCores().slice(0, 1));
  const wasUp = currentRun() !== undefined;
  const started = performance.now();
  try {
    const { kubeconfig } = await up(signal);
    say(`cluster ${wasUp ? 'was up' : 'up'} with our images ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const site = { cluster: new Cluster(kubeconfig), signal };
    if (wasUp) await removeAll(site);
    return (await playWith(kubeconfig, { ...site, installFlags: wasUp ? ['--take-ownership'] : [] })) ? 0 : 1;
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
