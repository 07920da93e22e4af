// Single figures that the prose of docs/choosing.md rests on. Each is computed, and each sentence that it carries is a
// premise: where results no longer bear it out, the page is not written.
import { isWithinBounds, MOST_LOW_MISSES, type Served } from '../../gpu/sets.ts';
import { NETWORKS } from '../experiments.ts';
import { readPaper } from '../observations.ts';
import type { PaperResults } from '../results.ts';
import type { Simulated } from '../simulate.ts';
import {
  pairsOfTests,
  premise,
  runOf,
  setNamed,
  setsOf,
  streamsAtOnce,
  streamsOnly,
  titleOf,
  type MeasuredGpu,
  type MeasuredSet,
} from './measured.ts';

export interface Extreme {
  readonly value: number;
  readonly of: string;
}

/** The least and the most over sets that have both figures. */
function extremes(sets: readonly MeasuredSet[], value: (set: MeasuredSet) => number | undefined): [Extreme, Extreme] {
  const all = sets.flatMap((set) => {
    const found = value(set);
    return found === undefined ? [] : [{ value: found, of: titleOf(set) }];
  });
  const sorted = all.toSorted((a, b) => a.value - b.value);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) throw new Error('no set has that figure');
  return [least, most];
}

function between(
  set: MeasuredSet,
  [one, other]: readonly [string, string],
  figure: (run: Served) => number | undefined,
): number | undefined {
  const [first, second] = [runOf(set, one), runOf(set, other)];
  const [a, b] = [first && figure(first), second && figure(second)];
  return a === undefined || b === undefined ? undefined : a / b;
}

const rate = ({ elementsPerS }: Served): number => elementsPerS;
const highP50 = ({ high }: Served): number | undefined => high.responseUs?.p50;

/** The fastest with no High job late and few Low ones. */
function fastestWithin(runs: readonly Served[]): Served | undefined {
  return runs.filter(isWithinBounds).toSorted((a, b) => rate(b) - rate(a))[0];
}

function fastestStreams(set: MeasuredSet): Served {
  const best = fastestWithin(streamsOnly(set));
  if (best === undefined) throw new Error(`no number of streams keeps the bounds of ${titleOf(set)}`);
  return best;
}

/** Streams of one context against the best of all partitionings, and against contexts of one stream each. */
export function streamsFacts(gpu: MeasuredGpu) {
  const sets = setsOf(gpu);
  const [worst] = extremes(sets, (set) => rate(fastestStreams(set)) / rate(set.best));
  const [leastLonger, mostLonger] = extremes(sets, (set) =>
    between(set, ['GreenContexts 8×1_8', 'Streams 1×8_1'], highP50),
  );
  const [, lateInContexts] = extremes(sets, (set) => runOf(set, 'GreenContexts 8×1_8')?.low.missRate);
  const [, lateInStreams] = extremes(sets, (set) => Math.max(...streamsOnly(set).map(({ low }) => low.missRate)));
  const highRuns = sets.flatMap(({ sweep }) => sweep);
  const highLate = highRuns.filter(({ high }) => high.missed + high.skipped + high.failed > 0).length;
  premise(worst.value > 0.875, 'streams of one context come within an eighth of the best partitioning');
  premise(leastLonger.value > 1, 'High jobs wait longer in contexts of one stream than with as many streams of one');
  premise(lateInStreams.value < MOST_LOW_MISSES, 'with streams of one context few Low jobs are late');
  premise(lateInContexts.value > 2 * lateInStreams.value, 'in contexts of one stream more Low jobs are late');
  premise(highLate === 0, 'no High job was late in any partitioning');
  return { worst, leastLonger, mostLonger, lateInContexts, lateInStreams, runs: highRuns.length };
}

/** The fastest under MPS, with its bounds kept, against the fastest without: where it loses most, where it gains most. */
export function mpsFacts(gpu: MeasuredGpu): { least: Extreme; most: Extreme; best: string } {
  const fastest = (set: MeasuredSet, underMps: boolean): Served | undefined =>
    fastestWithin(set.sweep.filter(({ name }) => name.startsWith('MPS') === underMps));
  const [least, most] = extremes(gpu.singles, (set) => {
    const [mps, others] = [fastest(set, true), fastest(set, false)];
    return mps && others && rate(mps) / rate(others);
  });
  const winner = gpu.singles.find((set) => titleOf(set) === most.of);
  premise(least.value < 1 && most.value > 1, 'MPS is the faster for some single jobs and the slower for others');
  return { least, most, best: (winner && fastest(winner, true)?.name) ?? '' };
}

function streamsFrom(set: MeasuredSet, few: number, many: number): { rate: number; highP50: number } {
  const [first, last] = [few, many].map((count) => streamsOnly(set).find((run) => streamsAtOnce(run) === count));
  if (first === undefined || last === undefined) throw new Error(`${titleOf(set)} lacks ${few} or ${many} streams`);
  return { rate: rate(last) / rate(first) - 1, highP50: (highP50(last) ?? 0) / (highP50(first) ?? 1) };
}

