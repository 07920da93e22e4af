// The leading operator's pod is deleted: the other replica leads, inference notices nothing, and a task that is made
// meanwhile is placed and served.
import { systemNamespace } from '../../../api/resources.ts';
import { waitFor } from '../../control-plane/wait.ts';
import { Checks, round, type ActResult } from '../../e2e/act.ts';
import { jobsOf, windowBetween } from '../../e2e/counters.ts';
import { checkHighTasks } from '../../e2e/judge.ts';
import { conditionOf, identityOf, isReady, placesOf } from '../../e2e/tasks.ts';
import type { Act, World } from '../act.ts';
import { containerOf, podsOf } from '../pods.ts';
import { onQuietCore } from '../quiet.ts';

const meanwhile = {
  apiVersion: 'daris.dev/v1alpha1',
  kind: 'RealtimeInferenceTask',
  metadata: { name: 'meanwhile', namespace: 'default' },
  spec: { model: 'edge-classifier', priority: 'Low', release: 'Periodic', period: '500ms' },
};
/** A deleted operator gives the Lease up; without that, the other one would wait 15 s for it to expire. */
const longestHandoverSeconds = 10;

/** The pod that leads: holders are called by their pod's name. */
async function leader({ cluster, signal }: World): Promise<string> {
  const path = 'jsonpath={.spec.holderIdentity}';
  const holder = await cluster.kubectl(['get', 'lease', 'daris-operator', '-n', systemNamespace, '-o', path], {
    signal,
  });
  return holder.split('_')[0] ?? '';
}

async function otherLeads(world: World, former: string): Promise<string> {
  const probe = async (): Promise<string | undefined> => {
    const now = await leader(world);
    return now === '' || now === former ? undefined : now;
  };
  return waitFor(probe, {
    what: 'the other operator to lead',
    timeoutMs: 40_000,
    intervalMs: 200,
    signal: world.signal,
  });
}

async function bothReady(world: World): Promise<void> {
  const probe = async (): Promise<true | undefined> => {
    const pods = await podsOf(world, 'operator');
    return pods.length === 2 && pods.every((pod) => containerOf(pod, 'operator').ready) ? true : undefined;
  };
  await waitFor(probe, { what: 'two operators to be ready', timeoutMs: 60_000, intervalMs: 500, signal: world.signal });
}

interface Handover {
  readonly next: string;
  readonly handoverSeconds: number;
  /** From its creation. */
  readonly placedSeconds: number;
  readonly readySeconds: number;
}

async function handOver(world: World, former: string): Promise<Handover> {
  const { cluster, tasks, signal } = world;
  await cluster.kubectl(['delete', 'pod', former, '-n', systemNamespace, '--wait=false'], { signal });
  const deleted = performance.now();
  await cluster.apply(meanwhile, { signal });
  const created = performance.now();
  const since = (start: number): number => round((performance.now() - start) / 1000);
  const next = await otherLeads(world, former);
  const handoverSeconds = since(deleted);
  const options = { what: 'the new task', timeoutMs: 60_000, signal };
  await tasks.until('meanwhile', (task) => conditionOf(task, 'Placed')?.status === 'True', options);
  const placedSeconds = since(created);
  await tasks.until('meanwhile', isReady, options);
  return { next, handoverSeconds, placedSeconds, readySeconds: since(created) };
}

async function run(world: World): Promise<ActResult> {
  const { cluster, tasks, runtime, signal } = world;
  const checks = new Checks();
  await bothReady(world);
  await runtime.follow(world);
  const before = await tasks.list(signal);
  const measure = async (): Promise<{ handover: Handover; window: ReturnType<typeof windowBetween> }> => {
    await bothReady(world);
    const begin = await runtime.watch.fresh(signal);
    const handover = await handOver(world, await leader(world));
    const end = await runtime.watch.fresh(signal);
    await cluster.kubectl(['delete', 'rit', 'meanwhile'], { signal });
    return { handover, window: windowBetween(begin, end, before.map(identityOf)) };
  };
  const { result, quiet, foreign, measured } = await onQuietCore(world, measure);
  const { handover, window } = result;
  checks.atMost('seconds until the other operator leads', handover.handoverSeconds, longestHandoverSeconds);
  for (const { name, jobs } of window.tasks.filter(({ priority }) => priority === 'High')) {
    checks.atLeast(`jobs of ${name} completed`, jobs.completed, 1);
  }
  if (quiet) checkHighTasks(checks, window);
  await bothReady(world);
  checks.equal('the tasks placed', placesOf(await tasks.list(signal)), placesOf(before));
  return {
    figures: {
      handoverSeconds: handover.handoverSeconds,
      newTaskPlacedSeconds: handover.placedSeconds,
      newTaskReadySeconds: handover.readySeconds,
      completed: jobsOf(window).completed,
      highMissed: jobsOf(window, 'High').missed,
      measured,
      quiet: String(quiet),
      usedByOthers: round(foreign),
    },
    failures: checks.failures,
  };
}

export const leaderDeleted: Act = {
  title: "the leading operator's pod is deleted: the other leads, a new task is placed, inference goes on",
  run,
};
