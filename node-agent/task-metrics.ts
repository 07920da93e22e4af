// What becomes of the jobs of each task, as metrics in base units, mirrored from the runtime's last state when somebody
// asks. Labels are bounded: tasks of this node; the series of a task that is gone go with it.
import type { Counter, Gauge, Histogram, MetricRegistry } from '../kube/metrics.ts';
import { wholeE9 } from '../api/utilization.ts';
import { zeroCounters } from './counters.ts';
import { rebucket, responseBuckets } from './histogram.ts';
import type { JobCounters, MissCause, ObservedTask } from './native/gen/runtime.ts';
import { causeName } from './status.ts';

type TaskLabel = 'namespace' | 'task';

export interface TaskSample {
  readonly namespace: string;
  readonly name: string;
  readonly priority: string;
  readonly model: string;
  readonly observed: ObservedTask;
  /** Explained misses by cause. */
  readonly misses: ReadonlyMap<MissCause, number>;
}

/** How the rejected ones divide, by the setting of the policy's admission that refuses them. */
const reasons = { rejectedByUtilization: 'Utilization', rejectedByPrediction: 'Predicted' } as const;
type Reason = keyof typeof reasons;
const reasonNames = Object.entries(reasons) as readonly (readonly [Reason, (typeof reasons)[Reason]])[];

type Plain = Exclude<keyof JobCounters, Reason | 'rejected'>;

const helps: Readonly<Record<Plain, readonly [name: string, help: string]>> = {
  released: ['released', 'Jobs released: on the grid, or by requests that were not early.'],
  skipped: ['skipped', 'Releases skipped because the previous job was still active.'],
  early: ['early', 'Requests refused because they came too early.'],
  superseded: ['superseded', 'Waiting requests replaced by a newer one.'],
  withdrawn: ['withdrawn', 'Waiting requests taken back: their client left, or their task changed or went.'],
  admitted: ['admitted', 'Jobs admitted: predicted to meet their deadline.'],
  completed: ['completed', 'Jobs that ran to their end.'],
  missed: ['missed', 'Admitted jobs whose deadline passed.'],
  dropped: ['dropped', 'Late jobs that were ended unfinished.'],
  failed: ['failed', 'Jobs ended by an error of the engine.'],
  onTime: ['on_time', 'Jobs completed by their deadline.'],
};

const mostTasks = 5_000;

export class TaskMetrics {
  readonly #jobs: ReadonlyMap<Plain, Counter<TaskLabel>>;
  readonly #rejected: Counter<TaskLabel | 'reason'>;
  readonly #causes: Counter<TaskLabel | 'cause'>;
  readonly #migrations: Counter<TaskLabel>;
  readonly #execution: Counter<TaskLabel>;
  readonly #started: Counter<TaskLabel>;
  readonly #unitJobs: Counter<TaskLabel>;
  readonly #capacity: Gauge<TaskLabel>;
  readonly #response: Histogram<TaskLabel>;
  readonly #mret: Gauge<TaskLabel>;
  readonly #utilization: Gauge<TaskLabel>;
  readonly #info: Gauge<TaskLabel | 'priority' | 'model'>;
  #shown = new Map<string, TaskSample>();

