// Bringing the cluster up and down, for the commands and for the acts: both may be called in any state.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { importImage, tagImage } from './containerd.ts';
import { clearLeftovers, isOfRun, type Leftovers } from './leftovers.ts';
import { places, runVariable } from './places.ts';
import { currentRun, type Run } from './run-file.ts';

const upTimeoutMs = 240_000;
/** Each of its daemons may need its whole grace, and what is left is then cleared away. */
const downTimeoutMs = 150_000;
/** Archives of build/images; the client is of the acts alone. */
const images = ['operator', 'agent', 'client'] as const;
const referenceOf = (name: (typeof images)[number]): string => `docker.io/daris/${name}:dev`;
export const clientImage = referenceOf('client');
const keeperLog = join(dirname(places.logDir), 'keeper.log');

export type UpRun = Run & { readonly kubeconfig: string };

/** Starts the cluster where it is not up; on the node are then the images of build/images. */
export async function up(signal: AbortSignal): Promise<UpRun> {
  const present = currentRun();
  if (present !== undefined && present.checkout !== repositoryRoot) {
    throw new Error(`a cluster of ${present.checkout} is up: end it there with make cluster-down`);
  }
  const run = await (present === undefined ? startKeeper(signal) : waitUp(signal, () => undefined));
  for (const name of images) {
    const archive = join(places.images, `${name}.tar`);
    if (!existsSync(archive)) throw new Error(`${archive} is missing: build it with hack/images.sh ${name}`);
    await importImage(archive, signal);
  }
  return run;
}

/** The images of the release under another tag, which `up` does not import. */
export async function tagRelease(tag: string, signal: AbortSignal): Promise<void> {
  for (const name of ['operator', 'agent'] as const) await tagImage(referenceOf(name), tag, signal);
}

/** Ends the cluster and whatever a killed one has left. */
export async function down(): Promise<Leftovers> {
  const run = currentRun();
  if (run !== undefined) {
    process.kill(run.keeperPid, 'SIGTERM');
    const gone = (): true | undefined => (isOfRun(run.keeperPid, run.id) ? undefined : true);
    await waitFor(gone, { what: `the cluster to end (log: ${keeperLog})`, timeoutMs: downTimeoutMs });
  }
  return clearLeftovers();
}

async function startKeeper(signal: AbortSignal): Promise<UpRun> {
  mkdirSync(dirname(keeperLog), { recursive: true });
  const log = openSync(keeperLog, 'w', 0o600);
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts')], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, [runVariable]: randomUUID() },
  });
  await once(keeper, 'spawn');
  keeper.unref();
  return waitUp(signal, () => {
    if (keeper.exitCode === null && keeper.signalCode === null) return;
    throw new Error(`the cluster did not start:\n${readFileSync(keeperLog, 'utf8').trimEnd()}`);
  });
}

async function waitUp(signal: AbortSignal, assertStarting: () => void): Promise<UpRun> {
  const failed = new AbortController();
  const kept = (): UpRun | undefined => {
    try {
      assertStarting();
    } catch (error) {
      failed.abort(error);
    }
    const run = currentRun();
    return run?.kubeconfig === undefined ? undefined : { ...run, kubeconfig: run.kubeconfig };
  };
  const what = `the cluster to be up (log: ${keeperLog})`;
  return waitFor(kept, { what, timeoutMs: upTimeoutMs, signal: AbortSignal.any([signal, failed.signal]) });
}
