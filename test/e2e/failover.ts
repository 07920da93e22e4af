// A node crashes: how long until each of its tasks is served by another one. The demo judges it, the benchmark repeats it.
import { setTimeout as delay } from 'node:timers/promises';

import type { RealtimeInferenceTask } from '../../api/resources.ts';
import { round } from './act.ts';
import type { ClusterNode } from './cluster-node.ts';
import { servedUnder } from './served.ts';
import type { Stack } from './stack.ts';

/** Seconds from the SIGKILL. */
export interface Failover {
  /** The operator has declared the node lost. */
  readonly lostSeconds: number;
  /** All of its tasks are placed on the other node. */
  readonly placedSeconds: number;
  /** The first of them has completed a job there. */
  readonly firstServedSeconds: number;
  /** All of them have. */
  readonly servedSeconds: number;
}

export interface Crash {
  readonly victim: ClusterNode;
  /** Where its tasks are expected. */
  readonly survivor: ClusterNode;
  /** Those that must move. */
  readonly tasks: readonly RealtimeInferenceTask[];
  readonly timeoutMs: number;
}

const pollMs = 50;

/** Kills agent and runtime of the victim, and waits until all of its tasks have completed a job on the survivor. */
export async function failOver(stack: Stack, crash: Crash, signal: AbortSignal): Promise<Failover> {
  const { victim, survivor, timeoutMs } = crash;
  const [killedMs, killed] = [Date.now(), performance.now()];
  await victim.crash();
  const names = new Set(crash.tasks.map(({ metadata }) => metadata.name));
  const served = new Map<string, number>();
  let placedSeconds = Number.NaN;
  while (served.size < names.size) {
    signal.throwIfAborted();
    const tasks = (await stack.tasks.list(signal)).filter(({ metadata }) => names.has(metadata.name));
    const seconds = (performance.now() - killed) / 1000;
    const there = tasks.filter(({ status }) => status?.placement?.node === survivor.name);
    if (there.length === names.size && Number.isNaN(placedSeconds)) placedSeconds = seconds;
    for (const { metadata } of there.filter((task) => hasCompletedAJob(task, survivor))) {
      if (!served.has(metadata.uid ?? '')) served.set(metadata.uid ?? '', seconds);
    }
    if (seconds * 1000 > timeoutMs) throw new Error(unservedWords(crash, tasks, served));
    await delay(pollMs, undefined, { signal });
  }
  const lostMs = stack.operators.declaredLostMs(victim.name, killedMs);
  return {
    lostSeconds: round(((lostMs ?? Number.NaN) - killedMs) / 1000),
    placedSeconds: round(placedSeconds),
    firstServedSeconds: round(Math.min(...served.values())),
    servedSeconds: round(Math.max(...served.values())),
  };
}

/** Response times are of jobs that this runtime has completed; a moved task's counters begin with those of its past. */
function hasCompletedAJob(task: RealtimeInferenceTask, { watch }: ClusterNode): boolean {
  return (servedUnder(task, watch.latest)?.responseP50Us ?? 0) > 0;
}

function unservedWords(
  { survivor, timeoutMs }: Crash,
  tasks: readonly RealtimeInferenceTask[],
  served: ReadonlyMap<string, number>,
): string {
  const missing = tasks.filter(({ metadata }) => !served.has(metadata.uid ?? ''));
  const words = missing.map(({ metadata, status }) => {
    const { node, epoch } = status?.placement ?? {};
    return `${metadata.name} (on ${node}, epoch ${epoch}; runtime has ${runtimeWords(metadata.uid, survivor)})`;
  });
  return `not served on ${survivor.name} ${timeoutMs / 1000} s after the crash: ${words.join(', ')}`;
}

function runtimeWords(uid: string | undefined, { watch }: ClusterNode): string {
  const task = watch.latest?.tasks.find((each) => each.uid === uid);
  if (task === undefined) return 'nothing of it';
  return `epoch ${task.epoch}, phase ${task.phase} ${task.reason}, ${task.jobs?.completed} jobs completed`;
}
