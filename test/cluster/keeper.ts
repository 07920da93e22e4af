// The process that keeps the cluster up, and whose end is the end of the cluster. Started by up.ts with the mark of the run
// in its environment; SIGTERM ends it.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '../control-plane/paths.ts';
import { allowedCores, keepTo } from '../e2e/cores.ts';
import { clearLeftovers } from './leftovers.ts';
import { places, runVariable } from './places.ts';
import { RealCluster } from './real-cluster.ts';
import { writeRun, type Run } from './run-file.ts';

const kubeconfig = join(repositoryRoot, 'build', 'cluster', 'kubeconfig');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function keep(signal: AbortSignal): Promise<void> {
  const run: Run = { id: process.env[runVariable] ?? '', keeperPid: process.pid, checkout: repositoryRoot };
  const left = await clearLeftovers();
  say(`left by an earlier run: ${left.processes} processes, ${left.mounts} mounts, ${left.networks} networks`);
  writeRun(run);
  const onStep = (title: string, ms: number): void => say(`${title.padEnd(34)} ${(ms / 1000).toFixed(1)} s`);
  // The control plane's folder then goes with the rest, whatever ends this process.
  mkdirSync(places.stateDir, { recursive: true });
  process.env['TMPDIR'] = places.stateDir;
  // The core that the kubelet reserves for the system, and gives to no container for itself.
  keepTo(allowedCores().slice(0, 1));
  const cluster = new RealCluster({ signal, onStep });
  try {
    await cluster.start();
    copyFileSync(cluster.cluster.kubeconfig, kubeconfig);
    writeRun({ ...run, kubeconfig });
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  } finally {
    await cluster.stop();
  }
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => controller.abort(new Error(`ended by ${name}`)));
}
try {
  // Nothing but the abort keeps a process alive whose daemons are all it has.
  const alive = setInterval(() => undefined, 60_000);
  await keep(controller.signal);
  clearInterval(alive);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
