// Rows about a GPU, in README and docs/gpu.md: each goal stands beside what bench/results/gpu-*.json says.
import type { IdentityFigures } from '../bench/gpu/identity.ts';
import type { JoiningFigures } from '../bench/gpu/joining.ts';
import type { LoadBesideFigures } from '../bench/gpu/load-beside.ts';
import type { MigrationFigures } from '../bench/gpu/migration.ts';
import type { OverheadFigures, OverheadRun, Rate } from '../bench/gpu/overhead.ts';
import type { PeersFigures, Process } from '../bench/gpu/peers.ts';
import { MOST_LOW_MISSES, type BatchedSet, type UnbatchedSet } from '../bench/gpu/sets.ts';
import type { SoakFigures } from '../bench/gpu/soak.ts';
import type { Row } from './benchmark-rows.ts';
import { joiningRows } from './joining-rows.ts';
import { severalRows, type SeveralResult } from './several-page.ts';
import { atLeast, ms, number, percent, row, us } from './row-words.ts';

/** What was found, by experiment; an experiment that was not run is absent. */
export interface GpuResults {
  readonly gpu: string;
  readonly overhead?: OverheadFigures;
  readonly peers?: PeersFigures;
  readonly sets?: { readonly sets: readonly BatchedSet[] };
  readonly unbatched?: { readonly sets: readonly UnbatchedSet[] };
  readonly migration?: MigrationFigures;
  readonly identity?: IdentityFigures;
  readonly loadBeside?: LoadBesideFigures;
  readonly joining?: JoiningFigures;
  readonly soak?: SoakFigures;
  readonly several?: SeveralResult;
}

export function gpuRows(results: GpuResults): Row[] {
  const { gpu, overhead, peers, sets, unbatched, migration, identity, loadBeside, joining, soak, several } = results;
  return [
    ...(overhead === undefined ? [] : overheadRows(gpu, overhead)),
    ...(peers === undefined ? [] : peersRows(peers)),
    ...(sets?.sets ?? []).flatMap(setRows),
    ...(unbatched?.sets ?? []).map(unbatchedRow),
    ...(migration === undefined ? [] : [migrationRow(migration)]),
    ...(identity === undefined ? [] : [identityRow(identity)]),
    ...(loadBeside?.runs ?? []).map((run) => besideRow(run, loadBeside?.load ?? 0)),
    ...(soak === undefined ? [] : [soakRow(soak)]),
    ...(joining === undefined ? [] : joiningRows(joining)),
    ...(several === undefined ? [] : severalRows(several)),
  ];
}

// ---- The scheduler and its graphs ----

/** Of the jobs a second that a bare loop over the same graphs reaches. */
const SCHEDULED_TO_BARE = 0.97;
const COPIED_TO_BARE = 0.95;
const BOUNDARY_US = 7;

function overheadRows(gpu: string, { runs, stageBoundary }: OverheadFigures): Row[] {
  const first = runs[0];
  const what =
    first === undefined
      ? ''
      : `jobs under the scheduler against a bare loop over the same graphs: ${first.model}, batch ${first.batch}, ${first.stages} stages, saturated, on one ${gpu}, `;
  const rows = runs.map((run, index) => overheadRow(run, index === 0 ? what : 'the same, '));
  if (stageBoundary === undefined) return rows;
  const { addsUs, oneStageUs, stagedUs } = stageBoundary;
  const measured = `${addsUs.toFixed(1)} µs: a job takes ${stagedUs} µs in four stages, ${oneStageUs} µs in one`;
  return [
    ...rows,
    row('a stage boundary, one lane', { text: `≤ ${BOUNDARY_US} µs`, reached: addsUs <= BOUNDARY_US }, measured),
  ];
}

function overheadRow(run: OverheadRun, what: string): Row {
  const least = run.copies ? COPIED_TO_BARE : SCHEDULED_TO_BARE;
  const measured = `${run.scheduledToBare.toFixed(3)} ×: ${rate(run.scheduled)} against ${rate(run.bare)}`;
  return row(what + partitioning(run), atLeast(run.scheduledToBare, least), measured);
}

function partitioning(run: OverheadRun): string {
  const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  const copies = run.copies ? ', inputs and outputs copied' : '';
  return `${plural(run.contexts, 'context')} of ${plural(run.streamsPerContext, 'stream')} on ${run.smsPerContext} SMs, mode ${run.mode}${copies}`;
}

// ---- What people run instead ----

const EAGER_MPS = { text: 'eager kernels in CUDA graphs, 12 processes under MPS', least: 1.6 };
const EAGER_SLICES = { text: 'the same, 8 processes by time slices', least: 7 };
const SAME_SLICES = { text: 'the very same graphs, processes by time slices', least: 6 };
const P99_TO_MPS = 0.8;

