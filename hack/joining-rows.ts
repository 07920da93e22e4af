// Rows about jobs that go together: each goal of joining beside what bench/results/gpu-joining.json says.
import type { Tasks } from '../bench/gpu/documents.ts';
import type { JoinedModel, JoiningFigures, OfferedPair, Served, TritonRun } from '../bench/gpu/joining.ts';
import type { Row } from './benchmark-rows.ts';
import { atLeast, ms, number, percent, row } from './row-words.ts';

/** Of the rule without admission. */
const AT_LITTLE_LOAD = 1.1;
const MOST_REJECTED = 0.01;
const HIGH_P99_US: Readonly<Record<string, number>> = { resnet18: 3000, resnet50: 6000 };
const OF_ROOF = 0.93;
const MOST_LOW_MISSES = 0.02;
const HIGH_TO_LOW = 0.6;
const COPIED_RATE = 0.99;
const COPIED_P99 = 1.2;
const AGAINST_MPS = 3;
const DISPATCHER_US = 2;
const DISPATCHER_RATE = 75_000;

export function joiningRows({ models, mixed }: JoiningFigures): Row[] {
  return [...models.flatMap(modelRows), ...mixedRows(mixed), ...dispatcherRows(models)];
}

function modelRows(model: JoinedModel): Row[] {
  return [
    ...model.rows.flatMap((pair, index) => offeredRows(model, pair, index === 0)),
    ...besideRows(model),
    ...copiedRows(model),
    ...mpsRows(model),
    ...tritonRows(model),
  ];
}

// ---- Loads ----

function offeredRows(model: JoinedModel, { offered, joined, freeLanes }: OfferedPair, isFirst: boolean): Row[] {
  if (joined === undefined) return [];
  const who = isFirst
    ? `joined ${model.model}, batch-1 jobs of tasks of 30 a second, High and Low 1:2, ${joined.name}, at`
    : `… joined ${model.model} at`;
  const what = `${who} ${offered} of the roof${isFirst ? `, ${number(model.roofPerS)} a second by pure batching` : ''}`;
  if (offered < 0.5) return freeLanes === undefined ? [] : [littleLoadRow(what, joined, freeLanes)];
  if (offered <= 0.8) return [refusesNobodyRow(what, joined, HIGH_P99_US[model.model])];
  return [fullRow(what, model, joined, offered > 1)];
}

function littleLoadRow(what: string, joined: Served, freeLanes: Served): Row {
  const [high, low] = [p99Ratio(joined.high, freeLanes.high), p99Ratio(joined.low, freeLanes.low)];
  return row(
    `${what}: p99 of High and of Low against free lanes without admission`,
    { text: `≤ ${AT_LITTLE_LOAD} ×`, reached: high <= AT_LITTLE_LOAD && low <= AT_LITTLE_LOAD },
    `${high.toFixed(2)} ×, ${low.toFixed(2)} ×: ${tails(joined)} against ${tails(freeLanes)}`,
  );
}

function refusesNobodyRow(what: string, joined: Served, mostUs: number | undefined): Row {
  const { high, low } = joined;
  const rejected = (high.rejected + low.rejected) / (high.released + low.released);
  const late = lateOf(high) + lateOf(low);
  const inTime = mostUs === undefined || (high.responseUs?.p99 ?? Infinity) <= mostUs;
  return row(
    `${what}: late; rejected; High p99`,
    {
      text: `0; ≤ ${percent(MOST_REJECTED)}; ${mostUs === undefined ? 'shown' : `≤ ${mostUs / 1000} ms`}`,
      reached: late === 0 && rejected <= MOST_REJECTED && inTime,
    },
    `${late} of ${number(high.released + low.released)}; ${percent(rejected)}; ${tails(joined)}; ${units(joined)}`,
  );
}

