// The examples as a user applies them: they become Ready, and run with room to spare.
import { join } from 'node:path';

import type { ObservedState } from '../../../node-agent/native/gen/runtime.ts';
import { repositoryRoot } from '../../control-plane/paths.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import { windowBetween } from '../counters.ts';
import { fitToMachine } from '../fit-to-machine.ts';
import { judgeSteady } from '../judge.ts';
import { valuesByLabel } from '../metrics-text.ts';
import type { Stack } from '../stack.ts';
import { identityOf } from '../tasks.ts';
import { undisturbed } from '../undisturbed.ts';

export const examples = join(repositoryRoot, 'examples');
const measuredSeconds = 16;
const firstServedLimitSeconds = 60;

async function firstServed(stack: Stack, signal: AbortSignal): Promise<number> {
  await stack.node1.watch.until(({ tasks }) => tasks.some(({ jobs }) => (jobs?.completed ?? 0) > 0), {
    what: 'the first job to complete',
    timeoutMs: 60_000,
    signal,
  });
  return performance.now() / 1000;
}

function completedOf(state: ObservedState, uid: string | undefined): number {
  return state.tasks.find((task) => task.uid === uid)?.jobs?.completed ?? 0;
}

/**
 * What users read must agree with the runtime: metrics live, no status ahead of it. A status shows transitions at once
 * but figures only of one task in ten seconds, so not every task has some yet.
 */
async function checkOutcome(checks: Checks, stack: Stack, before: ObservedState, signal: AbortSignal): Promise<void> {
  const written = await stack.tasks.list(signal);
  const metrics = valuesByLabel(await stack.node1.metrics(), 'daris_jobs_completed_total', 'task');
  const state = await stack.node1.watch.fresh(signal);
  for (const { metadata, status } of written) {
    const name = metadata.name ?? '';
    const live = completedOf(state, metadata.uid);
    const inMetrics = metrics.get(name) ?? Number.NaN;
    checks.equal(`epoch in status.runtime of ${name}`, status?.runtime?.epoch ?? 0, status?.placement?.epoch ?? -1);
    checks.atMost(`status.runtime.jobs.completed of ${name}`, status?.runtime?.jobs?.completed ?? 0, live);
    checks.atLeast(`daris_jobs_completed_total of ${name}`, inMetrics, completedOf(before, metadata.uid) + 1);
    checks.atMost(`daris_jobs_completed_total of ${name}`, inMetrics, live);
  }
  const withFigures = written.filter(({ status }) => (status?.runtime?.jobs?.completed ?? 0) > 0);
  checks.atLeast('tasks whose status shows completed jobs', withFigures.length, 1);
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  await stack.cluster.kubectl(['apply', '-f', examples], { signal });
  const firstServedSeconds = await firstServed(stack, signal);
  checks.atMost('seconds from start to the first served task', firstServedSeconds, firstServedLimitSeconds);
  const applied = await stack.tasks.allReady(6, { timeoutMs: 60_000, signal });
  const [tasks, periodFactor] = await fitToMachine(stack, applied, signal);
  const models = new Set(tasks.map(({ spec }) => spec.model));
  checks.equal('number of models', models.size, 3);
  for (const { metadata, status } of tasks.filter(({ spec }) => spec.priority === 'High')) {
    checks.atMost(`period of ${metadata.name} in µs`, status?.effective?.periodUs ?? Number.NaN, 200_000);
  }
  const { node1 } = stack;
  const { result, stolen, stalledMs, measured } = await undisturbed([node1.core], () =>
    node1.watch.span(measuredSeconds, signal),
  );
  const [before, after] = result;
  const steady = judgeSteady(windowBetween(before, after, tasks.map(identityOf)), {
    streams: node1.streams,
    high: 2,
    low: 4,
    seconds: 15,
    load: 0.6,
    lowOnTimeRate: 0.95,
  });
  await checkOutcome(checks, stack, before, signal);
  return {
    figures: {
      firstServedSeconds: Number(firstServedSeconds.toFixed(1)),
      models: models.size,
      periodFactor: round(periodFactor),
      measured,
      stolenShare: round(stolen),
      stalledMs: round(stalledMs),
      ...steady.figures,
    },
    failures: [...checks.failures, ...steady.failures],
  };
}

export const sixTasks: Act = { title: 'six tasks over three models become Ready and hold their deadlines', run };
