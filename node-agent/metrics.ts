// The agent's own metrics: how its loops do. What the runtime does is in task-metrics.ts.
import type { Counter, Gauge, Histogram, MetricRegistry } from '../kube/metrics.ts';

export class AgentMetrics {
  readonly runtimeUp: Gauge<never>;
  readonly watchAge: Gauge<never>;
  readonly reconcile: Histogram<'loop'>;
  readonly statusWrites: Counter<'kind' | 'result'>;
  readonly connectionsLost: Counter<never>;

  constructor(registry: MetricRegistry) {
    this.runtimeUp = registry.gauge({
      name: 'daris_runtime_up',
      help: '1 while the runtime answers; of a node with several GPUs, each of its runtimes.',
    });
    this.watchAge = registry.gauge({
      name: 'daris_runtime_watch_age_seconds',
      help: 'Time since the runtime last told its state.',
    });
    this.reconcile = registry.histogram({
      name: 'daris_agent_reconcile_duration_seconds',
      help: 'Time of one Apply to the runtime, and of one pass over all statuses.',
      labels: ['loop'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    });
    this.statusWrites = registry.counter({
      name: 'daris_agent_status_writes_total',
      help: 'Statuses written, by kind and result.',
      labels: ['kind', 'result'],
    });
    this.connectionsLost = registry.counter({
      name: 'daris_runtime_connections_lost_total',
      help: 'Connections to the runtime that failed or broke.',
    });
  }
}
