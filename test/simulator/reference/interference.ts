// "Interference" of docs/sim.md: how much slower a stage runs beside others, and when it then ends.
// Every sum is counted anew over all stages that run on the GPU; shares are millionths, work is in picoseconds.
import type { GpuSpec } from '../scenario.ts';
import { ceilOfQuotient, sum } from './arithmetic.ts';
import { element, type Context, type Demand, type Gpu, type Running, type World } from './world.ts';

const million = 1_000_000n;

interface Place {
  running: Running;
  context: Context;
}

/** `ceil_even(OS · SM_max / N_c)`, never more than there are (eq. 9). */
export function smsOfContext({ smCount, contexts, oversubscription }: GpuSpec): number {
  const exact = (oversubscription * smCount) / contexts;
  return Math.min(smCount, 2 * Math.ceil(exact / 2 - 1e-9));
}

/** Of a unit of several jobs that of its size, of a job alone that of its task. */
function demandOf({ unit }: Running): Demand {
  const demand = unit.size.demand ?? element(unit.members, 0).task.demand;
  if (demand === undefined) throw new Error('a task without demand on a GPU with interference');
  return demand;
}

/** How much longer it takes on its context's SMs alone than on all. */
function narrowness({ running, context: { gpu } }: Place): bigint {
  return million + (demandOf(running).sm * (gpu.sms - gpu.contextSms)) / gpu.contextSms;
}

/** What it keeps busy of its context's SMs. */
function density(place: Place): bigint {
  const { sms, contextSms } = place.context.gpu;
  return (demandOf(place.running).sm * sms * million) / (contextSms * narrowness(place));
}

/** What the others in its context and those in other contexts take from it, and what all take wherever they run. */
function pressure(place: Place, others: readonly Place[]): bigint {
  const { gpu } = place.context;
  const beside = others.filter(({ context }) => context === place.context);
  const elsewhere = others.filter(({ context }) => context !== place.context);
  const contexts = BigInt(gpu.contexts.length);
  const doubled = contexts * gpu.contextSms - gpu.sms;
  const overlapped = elsewhere.length === 0 || doubled < 0n ? 0n : sum(elsewhere.map(density)) * doubled;
  return (
    sum(others.map(({ running }) => demandOf(running).memory)) +
    sum(beside.map(density)) +
    (overlapped === 0n ? 0n : overlapped / ((contexts - 1n) * gpu.sms))
  );
}

function slowdownOf(place: Place, all: readonly Place[]): bigint {
  const others = all.filter(({ running }) => running !== place.running);
  return (narrowness(place) * (million + pressure(place, others))) / million;
}

/** What it has done until now is done at the slowdown that it had; the rest at the new one. */
function stretch(running: Running, slowdown: bigint, now: bigint): void {
  if (running.slowdown !== undefined)
    running.left -= ((now - running.stretched) * million * million) / running.slowdown;
  running.stretched = now;
  running.slowdown = slowdown;
  running.until = now + ceilOfQuotient(running.left * slowdown, million * million);
}

function retimeGpu({ contexts }: Gpu, now: bigint): void {
  const all = contexts.flatMap((context) =>
    context.streams.filter((running) => running !== undefined).map((running) => ({ running, context })),
  );
  for (const place of all) {
    const slowdown = slowdownOf(place, all);
    if (slowdown !== place.running.slowdown) stretch(place.running, slowdown, now);
  }
}

/** The last thing at an instant. */
export function retime({ calibrated, gpus }: World, now: bigint): void {
  if (calibrated) for (const gpu of gpus) retimeGpu(gpu, now);
}