/** What more streams bring to small jobs and to large ones. */
export function numberFacts(gpu: MeasuredGpu) {
  const small = ['resnet18', 'inceptionv3'].map((network) => setNamed(gpu, network, true));
  const gained = small.map((set) => ({ set, ...streamsFrom(set, 6, 10) }));
  const lost = gpu.batches.map((set) => ({ set, ...streamsFrom(set, 2, 10) }));
  const bestCounts = gpu.batches.map((set) => streamsAtOnce(fastestStreams(set)));
  const unet = setNamed(gpu, 'unet', true);
  const unetSix = streamsFrom(unet, 6, 10);
  premise(
    gained.every((each) => each.rate > 0.15),
    'small jobs gain throughput up to ten streams',
  );
  premise(Math.max(...bestCounts) <= 4, 'large jobs are fastest on two to four streams');
  premise(
    lost.every((each) => each.rate < 0 && each.highP50 > 3),
    'large jobs lose by more streams',
  );
  premise(unetSix.rate < 0, 'single jobs of unet, which are not small, lose beyond six streams');
  return { gained, lost, unetSix, bestCounts };
}

function isFullyOverlapped(name: string): boolean {
  const [, contexts, level] = /(\d+)×\d+_([\d.]+)$/.exec(name) ?? [];
  return contexts === level;
}

/** Images a second of the fastest division into contexts that is named so. */
function fastestOf({ sweep }: MeasuredSet, wanted: (name: string) => boolean): number {
  return Math.max(...sweep.filter(({ name }) => name.startsWith('GreenContexts') && wanted(name)).map(rate));
}

/** Contexts with SMs of their own against contexts over all SMs. */
export function isolationFacts(gpu: MeasuredGpu) {
  const eight = (set: MeasuredSet): number | undefined =>
    between(set, ['GreenContexts 8×1_1', 'GreenContexts 8×1_8'], rate);
  const [mostLost, leastLost] = extremes(gpu.singles, eight);
  const [leastTail, mostTail] = extremes(gpu.singles, (set) =>
    between(set, ['GreenContexts 8×1_1', 'GreenContexts 8×1_8'], ({ high }) => high.responseUs?.p99),
  );
  const overlapped = gpu.batches.map(
    (set) => fastestOf(set, (name) => isFullyOverlapped(name)) / fastestOf(set, () => true),
  );
  const single = gpu.singles.map(
    (set) => fastestOf(set, (name) => isFullyOverlapped(name)) / fastestOf(set, () => true),
  );
  premise(Math.min(...overlapped) === 1, 'of contexts, those over all SMs are the fastest for batches');
  premise(Math.min(...single) > 0.9, 'and within a tenth of the fastest contexts for single jobs');
  premise(leastLost.value <= 1, 'SMs of their own cost throughput');
  premise(leastTail.value > 1, 'and with eight contexts lengthen the tail of High jobs');
  return { mostLost, leastLost, leastTail, mostTail, two: twoIsolated(gpu) };
}

/** Of batches on two contexts it was measured for one set alone: half of the GPU for each job. */
function twoIsolated(gpu: MeasuredGpu) {
  return gpu.batches.flatMap((set) => {
    const [alone, shared] = [runOf(set, 'GreenContexts 2×1_1'), runOf(set, 'GreenContexts 2×1_2')];
    if (alone === undefined || shared === undefined) return [];
    const tail = (alone.high.responseUs?.p99 ?? Number.NaN) / (shared.high.responseUs?.p99 ?? Number.NaN);
    premise(tail < 1, 'of batches on two contexts the tail of High jobs is shorter on SMs of their own');
    const late = { alone: alone.low.missRate, shared: shared.low.missRate };
    return [{ of: titleOf(set), change: rate(alone) / rate(shared) - 1, tail, late }];
  });
}

export function admissionFacts(gpu: MeasuredGpu) {
  const pairs = setsOf(gpu).flatMap(pairsOfTests);
  const differences = pairs.map(({ predicted, utilization }) =>
    Math.abs(predicted.low.onTimeRate - utilization.low.onTimeRate),
  );
  const most = Math.max(...differences);
  premise(most < 0.05, 'on the H200 both tests of admission bring about as many Low jobs to their end in time');
  return { pairs: pairs.length, most };
}

/** How much of the GPU's highest rate the batches reach one after the other. */
export function sizeFacts(gpu: MeasuredGpu) {
  const large = gpu.batches.map((set) => ({ set, of: (set.purePerS ?? Number.NaN) / set.roofPerS }));
  premise(
    large.every(({ of }) => of > 0.5),
    'the batches do more than half of the highest rate one after the other',
  );
  return large;
}