function peersRows({ resident: { scheduled, bare, model }, copied, processes }: PeersFigures): Row[] {
  const against = (peers: readonly Process[], { text, least }: { text: string; least: number }): Row[] => {
    const [peer] = peers.toSorted((a, b) => b.jobsPerS - a.jobsPerS);
    if (peer === undefined) return [];
    const times = scheduled.jobsPerS / peer.jobsPerS;
    return [
      row(
        `${model} on eight scheduled lanes against ${text}`,
        atLeast(times, least),
        `${times.toFixed(2)} ×: ${rate(scheduled)} against ${rate(peer)} (${peer.processes} processes)`,
      ),
    ];
  };
  const chosen = (sharing: string, code: string, copies = false): Process[] =>
    processes.filter((each) => each.sharing === sharing && each.code === code && each.copies === copies);
  return [
    row(`${model} on eight lanes of one process, a bare loop`, undefined, rate(bare)),
    row(
      'the same with inputs and outputs copied, scheduled',
      atLeast(copied.scheduledToBare, COPIED_TO_BARE),
      `${copied.scheduledToBare.toFixed(3)} ×: ${rate(copied.scheduled)}`,
    ),
    ...against(
      chosen('mps', 'graph').filter((each) => each.processes === 12),
      EAGER_MPS,
    ),
    ...against(
      chosen('time', 'graph').filter((each) => each.processes === 8),
      EAGER_SLICES,
    ),
    ...sameUnderMps(scheduled, chosen('mps', 'compiled')),
    ...against(chosen('time', 'compiled'), SAME_SLICES),
    ...processes.filter(isBaseline).map((each) => row(processWords(each), undefined, rate(each))),
  ];
}

/** As many jobs at a shorter tail: both have to hold. */
function sameUnderMps(scheduled: Rate, peers: readonly Process[]): Row[] {
  const [peer] = peers.toSorted((a, b) => b.jobsPerS - a.jobsPerS);
  if (peer === undefined) return [];
  const times = scheduled.jobsPerS / peer.jobsPerS;
  const tail = scheduled.jobUs.p99 / peer.jobUs.p99;
  const goal = { text: `≥ 1 × at ≤ ${P99_TO_MPS} of the p99`, reached: times >= 1 && tail <= P99_TO_MPS };
  const measured = `${times.toFixed(2)} × at ${tail.toFixed(2)} of the p99: ${rate(scheduled)} against ${rate(peer)} (${peer.processes} processes, the best of ${peers.map((each) => each.processes).join(', ')})`;
  return [row('… against the very same graphs, processes under MPS', goal, measured)];
}

function isBaseline({ code, copies, sharing }: Process): boolean {
  return code === 'eager' || sharing === 'alone' || copies;
}

function processWords({ sharing, processes, code, copies }: Process): string {
  const kinds: Record<string, string> = {
    eager: 'plain PyTorch, eager',
    graph: 'PyTorch’s eager kernels in a CUDA graph',
    compiled: 'the very same graphs',
  };
  const shared: Record<string, string> = { mps: 'under MPS', time: 'by time slices', alone: 'alone' };
  const who = processes === 1 ? 'one process' : `${processes} processes`;
  return `${kinds[code] ?? code}, ${who} ${shared[sharing] ?? sharing}${copies ? ', inputs and outputs copied' : ''}`;
}

// ---- Task sets ----

/** Throughput against pure batching at the same batch, from what two free lanes reach. */
const AGAINST_PURE: Readonly<Record<string, number>> = {
  resnet18: 1.15,
  resnet50: 1.02,
  inceptionv3: 1.12,
  unet: 0.95,
};
const UNBATCHED_TO_BARE = 0.9;
const HIGH_TO_LOW = 0.5;

function setRows({ model, batch, load, best, againstPure, againstRoof, pureBatching }: BatchedSet): Row[] {
  const least = AGAINST_PURE[model];
  const what = `the paper’s ${model} set as jobs of batch ${batch}, High and Low tasks 1:2, load ${load} of pure batching`;
  const pure = `${number(best.elementsPerS)} images a second against ${number(pureBatching[String(batch)] ?? 0)}`;
  const where = `${best.name}, ${best.admission}`;
  return [
    row(
      `${what}: throughput against pure batching at ${batch}`,
      least === undefined ? undefined : atLeast(againstPure, least),
      `${againstPure.toFixed(2)} × (${againstRoof.toFixed(2)} of the roof): ${pure}, by ${where}`,
    ),
    row(
      '… High jobs late, left out or failed; Low jobs late; Low jobs in time of all released',
      bounds(best),
      boundsWords(best),
    ),
    row('… High p99 response against Low p99', tailGoal(best), tailWords(best)),
  ];
}

