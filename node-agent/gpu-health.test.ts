import { describe, expect, test } from '@jest/globals';
import { gpuHealth, type GpuStatus, withoutReading } from './gpu-health.ts';
import type { GpuReading, ObservedGpu } from './native/gen/runtime.ts';

const reading: GpuReading = {
  memoryUsedBytes: 10 * 2 ** 30,
  memoryTotalBytes: 80 * 2 ** 30,
  smClockMhz: 1_980,
  memoryClockMhz: 2_619,
  powerMilliwatts: 345_678,
  temperatureCelsius: 61,
  throttling: [],
  eccUncorrectable: 0,
};
const observed: ObservedGpu = { uuid: 'GPU-1', contexts: [], partitionFault: '', xids: 0, reading };
const base = { uuid: 'GPU-1', product: 'H200', sms: 132, memoryBytes: 80 * 2 ** 30, engine: 'torch' };
const sharing = { message: 'process 4242 works on this GPU too', processes: 1, hiddenBytes: 0 };

/** What status says after that was told at `atMs`. */
function said(gpu: ObservedGpu, atMs: number, present?: GpuStatus): GpuStatus {
  return { ...base, ...gpuHealth(gpu, present, atMs) };
}

test('of a GPU that no driver tells of nothing is said', () => {
  expect(gpuHealth({ uuid: 'cpu-0', contexts: [], partitionFault: '', xids: 0 }, undefined, 0)).toEqual({});
  expect(gpuHealth(undefined, undefined, 0)).toEqual({});
});

test('a sound GPU is Healthy, with figures in units of people', () => {
  expect(gpuHealth(observed, undefined, 0)).toEqual({
    conditions: [
      {
        type: 'Healthy',
        status: 'True',
        reason: 'NoFault',
        message: 'no fault is known of this GPU',
        lastTransitionTime: '1970-01-01T00:00:00Z',
      },
    ],
    reading: {
      memoryUsedBytes: 10 * 2 ** 30,
      memoryFreeBytes: 70 * 2 ** 30,
      smClockMHz: 1_980,
      memoryClockMHz: 2_619,
      powerWatts: 346,
      temperatureCelsius: 61,
      eccUncorrectable: 0,
    },
  });
});

test('what the driver does not tell is absent, and throttling and the last Xid are there when there is some', () => {
  const lastXid = { code: 79, timeUs: 1_000_000_000 };
  const told = { ...observed, reading: { throttling: ['PowerBrake'] }, lastXid, partitionFault: '', xids: 1 };
  expect(said(told, 0).reading).toEqual({
    throttling: ['PowerBrake'],
    lastXid: { code: 79, time: '1970-01-01T00:16:40Z' },
  });
});

describe('conditions', () => {
  const fault = { reason: 'XidCritical', message: 'the driver logged Xid 79' };
  const of = (gpu: GpuStatus): string[] => (gpu.conditions ?? []).map(({ type, status }) => `${type}=${status}`);

  test('ForeignSharing is there only while others are', () => {
    const shared = said({ ...observed, foreignSharing: sharing }, 1_000);
    expect(of(shared)).toEqual(['Healthy=True', 'ForeignSharing=True']);
    expect(shared.conditions?.[1]).toMatchObject({ reason: 'ForeignProcess', message: sharing.message });
    expect(of(said(observed, 2_000, shared))).toEqual(['Healthy=True']);
  });

  test('a fault turns Healthy, and each keeps the time of its own transition', () => {
    const before = said({ ...observed, foreignSharing: sharing }, 1_000);
    const after = said({ ...observed, foreignSharing: sharing, fault }, 5_000, before);
    expect(after.conditions).toMatchObject([
      { type: 'Healthy', status: 'False', ...fault, lastTransitionTime: '1970-01-01T00:00:05Z' },
      { type: 'ForeignSharing', status: 'True', lastTransitionTime: '1970-01-01T00:00:01Z' },
    ]);
  });
});

describe('figures', () => {
  const present = said(observed, 0);
  const moved = (changes: Partial<GpuReading>): GpuStatus =>
    said({ ...observed, reading: { ...reading, ...changes } }, 9_000, present);

  test.each<[what: string, changes: Partial<GpuReading>]>([
    ['a clock wobbles', { smClockMhz: 1_860, memoryClockMhz: 2_600 }],
    ['it gets a little warmer', { temperatureCelsius: 65, powerMilliwatts: 390_000 }],
    ['a few buffers come', { memoryUsedBytes: 10 * 2 ** 30 + 2 ** 27 }],
  ])('stay while %s', (_what, changes) => {
    expect(moved(changes)).toEqual(present);
  });

  test.each<[what: string, changes: Partial<GpuReading>, want: NonNullable<GpuStatus['reading']>]>([
    ['a clock falls', { smClockMhz: 1_200 }, { smClockMHz: 1_200 }],
    ['it gets hot', { temperatureCelsius: 80 }, { temperatureCelsius: 80 }],
    ['a model is loaded', { memoryUsedBytes: 12 * 2 ** 30 }, { memoryUsedBytes: 12 * 2 ** 30 }],
    ['memory fails', { eccUncorrectable: 1 }, { eccUncorrectable: 1 }],
  ])('move as soon as %s', (_what, changes, want) => {
    expect(moved(changes).reading).toMatchObject(want);
  });

  test('and wording are nothing that placements rest on', () => {
    const shared = said({ ...observed, foreignSharing: sharing }, 0);
    const other = { ...sharing, message: 'process 4243 works on this GPU too' };
    const later = said({ ...observed, foreignSharing: other, reading: { throttling: [] } }, 9, shared);
    expect(withoutReading(later)).toEqual(withoutReading(shared));
    expect(withoutReading(later)).not.toEqual(withoutReading(present));
  });
});
