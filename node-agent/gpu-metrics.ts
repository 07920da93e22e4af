// What the driver tells of each GPU, as metrics mirrored from the runtime's last state when somebody asks.
import type { Counter, Gauge, MetricRegistry } from '../kube/metrics.ts';
import type { ObservedGpu } from './native/gen/runtime.ts';

const mostGpus = 64;
/** Words of `GpuReading.throttling`. */
const throttleReasons = [
  'SoftwarePowerCap',
  'HardwareSlowdown',
  'SyncBoost',
  'SoftwareThermal',
  'HardwareThermal',
  'PowerBrake',
] as const;

/** Value in base units; undefined: not told. */
type Figure = readonly [name: string, help: string, value: (gpu: ObservedGpu) => number | undefined];

const gauges: readonly Figure[] = [
  ['daris_gpu_memory_used_bytes', 'Memory of the GPU in use, by whomever.', ({ reading }) => reading?.memoryUsedBytes],
  ['daris_gpu_memory_total_bytes', 'Memory of the GPU.', ({ reading }) => reading?.memoryTotalBytes],
  ['daris_gpu_sm_clock_hertz', 'Clock of the streaming multiprocessors.', ({ reading }) => hertz(reading?.smClockMhz)],
  ['daris_gpu_memory_clock_hertz', "Clock of the GPU's memory.", ({ reading }) => hertz(reading?.memoryClockMhz)],
  ['daris_gpu_power_watts', 'Power that the GPU draws.', ({ reading }) => scaled(reading?.powerMilliwatts, 1 / 1000)],
  ['daris_gpu_temperature_celsius', 'Temperature of the GPU.', ({ reading }) => reading?.temperatureCelsius],
  [
    'daris_gpu_foreign_processes',
    'Processes of others that work on the GPU, as far as they can be seen.',
    (gpu) => gpu.reading && (gpu.foreignSharing?.processes ?? 0),
  ],
  [
    'daris_gpu_foreign_hidden_bytes',
    'Memory of the GPU that is held by processes which cannot be seen.',
    (gpu) => gpu.reading && (gpu.foreignSharing?.hiddenBytes ?? 0),
  ],
  [
    'daris_gpu_healthy',
    '1 while no fault keeps new tasks from the GPU.',
    (gpu) => gpu.reading && (gpu.fault === undefined ? 1 : 0),
  ],
];

const counters: readonly Figure[] = [
  [
    'daris_gpu_ecc_uncorrectable_errors_total',
    'Uncorrectable memory errors since the GPU was reset.',
    ({ reading }) => reading?.eccUncorrectable,
  ],
  [
    'daris_gpu_xid_errors_total',
    'Errors that the driver logged since the runtime started.',
    (gpu) => gpu.reading && gpu.xids,
  ],
];

export class GpuMetrics {
  readonly #gauges: ReadonlyMap<Figure, Gauge<'gpu'>>;
  readonly #counters: ReadonlyMap<Figure, Counter<'gpu'>>;
  readonly #throttled: Gauge<'gpu' | 'reason'>;
  #shown = new Set<string>();

  constructor(registry: MetricRegistry) {
    const options = { labels: ['gpu'] as const, maxSeries: mostGpus };
    this.#gauges = new Map(gauges.map((figure) => [figure, registry.gauge({ ...named(figure), ...options })]));
    this.#counters = new Map(counters.map((figure) => [figure, registry.counter({ ...named(figure), ...options })]));
    this.#throttled = registry.gauge({
      name: 'daris_gpu_throttled',
      help: '1 while this keeps the clocks of the GPU down.',
      labels: ['gpu', 'reason'],
      maxSeries: mostGpus * throttleReasons.length,
    });
  }

  /** Makes the metrics say exactly this. */
  show(gpus: readonly ObservedGpu[]): void {
    const told = gpus.filter(({ reading }) => reading !== undefined);
    for (const gpu of told) this.#showOne(gpu);
    const shown = new Set(told.map(({ uuid }) => uuid));
    for (const gpu of this.#shown) if (!shown.has(gpu)) this.#forget(gpu);
    this.#shown = shown;
  }

  #showOne(gpu: ObservedGpu): void {
    const labels = { gpu: gpu.uuid };
    for (const [[, , valueOf], gauge] of this.#gauges) {
      const value = valueOf(gpu);
      if (value === undefined) gauge.remove(labels);
      else gauge.set(value, labels);
    }
    for (const [[, , valueOf], counter] of this.#counters) {
      const value = valueOf(gpu);
      if (value === undefined) counter.remove(labels);
      else counter.setTotal(value, labels);
    }
    for (const reason of throttleReasons) {
      this.#throttled.set(gpu.reading?.throttling.includes(reason) ? 1 : 0, { ...labels, reason });
    }
  }

  #forget(gpu: string): void {
    for (const metric of [...this.#gauges.values(), ...this.#counters.values()]) metric.remove({ gpu });
    for (const reason of throttleReasons) this.#throttled.remove({ gpu, reason });
  }
}

function named([name, help]: Figure): { readonly name: string; readonly help: string } {
  return { name, help };
}

function hertz(mhz: number | undefined): number | undefined {
  return scaled(mhz, 1_000_000);
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