  constructor(registry: MetricRegistry) {
    const task = { labels: ['namespace', 'task'] as const, maxSeries: mostTasks };
    const entries = Object.entries(helps) as [Plain, readonly [string, string]][];
    this.#jobs = new Map(
      entries.map(([name, [suffix, help]]) => [
        name,
        registry.counter<TaskLabel>({ name: `daris_jobs_${suffix}_total`, help, ...task }),
      ]),
    );
    this.#rejected = registry.counter({
      name: 'daris_jobs_rejected_total',
      help: 'Jobs refused by the admission test: Utilization, no context had it free; Predicted, they would have been late.',
      labels: ['namespace', 'task', 'reason'],
      maxSeries: mostTasks * reasonNames.length,
    });
    this.#causes = registry.counter({
      name: 'daris_jobs_missed_by_cause_total',
      help: 'Missed jobs by cause, as far as the runtime told each: at least so many, since the agent saw the task.',
      labels: ['namespace', 'task', 'cause'],
      maxSeries: mostTasks,
    });
    this.#migrations = registry.counter({
      name: 'daris_task_migrations_total',
      help: 'Moves between contexts.',
      ...task,
    });
    this.#execution = registry.counter({
      name: 'daris_task_execution_seconds_total',
      help: 'Time that stages of the task executed, since the runtime started.',
      ...task,
    });
    this.#started = registry.counter({
      name: 'daris_jobs_started_total',
      help: 'Jobs whose first stage was launched, since the runtime started.',
      ...task,
    });
    this.#unitJobs = registry.counter({
      name: 'daris_job_unit_jobs_total',
      help: 'Sum over started jobs of how many went through the stages together; over daris_jobs_started_total, the mean.',
      ...task,
    });
    this.#capacity = registry.gauge({
      name: 'daris_task_capacity',
      help: 'Jobs of its class that admission counts to go together (n*); 1 where each goes alone.',
      ...task,
    });
    this.#response = registry.histogram({
      name: 'daris_job_response_seconds',
      help: 'From release to completion, since the runtime started.',
      buckets: responseBuckets,
      ...task,
    });
    this.#mret = registry.gauge({
      name: 'daris_task_mret_seconds',
      help: 'Maximum of the last measured execution times, summed over stages.',
      ...task,
    });
    this.#utilization = registry.gauge({
      name: 'daris_task_utilization',
      help: 'MRET / min(deadline, period), in streams.',
      ...task,
    });
    this.#info = registry.gauge({
      name: 'daris_task_info',
      help: '1 for each task that is served here, with what other metrics of the task are joined to.',
      labels: ['namespace', 'task', 'priority', 'model'],
      maxSeries: mostTasks,
    });
  }

  /** Makes the metrics say exactly this. */
  show(samples: readonly TaskSample[]): void {
    const tasks = new Map(samples.map((sample) => [`${sample.namespace}/${sample.name}`, sample]));
    for (const [key, sample] of this.#shown) {
      const now = tasks.get(key);
      if (now?.observed.uid !== sample.observed.uid) this.#removeTask(sample);
      else if (now.priority !== sample.priority || now.model !== sample.model) this.#info.remove(infoOf(sample));
    }
    for (const sample of samples) this.#showTask(sample);
    this.#shown = tasks;
  }

  #showTask(sample: TaskSample): void {
    const { namespace, name, observed, misses } = sample;
    const labels = { namespace, task: name };
    this.#info.set(1, infoOf(sample));
    const jobs = observed.jobs ?? zeroCounters;
    for (const [counter, metric] of this.#jobs) metric.setTotal(jobs[counter], labels);
    for (const [counter, reason] of reasonNames) this.#rejected.setTotal(jobs[counter], { ...labels, reason });
    for (const [cause, count] of misses) this.#causes.setTotal(count, { ...labels, cause: causeName(cause) });
    this.#migrations.setTotal(observed.migrations?.count ?? 0, labels);
    this.#execution.setTotal(observed.executionUs / 1_000_000, labels);
    this.#started.setTotal(observed.startedJobs, labels);
    this.#unitJobs.setTotal(observed.unitJobs, labels);
    this.#capacity.set(Math.max(1, observed.capacity), labels);
    this.#mret.set(observed.mretUs / 1_000_000, labels);
    this.#utilization.set(observed.utilizationE9 / wholeE9, labels);
    if (observed.response === undefined) return;
    const { counts, sumSeconds } = rebucket(observed.response);
    this.#response.setCounts(counts, sumSeconds, labels);
  }

  #removeTask(sample: TaskSample): void {
    const { namespace, name, misses } = sample;
    const labels = { namespace, task: name };
    this.#info.remove(infoOf(sample));
    for (const metric of this.#jobs.values()) metric.remove(labels);
    for (const [, reason] of reasonNames) this.#rejected.remove({ ...labels, reason });
    for (const cause of misses.keys()) this.#causes.remove({ ...labels, cause: causeName(cause) });
    const figures = [this.#migrations, this.#execution, this.#started, this.#unitJobs, this.#capacity];
    for (const metric of [...figures, this.#mret, this.#utilization, this.#response]) metric.remove(labels);
  }
}

function infoOf({ namespace, name, priority, model }: TaskSample): Record<TaskLabel | 'priority' | 'model', string> {
  return { namespace, task: name, priority, model };
}
