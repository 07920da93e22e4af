import { expect, test } from '@jest/globals';
import { MetricRegistry } from '../kube/metrics.ts';
import { rebucket, responseBuckets } from './histogram.ts';
import { MissCause, type ObservedTask } from './native/gen/runtime.ts';
import { jobs, observedState, observedTask } from './testing/fixtures.ts';
import { ContextMetrics } from './context-metrics.ts';
import { TaskMetrics, type TaskSample } from './task-metrics.ts';

function sample(name: string, values: Partial<ObservedTask> = {}, uid = name): TaskSample {
  const misses = new Map([[MissCause.MISS_CAUSE_BLOCKED, 2]]);
  return {
    namespace: 'default',
    name,
    priority: 'High',
    model: 'detector',
    observed: observedTask(uid, values),
    misses,
  };
}

/** The samples of an exposition, without comments. */
function lines(registry: MetricRegistry): string[] {
  return registry
    .expose()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

test('counters, times in seconds and utilizations in streams, by namespace and task', () => {
  const registry = new MetricRegistry();
  const metrics = new TaskMetrics(registry);
  const observed = {
    jobs: jobs({ released: 10, rejected: 3, rejectedByUtilization: 1, rejectedByPrediction: 2, missed: 3, onTime: 6 }),
    migrations: { count: 4, lastFrom: 0, lastTo: 1, lastTimeUs: 1 },
    executionUs: 2_500_000,
    startedJobs: 4,
    unitJobs: 14,
    capacity: 8,
  };
  metrics.show([sample('front', observed)]);
  const labels = '{namespace="default",task="front"}';
  expect(lines(registry)).toEqual(
    expect.arrayContaining([
      `daris_jobs_released_total${labels} 10`,
      'daris_jobs_rejected_total{namespace="default",task="front",reason="Utilization"} 1',
      'daris_jobs_rejected_total{namespace="default",task="front",reason="Predicted"} 2',
      `daris_jobs_missed_total${labels} 3`,
      `daris_jobs_on_time_total${labels} 6`,
      'daris_jobs_missed_by_cause_total{namespace="default",task="front",cause="Blocked"} 2',
      `daris_task_migrations_total${labels} 4`,
      `daris_task_execution_seconds_total${labels} 2.5`,
      `daris_jobs_started_total${labels} 4`,
      `daris_job_unit_jobs_total${labels} 14`,
      `daris_task_capacity${labels} 8`,
      `daris_task_mret_seconds${labels} 0.005`,
      `daris_task_utilization${labels} 0.125`,
    ]),
  );
});

test('what a task is told to be can be joined to its figures, and follows an edit', () => {
  const registry = new MetricRegistry();
  const metrics = new TaskMetrics(registry);
  const infos = (): string[] => lines(registry).filter((line) => line.startsWith('daris_task_info'));
  metrics.show([sample('front')]);
  expect(infos()).toEqual(['daris_task_info{namespace="default",task="front",priority="High",model="detector"} 1']);
  metrics.show([{ ...sample('front'), priority: 'Low' }]);
  expect(infos()).toEqual(['daris_task_info{namespace="default",task="front",priority="Low",model="detector"} 1']);
});

test('the series of a task that is gone go with it', () => {
  const registry = new MetricRegistry();
  const metrics = new TaskMetrics(registry);
  const response = { boundsUs: [1_000], counts: [1, 0], sumUs: 900 };
  metrics.show([sample('front', { response }), sample('rear')]);
  metrics.show([sample('rear')]);
  expect(lines(registry).filter((line) => line.includes('front'))).toEqual([]);
  expect(lines(registry).some((line) => line.includes('rear'))).toBe(true);
});

test('a task created anew under its name begins anew', () => {
  const registry = new MetricRegistry();
  const metrics = new TaskMetrics(registry);
  const response = { boundsUs: [1_000], counts: [1, 0], sumUs: 900 };
  metrics.show([sample('front', { response }, 'old')]);
  metrics.show([sample('front', {}, 'new')]);
  expect(lines(registry).filter((line) => line.startsWith('daris_job_response_seconds'))).toEqual([]);
});

test('a histogram of any buckets keeps its count and sum, and shows no time shorter than it may have been', () => {
  const boundsUs = [300, 1_000, 1_500, 40_000, 10_000_000];
  const { counts, sumSeconds } = rebucket({ boundsUs, counts: [1, 2, 4, 8, 16, 32], sumUs: 5_000_000 });
  expect(sumSeconds).toBe(5);
  const shown = Object.fromEntries([...responseBuckets, Infinity].map((bound, index) => [bound, counts[index]]));
  expect(shown).toMatchObject({ '0.001': 3, '0.002': 4, '0.05': 8, Infinity: 48 });
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(63);
});

test('contexts tell their utilizations and their busy time, until they are no more', () => {
  const registry = new MetricRegistry();
  const metrics = new ContextMetrics(registry);
  metrics.show(observedState().gpus);
  expect(lines(registry)).toEqual(
    expect.arrayContaining([
      'daris_context_utilization{gpu="cpu-0",context="1",kind="low"} 0.125',
      'daris_context_busy_seconds_total{gpu="cpu-0",context="0"} 7',
    ]),
  );
  metrics.show([]);
  expect(lines(registry)).toEqual([]);
});
