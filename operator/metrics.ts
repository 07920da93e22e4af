// The operator's own figures; the kernel adds those of its reflectors, queues and requests.
import type { LeaderElector } from '../kube/leader-elector.ts';
import type { Counter, Gauge, Histogram, MetricRegistry } from '../kube/metrics.ts';

export class OperatorMetrics {
  readonly cycleSeconds: Histogram<never>;
  /** Tasks by what the last cycle made of them: Placed, Suspended, or the reason of the refusal. */
  readonly tasks: Gauge<'outcome'>;
  readonly nodes: Gauge<'state'>;
  /** Tasks moved to a less utilized GPU although they could have stayed. */
  readonly rebalances: Counter<never>;
  readonly statusWrites: Counter<'kind' | 'result'>;

  constructor(registry: MetricRegistry) {
    this.cycleSeconds = registry.histogram({
      name: 'daris_operator_placement_cycle_seconds',
      help: 'Time of one placement cycle over all tasks.',
      buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    });
    this.tasks = registry.gauge({
      name: 'daris_operator_tasks',
      help: 'Tasks by the outcome of the last placement cycle.',
      labels: ['outcome'],
    });
    this.nodes = registry.gauge({
      name: 'daris_operator_nodes',
      help: 'GpuNodes by state.',
      labels: ['state'],
    });
    this.rebalances = registry.counter({
      name: 'daris_operator_rebalances_total',
      help: 'Low tasks moved to a less utilized GPU.',
    });
    this.statusWrites = registry.counter({
      name: 'daris_operator_status_writes_total',
      help: 'Status writes by kind and result.',
      labels: ['kind', 'result'],
    });
  }
}

/** Asked at each exposition, so that it is true at that moment. */
export function exposeLeader(registry: MetricRegistry, elector: Pick<LeaderElector, 'state' | 'leading'>): void {
  const leader = registry.gauge({ name: 'daris_leader', help: '1 while this operator leads, 0 while it stands by.' });
  const transitions = registry.gauge({
    name: 'daris_leader_transitions',
    help: 'Number of the leadership, of an operator that leads: it grows by one with each that begins.',
  });
  registry.onCollect(() => {
    const { leading, state } = elector;
    leader.set(leading ? 1 : 0, {});
    if (leading && state.kind === 'Leading') transitions.set(state.transitions, {});
    else transitions.remove({});
  });
}

/** Sets a gauge to the counts of its label's values; values without a count any more fall to zero. */
export class Census<L extends string> {
  readonly #gauge: Gauge<L>;
  readonly #label: L;
  #known = new Set<string>();

  constructor(gauge: Gauge<L>, label: L) {
    this.#gauge = gauge;
    this.#label = label;
  }

  take(values: Iterable<string>): void {
    const counts = new Map<string, number>([...this.#known].map((value) => [value, 0]));
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    for (const [value, count] of counts) this.#gauge.set(count, { [this.#label]: value } as Record<L, string>);
    this.#known = new Set(counts.keys());
  }
}
