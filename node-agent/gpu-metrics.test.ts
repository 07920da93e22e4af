import { expect, test } from '@jest/globals';
import { MetricRegistry } from '../kube/metrics.ts';
import { GpuMetrics } from './gpu-metrics.ts';
import type { ObservedGpu } from './native/gen/runtime.ts';

const gpu: ObservedGpu = {
  uuid: 'GPU-1',
  contexts: [],
  partitionFault: '',
  xids: 2,
  reading: {
    memoryUsedBytes: 5,
    memoryTotalBytes: 10,
    smClockMhz: 1_980,
    memoryClockMhz: 2_619,
    powerMilliwatts: 345_500,
    temperatureCelsius: 61,
    throttling: ['HardwareThermal'],
    eccUncorrectable: 1,
  },
  foreignSharing: { message: 'process 4242', processes: 1, hiddenBytes: 7 },
  fault: { reason: 'EccUncorrectable', message: 'one' },
};

function lines(registry: MetricRegistry): string[] {
  const text = registry.expose().split('\n');
  return text.filter((line) => line.startsWith('daris_gpu_'));
}

test('figures in base units, by UUID', () => {
  const registry = new MetricRegistry();
  new GpuMetrics(registry).show([gpu]);
  const throttled = (reason: string, value: number): string =>
    `daris_gpu_throttled{gpu="GPU-1",reason="${reason}"} ${value}`;
  expect(lines(registry).sort()).toEqual(
    [
      'daris_gpu_memory_used_bytes{gpu="GPU-1"} 5',
      'daris_gpu_memory_total_bytes{gpu="GPU-1"} 10',
      'daris_gpu_sm_clock_hertz{gpu="GPU-1"} 1980000000',
      'daris_gpu_memory_clock_hertz{gpu="GPU-1"} 2619000000',
      'daris_gpu_power_watts{gpu="GPU-1"} 345.5',
      'daris_gpu_temperature_celsius{gpu="GPU-1"} 61',
      'daris_gpu_foreign_processes{gpu="GPU-1"} 1',
      'daris_gpu_foreign_hidden_bytes{gpu="GPU-1"} 7',
      'daris_gpu_healthy{gpu="GPU-1"} 0',
      'daris_gpu_ecc_uncorrectable_errors_total{gpu="GPU-1"} 1',
      'daris_gpu_xid_errors_total{gpu="GPU-1"} 2',
      throttled('SoftwarePowerCap', 0),
      throttled('HardwareSlowdown', 0),
      throttled('SyncBoost', 0),
      throttled('SoftwareThermal', 0),
      throttled('HardwareThermal', 1),
      throttled('PowerBrake', 0),
    ].sort(),
  );
});

test('what is not told has no series, and a GPU that is gone leaves none', () => {
  const registry = new MetricRegistry();
  const metrics = new GpuMetrics(registry);
  metrics.show([gpu]);
  metrics.show([{ uuid: 'GPU-1', contexts: [], partitionFault: '', xids: 0, reading: { throttling: [] } }]);
  expect(lines(registry).filter((line) => !line.includes('throttled'))).toEqual([
    'daris_gpu_foreign_processes{gpu="GPU-1"} 0',
    'daris_gpu_foreign_hidden_bytes{gpu="GPU-1"} 0',
    'daris_gpu_healthy{gpu="GPU-1"} 1',
    'daris_gpu_xid_errors_total{gpu="GPU-1"} 0',
  ]);
  metrics.show([{ uuid: 'cpu-0', contexts: [], partitionFault: '', xids: 0 }]);
  expect(lines(registry)).toEqual([]);
});