function fullRow(what: string, { roofPerS }: JoinedModel, joined: Served, over: boolean): Row {
  const { high, low } = joined;
  const share = joined.jobsPerS / roofPerS;
  const longer = p99Ratio(high, low);
  const kept = share >= OF_ROOF && lateOf(high) === 0 && low.missRate < MOST_LOW_MISSES;
  const goal = `≥ ${OF_ROOF} of the roof; 0; < ${percent(MOST_LOW_MISSES)}`;
  return row(
    `${what}: completed; High late; Low late${over ? '; High p99 against Low p99' : ''}`,
    over
      ? { text: `${goal}; ≤ ${HIGH_TO_LOW} ×`, reached: kept && longer <= HIGH_TO_LOW }
      : { text: goal, reached: kept },
    `${share.toFixed(3)} of the roof, ${number(joined.jobsPerS)} a second; ${lateOf(high)} of ${number(high.released)}; ${percent(low.missRate)} (refused ${percent(low.rejected / low.released)}); ${over ? `${longer.toFixed(2)} ×: ` : ''}${tails(joined)}; ${units(joined)}`,
  );
}

// ---- Beside others ----

function besideRows({ model, beside }: JoinedModel): Row[] {
  if (beside?.joined === undefined) return [];
  const { quick, joined, freeLanes } = beside;
  const late = lateOf(joined) + joined.rejected;
  return [
    row(
      `${model} joined at 0.8 of the roof beside a High task of ${quick}, 1,000 jobs a second, D = 1 ms: late jobs of that task`,
      { text: '0', reached: late === 0 },
      `${late} of ${number(joined.released)}, ${tail(joined)}; free lanes: ${freeLanes === undefined ? 'not run' : `${lateOf(freeLanes)}, ${tail(freeLanes)}`}`,
    ),
  ];
}

function copiedRows({ model, rows, copied }: JoinedModel): Row[] {
  const resident = rows.find(({ offered }) => offered === 0.8)?.joined;
  if (resident === undefined || copied?.joined === undefined) return [];
  const rate = copied.joined.jobsPerS / resident.jobsPerS;
  const longer = p99Ratio(copied.joined.high, resident.high);
  return [
    row(
      `${model} joined at 0.8 of the roof with inputs from page-locked memory of the host, against inputs on the GPU: completed; High p99`,
      { text: `as many; ≤ ${COPIED_P99} ×`, reached: rate >= COPIED_RATE && longer <= COPIED_P99 },
      `${rate.toFixed(3)} ×; ${longer.toFixed(2)} ×: ${tails(copied.joined)} against ${tails(resident)}`,
    ),
  ];
}

function mixedRows(mixed: JoiningFigures['mixed']): Row[] {
  if (mixed?.joined === undefined) return [];
  const { joined, models } = mixed;
  const late = lateOf(joined.high) + lateOf(joined.low);
  return [
    row(
      `${models.join(', ')} joined, each at 0.2 of its roof, ${joined.name}: late`,
      { text: '0', reached: late === 0 },
      `${late} of ${number(joined.high.released + joined.low.released)}; refused ${number(joined.high.rejected + joined.low.rejected)}; ${tails(joined)}; ${units(joined)}`,
    ),
  ];
}

// ---- Against what people would run ----

function mpsRows({ model, rows, processes }: JoinedModel): Row[] {
  const [joined] = served(rows).toSorted((a, b) => b.jobsPerS - a.jobsPerS);
  const [peer] = processes.toSorted((a, b) => b.jobsPerS - a.jobsPerS);
  if (joined === undefined || peer === undefined) return [];
  const times = joined.jobsPerS / peer.jobsPerS;
  return [
    row(
      `${model} joined, the most that was completed, against the same graphs at batch 1 in ${peer.processes} processes under MPS`,
      atLeast(times, AGAINST_MPS),
      `${times.toFixed(2)} ×: ${number(joined.jobsPerS)} a second against ${number(peer.jobsPerS)}`,
    ),
  ];
}