function unbatchedRow({ model, load, best, againstBare, bareLoop }: UnbatchedSet): Row {
  const reached = againstBare >= UNBATCHED_TO_BARE && bounds(best).reached;
  return row(
    `the paper’s ${model} set as single jobs, load ${load} of a bare loop: throughput against the fastest bare loop; High late; Low late`,
    { text: `≥ ${UNBATCHED_TO_BARE} ×; 0; < ${percent(MOST_LOW_MISSES)}`, reached },
    `${againstBare.toFixed(2)} ×: ${number(best.elementsPerS)} a second by ${best.name}, ${best.admission}, against ${number(bareLoop.elementsPerS)} by ${bareLoop.name}; ${boundsWords(best)}`,
  );
}

type Priorities = Pick<BatchedSet['best'], 'high' | 'low'>;

function bounds({ high, low }: Priorities): NonNullable<Row['goal']> {
  const reached = high.missed + high.skipped + high.failed === 0 && low.missRate < MOST_LOW_MISSES;
  return { text: `0; < ${percent(MOST_LOW_MISSES)}; shown`, reached };
}

function boundsWords({ high, low }: Priorities): string {
  return `${high.missed + high.skipped + high.failed} of ${number(high.released)}; ${percent(low.missRate)}; ${percent(low.onTimeRate)}`;
}

function tailGoal({ high, low }: Priorities): Row['goal'] {
  const reached =
    high.responseUs !== null && low.responseUs !== null && high.responseUs.p99 <= HIGH_TO_LOW * low.responseUs.p99;
  return { text: `≤ ${HIGH_TO_LOW} ×`, reached };
}

function tailWords({ high: { responseUs: high }, low: { responseUs: low } }: Priorities): string {
  if (high === null || low === null) return 'no job of one of them';
  return `${(high.p99 / low.p99).toFixed(2)} ×: p50 ${ms(high.p50)}, p99 ${ms(high.p99)} against p50 ${ms(low.p50)}, p99 ${ms(low.p99)}`;
}

// ---- The rest ----

const BESIDE_P99 = 1.1;
/** MiB in the last minute that count as none: buffers of the C library, and of what reads the figures. */
const FLAT_MIB = 1;

function migrationRow({ jobs, migratedUs, stayedUs, addsUs, noiseUs }: MigrationFigures): Row {
  return row(
    'response of jobs that move to another context at their release, against jobs that stay',
    { text: 'no more than noise', reached: addsUs <= noiseUs },
    `${addsUs} µs at p50, noise ${noiseUs} µs: ${us(migratedUs)} of ${number(jobs)} that moved, ${us(stayedUs)}`,
  );
}

function identityRow({ compared, different, gemmPassed }: IdentityFigures): Row {
  return row(
    'outputs under full load bit by bit as those of the same slots alone; two slots of matrix products 10,000 times at once',
    { text: 'all; all', reached: different === 0 && compared > 0 && gemmPassed },
    `${different} of ${number(compared)} differ; ${gemmPassed ? 'none differs' : 'failed, or not run'}`,
  );
}

function besideRow(run: LoadBesideFigures['runs'][number], load: number): Row {
  const before = run.phases.find(({ name }) => name === 'before')?.responseUs;
  const during = run.phases.find(({ name }) => name === 'during')?.responseUs;
  return row(
    `${run.second} is loaded, profiled and captured beside High tasks at ${percent(load)} load, ${run.name}: High late; p99`,
    { text: `0; ≤ ${BESIDE_P99} ×`, reached: run.missed === 0 && run.p99Ratio <= BESIDE_P99 },
    `${run.missed}; ${run.p99Ratio.toFixed(2)} ×: ${before ? us(before) : 'none'} before, ${during ? us(during) : 'none'} during; the longest response, ${ms(run.longest.us)}, in ${run.longest.phase}`,
  );
}

function soakRow({ seconds, high, low, growth, jobsPerS, memory }: SoakFigures): Row {
  const flat = growth.hostMiB <= FLAT_MIB && growth.gpuMiB <= FLAT_MIB && memory.length > 0;
  const late = high.missed + high.skipped + high.failed;
  return row(
    `four models mixed at 150 % for ${Math.round(seconds / 60)} minutes: growth of memory in the last minute; High late`,
    { text: 'none; 0', reached: flat && late === 0 },
    `host ${growth.hostMiB} MiB, GPU ${growth.gpuMiB} MiB; ${late} of ${number(high.released)}, Low ${percent(low.missRate)}, ${number(jobsPerS)} jobs a second`,
  );
}

function rate({ jobsPerS, jobUs }: Pick<Rate, 'jobsPerS' | 'jobUs'>): string {
  return `${number(jobsPerS)} a second (${us(jobUs)})`;
}