/** What one stream of the largest batches does over the best of jobs that each go alone. */
export function joiningFacts(gpu: MeasuredGpu) {
  const room = gpu.singles.map((set) => ({ network: set.network, times: set.roofPerS / rate(set.best) }));
  premise(
    room.every(({ times }) => times > 1.5),
    'single jobs leave much of the GPU unused that batches use',
  );
  return room;
}

/** Of the GPU's highest rate, what the best of DARIS with batches does. */
export function roofFacts(gpu: MeasuredGpu) {
  const reached = gpu.batches.map((set) => ({
    network: set.network,
    batch: set.batch,
    of: rate(set.best) / set.roofPerS,
  }));
  const gained = gpu.batches.map((set) => ({
    network: set.network,
    batch: set.batch,
    over: rate(set.best) / (set.purePerS ?? Number.NaN) - 1,
  }));
  premise(
    reached.every(({ of }) => of < 1),
    'one stream of the largest batches is faster than any set with deadlines',
  );
  premise(
    gained.every(({ over }) => over > 0),
    'with deadlines more gets through than one stream of the same batches',
  );
  return { reached, gained };
}

/** By the share of High tasks, simulated. */
export function highShareFacts({ ratios }: PaperResults) {
  return Object.entries(ratios).map(([network, rows]) => {
    const late = (load: string, highShare: number): number =>
      rows.find((row) => row.load === load && row.highShare === highShare)?.run.high.missRate ?? Number.NaN;
    const [half, all, tested] = [late('overload', 0.5), late('overload', 1), late('Overload+HPA', 1)];
    premise(half === 0, 'with half of an overload High, no High job is late');
    premise(all > 0.2 && tested < 0.01, 'High tasks alone beyond what the GPU can do are late unless they are tested');
    return { network, half, all, tested };
  });
}

/** From two streams to ten on the paper's GPU, simulated: the nearest to an embedded one that there are figures of. */
export function smallGpuFacts({ main }: PaperResults) {
  const { networks } = readPaper();
  return NETWORKS.map((network) => {
    const at = (streams: number): Simulated => {
      const found = main[network]?.find(({ configuration }) => configuration === `1×${streams}`);
      if (found === undefined) throw new Error(`${network} was not simulated on ${streams} streams`);
      return found;
    };
    const [two, four, ten] = [at(2), at(4), at(10)];
    premise(four.inferencesPerS > two.inferencesPerS, 'four streams do more than two');
    const { roof, high = 0, low = 0, jobsPerS = 0 } = networks[network] ?? { roof: Number.NaN };
    return { network, two, four, ten, load: ((high + low) * jobsPerS) / roof };
  });
}

/** Small single jobs and large batches beside each other on the H200, simulated. */
export function mixFacts({ h200 }: PaperResults) {
  const at = (configuration: string): Simulated => {
    const found = h200.mixed.find((run) => run.configuration === configuration);
    if (found === undefined) throw new Error(`the mix was not simulated on ${configuration}`);
    return found;
  };
  const rows = ['1×4', '1×8', '1×10', '4×2_2', '4×2_4', '5×2_5', '10×1_10'].map(at);
  const [streams, contexts] = [at('1×10'), at('5×2_5')];
  premise(
    contexts.low.onTimeRate > streams.low.onTimeRate,
    'of a mix more Low jobs end in time in contexts of two streams than with as many streams of one',
  );
  premise(
    h200.mixed.every(({ high }) => high.missed === 0),
    'no High job of the simulated mix is late',
  );
  return { rows, streams, contexts };
}

/** What the other test of admission changes on the paper's GPU, simulated over all configurations. */
export function simulatedAdmissionFacts({ main, predicted }: PaperResults) {
  const changes = NETWORKS.map((network) => {
    const fastest = (runs: readonly Simulated[] = []): number =>
      Math.max(...runs.map(({ inferencesPerS }) => inferencesPerS));
    return fastest(predicted[network]) / fastest(main[network]) - 1;
  });
  premise(
    changes.every((change) => Math.abs(change) < 0.05),
    'on the paper’s GPU both tests reach about the same throughput',
  );
  return { least: Math.min(...changes), most: Math.max(...changes) };
}

/** Joined at four fifths of the roof, or what is nearest to that, simulated on the H200. */
export function joinedFacts({ h200: { joined } }: PaperResults, gpu: MeasuredGpu) {
  return ['resnet18', 'resnet50'].flatMap((network) => {
    const row = joined.find((each) => each.network === network && each.measured.offered === 0.8);
    const single = gpu.singles.find((set) => set.network === network);
    if (row === undefined) return [];
    premise(row.run.high.missed + row.run.low.missed === 0, 'joined, nobody is late at four fifths of the roof');
    premise(row.run.high.rejected + row.run.low.rejected === 0, 'and nobody is refused');
    return [{ ...row, overSingles: single && row.run.jobsPerS / rate(single.best) }];
  });
}
