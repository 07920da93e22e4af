// What the agent says of one GPU beside its contexts: whether it is sound, who else works on it, and coarse figures. Pure.
import { type ConditionState, secondsIso, withTransitionTimes } from '../api/conditions.ts';
import type { ForeignSharing, GpuFault, GpuReading, ObservedGpu, Xid } from './native/gen/runtime.ts';
import type { GpuNodeStatus } from './resources.ts';

export type GpuStatus = NonNullable<GpuNodeStatus['gpus']>[number];
type Health = Pick<GpuStatus, 'conditions' | 'reading'>;
type ReadingStatus = NonNullable<GpuStatus['reading']>;
type Figure = Exclude<keyof ReadingStatus, 'throttling' | 'lastXid'>;

/** What a figure must move by before it is written again: each write costs the API server more than it tells anyone. */
const steps: Readonly<Record<Figure, number>> = {
  memoryUsedBytes: 2 ** 28,
  memoryFreeBytes: 2 ** 28,
  smClockMHz: 150,
  memoryClockMHz: 150,
  powerWatts: 50,
  temperatureCelsius: 5,
  eccUncorrectable: 1,
};

/** `present`: what status says of the same GPU. Nothing is said of a GPU that no driver tells of. */
export function gpuHealth(gpu: ObservedGpu | undefined, present: GpuStatus | undefined, nowMs: number): Health {
  if (gpu?.reading === undefined) return {};
  const states = [healthy(gpu.fault), ...foreignSharing(gpu.foreignSharing)];
  return {
    conditions: withTransitionTimes(states, present?.conditions, nowMs),
    reading: readingStatus(gpu.reading, gpu.lastXid, present?.reading),
  };
}

/** Of a GPU whose runtime does not answer, while others of its node do; what was read of it holds no longer. */
export function lostHealth(present: GpuStatus, why: string, nowMs: number): Pick<GpuStatus, 'conditions'> {
  const message = `the runtime of this GPU does not answer: ${why}`;
  const state: ConditionState = { type: 'Healthy', status: 'False', reason: 'RuntimeUnavailable', message };
  return { conditions: withTransitionTimes([state], present.conditions, nowMs) };
}

function healthy(fault: GpuFault | undefined): ConditionState {
  if (fault !== undefined) return { type: 'Healthy', status: 'False', reason: fault.reason, message: fault.message };
  return { type: 'Healthy', status: 'True', reason: 'NoFault', message: 'no fault is known of this GPU' };
}

/** Present only while True. */
function foreignSharing(sharing: ForeignSharing | undefined): ConditionState[] {
  if (sharing === undefined) return [];
  return [{ type: 'ForeignSharing', status: 'True', reason: 'ForeignProcess', message: sharing.message }];
}

function readingStatus(
  reading: GpuReading,
  lastXid: Xid | undefined,
  present: ReadingStatus | undefined,
): ReadingStatus {
  const figures = figuresOf(reading);
  const coarse = Object.entries(figures).map(([name, value]) => {
    const figure = name as Figure;
    return [figure, steady(value, present?.[figure], steps[figure])];
  });
  return {
    ...Object.fromEntries(coarse),
    ...(reading.throttling.length === 0 ? {} : { throttling: reading.throttling }),
    ...(lastXid === undefined ? {} : { lastXid: { code: lastXid.code, time: secondsIso(lastXid.timeUs / 1000) } }),
  };
}

function figuresOf(reading: GpuReading): Partial<Record<Figure, number>> {
  const { memoryUsedBytes, memoryTotalBytes, powerMilliwatts } = reading;
  const free =
    memoryTotalBytes === undefined || memoryUsedBytes === undefined
      ? undefined
      : Math.max(0, memoryTotalBytes - memoryUsedBytes);
  const told = {
    memoryUsedBytes,
    memoryFreeBytes: free,
    smClockMHz: reading.smClockMhz,
    memoryClockMHz: reading.memoryClockMhz,
    powerWatts: powerMilliwatts === undefined ? undefined : Math.round(powerMilliwatts / 1000),
    temperatureCelsius: reading.temperatureCelsius,
    eccUncorrectable: reading.eccUncorrectable,
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}

/** The present figure for as long as it is near enough, so that one at the edge of a step does not flap. */
function steady(value: number, present: number | undefined, step: number): number {
  return present !== undefined && Math.abs(value - present) < step ? present : value;
}

/** What placements rest on; what merely moves is left out. */
export function withoutReading({ reading: _reading, conditions, ...gpu }: GpuStatus): object {
  return { ...gpu, conditions: conditions?.map(({ type, status, reason }) => ({ type, status, reason })) };
}
