// How busy each context of each GPU is, as metrics mirrored from the runtime's last state when somebody asks.
import type { Counter, Gauge, MetricRegistry } from '../kube/metrics.ts';
import { wholeE9 } from '../api/utilization.ts';
import type { ObservedGpu } from './native/gen/runtime.ts';

type ContextLabel = 'gpu' | 'context';

const mostContexts = 4_096;

export class ContextMetrics {
  readonly #utilization: Gauge<ContextLabel | 'kind'>;
  readonly #busy: Counter<ContextLabel>;
  #shown = new Map<string, { gpu: string; context: string }>();

  constructor(registry: MetricRegistry) {
    this.#utilization = registry.gauge({
      name: 'daris_context_utilization',
      help: 'Utilization of a context in streams: of High tasks, of Low tasks, and of what is active.',
      labels: ['gpu', 'context', 'kind'],
      maxSeries: mostContexts,
    });
    this.#busy = registry.counter({
      name: 'daris_context_busy_seconds_total',
      help: 'Time that streams of the context spent in stages, since the runtime started.',
      labels: ['gpu', 'context'],
      maxSeries: mostContexts,
    });
  }

  /** Makes the metrics say exactly this. */
  show(gpus: readonly ObservedGpu[]): void {
    const shown = new Map<string, { gpu: string; context: string }>();
    for (const { uuid, contexts } of gpus) {
      for (const context of contexts) {
        const labels = { gpu: uuid, context: String(context.index) };
        shown.set(`${uuid} ${context.index}`, labels);
        this.#utilization.set(context.highUtilizationE9 / wholeE9, { ...labels, kind: 'high' });
        this.#utilization.set(context.lowUtilizationE9 / wholeE9, { ...labels, kind: 'low' });
        this.#utilization.set(context.activeUtilizationE9 / wholeE9, { ...labels, kind: 'active' });
        this.#busy.setTotal(context.busyUs / 1_000_000, labels);
      }
    }
    for (const [key, labels] of this.#shown) {
      if (shown.has(key)) continue;
      for (const kind of ['high', 'low', 'active']) this.#utilization.remove({ ...labels, kind });
      this.#busy.remove(labels);
    }
    this.#shown = shown;
  }
}
