// "Summary": what a trace adds up to, per task, per priority and per GPU.
import type { Scenario } from '../scenario.ts';
import { nearestDouble, sum } from './arithmetic.ts';
import type { Outcome } from './simulation.ts';
import type { Event } from './trace.ts';
import { contextOf, type Gpu, type Task } from './world.ts';

export interface Responses {
  p50: number | null;
  p99: number | null;
  p999: number | null;
  max: number | null;
  mean: number | null;
}

export interface Tally {
  released: number;
  skipped: number;
  rejected: number;
  admitted: number;
  completed: number;
  missed: number;
  dmr: number;
  responseUs: Responses;
  migrations: number;
  onTimeRate: number;
}

export interface Summary {
  tasks: ({ name: string } & Tally)[];
  priorities: { High: Tally; Low: Tally };
  gpus: { name: string; utilization: number; throughput: number }[];
  events: number;
}

/** Nearest rank: the smallest value that at least `share` thousandths of all do not exceed. */
function percentile(sorted: readonly bigint[], share: number): number | null {
  const rank = Math.ceil((share * sorted.length) / 1000);
  const value = sorted[rank - 1];
  return value === undefined ? null : Number(value);
}

function responsesOf(finishes: readonly Event[]): Responses {
  const sorted = finishes
    .map(({ fields }) => fields['response'] as bigint)
    .sort((a, b) => (a < b ? -1 : Number(a > b)));
  return {
    p50: percentile(sorted, 500),
    p99: percentile(sorted, 990),
    p999: percentile(sorted, 999),
    max: percentile(sorted, 1000),
    mean: sorted.length === 0 ? null : nearestDouble({ numerator: sum(sorted), denominator: BigInt(sorted.length) }),
  };
}

/** A miss counts when the deadline passes, finished or not; a dropped job has missed. */
function isLateAtEnd({ active, deadline }: Task, end: bigint): boolean {
  return active !== undefined && end > active.release + deadline;
}

function tally({ events }: Outcome, tasks: readonly Task[], end: bigint): Tally {
  const names = new Set(tasks.map(({ name }) => name));
  const own = events.filter(({ fields }) => names.has(fields['task'] as string));
  const count = (e: string): number => own.filter((event) => event.e === e).length;
  const finishes = own.filter(({ e }) => e === 'finish');
  const lateFinishes = finishes.filter(({ fields }) => fields['missed'] === true).length;
  const missed = lateFinishes + count('drop') + tasks.filter((task) => isLateAtEnd(task, end)).length;
  const [released, admitted] = [count('release'), count('admit')];
  return {
    released,
    skipped: count('skip'),
    rejected: count('reject'),
    admitted,
    completed: finishes.length,
    missed,
    dmr: admitted === 0 ? 0 : missed / admitted,
    responseUs: responsesOf(finishes),
    migrations: count('migrate'),
    onTimeRate: released === 0 ? 0 : (finishes.length - lateFinishes) / released,
  };
}

/** Time of the GPU's streams with a stage on them, until the end. */
function busyTime(gpu: Gpu, end: bigint): bigint {
  const streams = gpu.contexts.flatMap((context) => context.streams);
  return gpu.busy + sum(streams.map((running) => (running === undefined ? 0n : end - running.since)));
}

function ofGpu(outcome: Outcome, gpu: Gpu, end: bigint): Summary['gpus'][number] {
  const whole = BigInt(gpu.contexts.length) * gpu.streamsPerContext * end;
  const tasks = outcome.world.tasks.filter((task) => contextOf(task).gpu === gpu);
  const { completed } = tally(outcome, tasks, end);
  return {
    name: gpu.name,
    utilization: nearestDouble({ numerator: busyTime(gpu, end), denominator: whole }),
    throughput: nearestDouble({ numerator: BigInt(completed) * 1_000_000n, denominator: end }),
  };
}

export function summarize(scenario: Scenario, outcome: Outcome): Summary {
  const end = BigInt(scenario.durationUs);
  const { tasks, gpus } = outcome.world;
  return {
    tasks: tasks.map((task) => ({ name: task.name, ...tally(outcome, [task], end) })),
    priorities: {
      High: tally(
        outcome,
        tasks.filter(({ high }) => high),
        end,
      ),
      Low: tally(
        outcome,
        tasks.filter(({ high }) => !high),
        end,
      ),
    },
    gpus: gpus.map((gpu) => ofGpu(outcome, gpu, end)),
    events: outcome.events.length,
  };
}