function tritonRows({ model, rows, triton }: JoinedModel): Row[] {
  const equalRate = rows.flatMap(({ offered, joined }) => {
    const runs = triton.filter(
      (run) => run.offered === offered && joined && run.jobsPerS >= joined.jobsPerS * COPIED_RATE,
    );
    const [best] = runs.toSorted((a, b) => p99Of(a) - p99Of(b));
    return joined === undefined || best === undefined ? [] : [equalRateRow(model, joined, best)];
  });
  const [fastest] = triton.toSorted((a, b) => b.jobsPerS - a.jobsPerS);
  const within = served(rows).filter((each) => fastest !== undefined && p99Of(each) <= p99Of(fastest));
  const [most] = within.toSorted((a, b) => b.jobsPerS - a.jobsPerS);
  return fastest === undefined ? equalRate : [...equalRate, equalTailRow(model, most, fastest)];
}

function equalRateRow(model: string, joined: Served, best: TritonRun): Row {
  const times = p99Of(joined) / p99Of(best);
  return row(
    `${model} joined at ${best.offered} of the roof against Triton’s rule with its best delay: High p99`,
    { text: '≤ 1 ×', reached: times <= 1 },
    `${times.toFixed(2)} ×: ${tails(joined)} against ${tails(best)} (${delay(best)}, late ${lateOf(best.high)} and ${lateOf(best.low)})`,
  );
}

function equalTailRow(model: string, most: Served | undefined, fastest: TritonRun): Row {
  const times = (most?.jobsPerS ?? 0) / fastest.jobsPerS;
  return row(
    `${model} joined, the most that was completed at a High p99 no longer than that of Triton’s rule at its fastest`,
    { text: '≥ 1 ×', reached: times >= 1 },
    `${times.toFixed(3)} ×: ${number(most?.jobsPerS ?? 0)} a second against ${number(fastest.jobsPerS)} (${delay(fastest)}, High p99 ${ms(p99Of(fastest))})`,
  );
}

function dispatcherRows(models: readonly JoinedModel[]): Row[] {
  const busy = models.flatMap(({ model, rows }) => served(rows).map((each) => ({ model, ...each })));
  const [fastest] = busy.filter(({ dispatcher }) => dispatcher).toSorted((a, b) => b.jobsPerS - a.jobsPerS);
  if (fastest?.dispatcher === undefined) return [];
  const { busyUsPerJob, launchUsPerJob } = fastest.dispatcher;
  const reached = busyUsPerJob <= DISPATCHER_US && fastest.jobsPerS >= DISPATCHER_RATE;
  return [
    row(
      `the dispatcher’s time a job, on one core, ${fastest.model} joined`,
      { text: `≤ ${DISPATCHER_US} µs at ${number(DISPATCHER_RATE)} jobs a second`, reached },
      `${busyUsPerJob.toFixed(2)} µs at ${number(fastest.jobsPerS)} jobs a second, ${launchUsPerJob.toFixed(2)} µs of it to launch`,
    ),
  ];
}

// ---- Words ----

function served(rows: readonly OfferedPair[]): Served[] {
  return rows.flatMap(({ joined }) => joined ?? []);
}

/** Late, left out or failed. */
export function lateOf({ missed, skipped, failed }: Tasks): number {
  return missed + skipped + failed;
}

function p99Of({ high }: Served): number {
  return high.responseUs?.p99 ?? Infinity;
}

function p99Ratio(a: Tasks, b: Tasks): number {
  return (a.responseUs?.p99 ?? Infinity) / (b.responseUs?.p99 ?? Number.NaN);
}

function tail({ responseUs }: Tasks): string {
  return responseUs === null ? 'none' : `p50 ${number(responseUs.p50)} µs, p99 ${number(responseUs.p99)} µs`;
}

function tails({ high, low }: Served): string {
  return `High ${tail(high)}, Low ${tail(low)}`;
}

function units({ high, low }: Served): string {
  return `High in units of ${high.unitJobs ?? 1}, Low of ${low.unitJobs ?? 1}`;
}

function delay({ delayUs, offered }: TritonRun): string {
  return `delay ${delayUs / 1000} ms at ${offered}`;
}
