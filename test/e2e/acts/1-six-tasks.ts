// The examples as a user applies them: they become Ready, and run with room to spare.
import { join } from 'node:path';

import { repositoryRoot } from '../../control-plane/paths.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks } from '../act.ts';
import { windowBetween } from '../counters.ts';
import { judgeSteady } from '../judge.ts';
import type { Stack } from '../stack.ts';
import { identityOf } from '../tasks.ts';

export const examples = join(repositoryRoot, 'examples');
const measuredSeconds = 16;
const firstServedLimitSeconds = 60;

async function firstServed(stack: Stack, signal: AbortSignal): Promise<number> {
  await stack.watch.until(({ tasks }) => tasks.some(({ jobs }) => (jobs?.completed ?? 0) > 0), {
    what: 'the first job to complete',
    timeoutMs: 60_000,
    signal,
  });
  return performance.now() / 1000;
}

/** The status that users read must agree with the runtime: not ahead of it, and not silent. */
async function checkStatus(checks: Checks, stack: Stack, signal: AbortSignal): Promise<void> {
  const written = await stack.tasks.list(signal);
  const state = await stack.watch.fresh(signal);
  for (const task of written) {
    const name = task.metadata.name ?? '';
    const live = state.tasks.find(({ uid }) => uid === task.metadata.uid)?.jobs;
    const completed = task.status?.runtime?.jobs?.completed ?? 0;
    checks.atLeast(`status.runtime.jobs.completed of ${name}`, completed, 1);
    checks.atMost(`status.runtime.jobs.completed of ${name}`, completed, live?.completed ?? 0);
  }
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  await stack.cluster.kubectl(['apply', '-f', examples], { signal });
  const firstServedSeconds = await firstServed(stack, signal);
  checks.atMost('seconds from start to the first served task', firstServedSeconds, firstServedLimitSeconds);
  const tasks = await stack.tasks.allReady(6, { timeoutMs: 60_000, signal });
  const models = new Set(tasks.map(({ spec }) => spec.model));
  checks.equal('number of models', models.size, 3);
  for (const { metadata, status } of tasks.filter(({ spec }) => spec.priority === 'High')) {
    checks.atMost(`period of ${metadata.name} in µs`, status?.effective?.periodUs ?? Number.NaN, 200_000);
  }
  const [before, after] = await stack.watch.span(measuredSeconds, signal);
  const steady = judgeSteady(windowBetween(before, after, tasks.map(identityOf)), {
    cores: stack.cores.length,
    high: 2,
    low: 4,
    seconds: 15,
    load: 0.6,
    lowOnTimeRate: 0.95,
  });
  await checkStatus(checks, stack, signal);
  return {
    figures: { firstServedSeconds: Number(firstServedSeconds.toFixed(1)), models: models.size, ...steady.figures },
    failures: [...checks.failures, ...steady.failures],
  };
}

export const sixTasks: Act = { title: 'six tasks over three models become Ready and hold their deadlines', run };
