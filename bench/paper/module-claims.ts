// Claims about the parts of the scheduler: modules left out, windows of MRET.
import { because, BUSY, Lookup, median, NEAR, number, percent, SHARP, signed, type Claim } from './claim.ts';
import { WIDER, WINDOWS } from './experiments.ts';
import { PAPER_SCHEDULER, STAGES } from './scenario.ts';
import type { AblationRow, MretRow, PaperResults } from './results.ts';
import type { Simulated } from './simulate.ts';

export function moduleClaims(from: Lookup): Claim[] {
  return [...ablations(from), ...windows(from)];
}

// ---- Modules ----

/** Throughput that changes by less has stayed. */
const SAME = 0.02;

type Ablations = PaperResults['ablations'];

function rowOf(all: Ablations, name: string): AblationRow {
  const found = all[name];
  if (found === undefined) throw new Error(`${name} was not simulated`);
  return found;
}

/** A variant against the whole scheduler, draw by draw: the middle, the least and the most. */
interface Changes {
  readonly middle: number;
  readonly least: number;
  readonly most: number;
}

function changesOf(all: Ablations, name: string, figure: (run: Simulated) => number): Changes {
  const [whole, variant] = [rowOf(all, 'DARIS').draws, rowOf(all, name).draws];
  const changes = variant.map((run, i) => {
    const base = whole[i];
    return base === undefined ? Number.NaN : figure(run) / figure(base) - 1;
  });
  return { middle: median(changes), least: Math.min(...changes), most: Math.max(...changes) };
}

function words({ middle, least, most }: Changes): string {
  return `${signed(middle)} (${signed(least)} to ${signed(most)})`;
}

const rate = ({ inferencesPerS }: Simulated): number => inferencesPerS;
const longestHigh = ({ high }: Simulated): number => high.responseUs?.max ?? Number.NaN;
const middleHigh = ({ high }: Simulated): number => high.responseUs?.p50 ?? Number.NaN;
const middleLow = ({ low }: Simulated): number => low.responseUs?.p50 ?? Number.NaN;

function lateWords(all: Ablations, name: string): string {
  const { draws } = rowOf(all, name);
  const most = (figure: (run: Simulated) => number): string => percent(Math.max(...draws.map(figure)));
  return `High ${most(({ high }) => high.missRate)}, Low ${most(({ low }) => low.missRate)} late at worst`;
}

function ablations(from: Lookup): Claim[] {
  const { results, paper } = from;
  const common = { where: 'VI-F', measured: '', input: false };
  return [
    { ...common, ...noStaging(results, paper.claims) },
    { ...common, ...noLast(results, paper.claims) },
    { ...common, ...noPrior(results) },
    { ...common, ...noFixed(results, paper.claims) },
  ];
}

type Told = Lookup['paper']['claims'];
type Rest = Omit<Claim, 'where' | 'measured' | 'input'>;

function noStaging({ ablations: ours, h200 }: PaperResults, told: Told): Rest {
  const text = (all: Ablations): string =>
    `${words(changesOf(all, 'No Staging', rate))}; ${lateWords(all, 'No Staging')}; longest High response ${words(changesOf(all, 'No Staging', longestHigh))}`;
  const change = changesOf(ours, 'No Staging', rate);
  const longer = changesOf(ours, 'No Staging', longestHigh);
  const [whole, variant] = [rowOf(ours, 'DARIS').draws[0], rowOf(ours, 'No Staging').draws[0]];
  const claim = 'No Staging: throughput, late jobs';
  const holds = change.middle < -SHARP;
  return {
    claim,
    paper: `${signed(told.noStagingThroughput)}; High ${percent(told.noStagingHighMissRate)}, Low ${percent(told.noStagingLowMissRate)} late`,
    simulated: text(ours),
    h200: text(h200.ablations),
    holds,
    reason: because(holds, claim, [
      [
        Math.abs(change.middle) < SAME && (whole?.busy ?? 0) > BUSY && (variant?.busy ?? 0) > BUSY && longer.middle > 0,
        `streams are busy ${percent(whole?.busy ?? 0)} of the time with stages and ${percent(variant?.busy ?? 0)} without, and a job’s work does not depend on where it is divided, so no rule of the paper loses throughput here; High jobs do wait longer. What the paper loses must lie in its runtime`,
      ],
      [true, `throughput changes by ${signed(change.middle)}`],
    ]),
  };
}

function noLast({ ablations: ours, h200 }: PaperResults, told: Told): Rest {
  const change = changesOf(ours, 'No Last', longestHigh);
  const throughput = changesOf(ours, 'No Last', rate);
  const claim = 'No Last: longest response of High jobs';
  const holds = change.middle >= told.noLastHighWorst * (1 - NEAR);
  return {
    claim,
    paper: signed(told.noLastHighWorst),
    simulated: words(change),
    h200: words(changesOf(h200.ablations, 'No Last', longestHigh)),
    holds,
    reason: because(holds, claim, [
      [
        change.middle > 0 && change.most < told.noLastHighWorst && Math.abs(throughput.middle) < SAME,
        `longer in the middle of all draws of first releases, by less in each; throughput stays, as it says (${words(throughput)})`,
      ],
      [change.middle > 0, 'longer in the middle of all draws of first releases, but by less'],
      [true, 'in the middle of all draws of first releases it is not longer'],
    ]),
  };
}

function noPrior({ ablations: ours, h200 }: PaperResults): Rest {
  const [high, low] = [middleHigh, middleLow].map((figure) => changesOf(ours, 'No Prior', figure));
  const text = (all: Ablations): string =>
    `High ${words(changesOf(all, 'No Prior', middleHigh))}, Low ${words(changesOf(all, 'No Prior', middleLow))}`;
  const claim = 'No Prior: p50 response';
  const holds = (high?.middle ?? 0) > 0.01 && (low?.middle ?? 0) > 0.01;
  return {
    claim,
    paper: 'longer, on average, for all',
    simulated: text(ours),
    h200: text(h200.ablations),
    holds,
    reason: because(holds, claim, [
      [
        Math.abs(high?.middle ?? 0) <= 0.01 && Math.abs(low?.middle ?? 0) <= 0.01,
        'it makes no difference: the order among stages of one priority changes who waits, not how much is waited for',
      ],
      [
        Math.abs(high?.middle ?? 0) <= 0.01 && (low?.middle ?? 0) > 0.01,
        'for Low jobs it is so, High ones take as long as before',
      ],
      [true, `High ${signed(high?.middle ?? 0)}, Low ${signed(low?.middle ?? 0)} in the middle of all draws`],
    ]),
  };
}

function noFixed({ ablations: ours, wideAblations, h200 }: PaperResults, told: Told): Rest {
  const text = (all: Ablations): string =>
    `${lateWords(all, 'No Fixed')}; High p50 ${words(changesOf(all, 'No Fixed', middleHigh))}`;
  const late = rowOf(ours, 'No Fixed').draws.flatMap(({ high, low }) => [high.missRate, low.missRate]);
  const claim = 'No Fixed: late jobs';
  const holds = Math.min(...late) > told.noFixedMissRate / 2;
  return {
    claim,
    paper: `${percent(told.noFixedMissRate)} of both`,
    simulated: text(ours),
    h200: text(h200.ablations),
    holds,
    reason: because(holds, claim, [
      [
        Math.max(...late) < told.noFixedMissRate,
        `High jobs wait as long as Low ones, as it says, but what (12) admits is less than a context does, and EDF then ends it in time. With times that vary ${WIDER} times as much: ${lateWords(wideAblations, 'No Fixed')}`,
      ],
      [true, 'another part is late'],
    ]),
  };
}

// ---- Windows ----

const PAPER_WINDOW = PAPER_SCHEDULER.mretWindow;

function exceededOf({ times }: MretRow): number {
  return times.jobs === 0 ? 0 : times.exceeded / times.jobs;
}

/** On the paper's best configuration, then on its worst; by the paper's window. */
function pairOf(rows: readonly MretRow[]): readonly [MretRow, MretRow] {
  const [best, worst] = rows.filter(({ window }) => window === PAPER_WINDOW);
  if (best === undefined || worst === undefined) throw new Error('two configurations with the paper’s window');
  return [best, worst];
}

function exceededWords(rows: readonly MretRow[]): string {
  return pairOf(rows)
    .map((row) => `${row.run.configuration} ${percent(exceededOf(row))} of jobs`)
    .join('; ');
}

function windowWords(rows: readonly MretRow[]): string {
  const best = rows.filter(({ run }) => run.configuration === rows[0]?.run.configuration);
  return best
    .map(({ window, run }) => `${window}: ${percent(run.low.missRate)} late, ${number(run.inferencesPerS)} a second`)
    .join('; ');
}

function ends(rows: readonly MretRow[]): { small: Simulated; paper: Simulated; large: Simulated } {
  const best = rows.filter(({ run }) => run.configuration === rows[0]?.run.configuration);
  const [small, large, paper] = [best[0], best.at(-1), best.find(({ window }) => window === PAPER_WINDOW)];
  if (!small || !large || !paper) throw new Error('windows were not simulated');
  return { small: small.run, paper: paper.run, large: large.run };
}

function windows(from: Lookup): Claim[] {
  const { mret, wideMret, h200 } = from.results;
  const [best, worst] = pairOf(mret);
  const seldom = exceededOf(best) < 0.1;
  const often = exceededOf(worst) > 2 * exceededOf(best);
  const { small, paper, large } = ends(mret);
  const wide = ends(wideMret);
  const lost = large.inferencesPerS / paper.inferencesPerS - 1;
  const first = small.low.missRate > paper.low.missRate;
  const common = { where: 'VI-G', measured: '', input: false };
  const exceeds = 'jobs that take longer than their MRET: seldom at 6×1_6, often at 3×3_1';
  const sizes = `a smaller window than ${PAPER_WINDOW}: more Low jobs late; a larger one: less throughput (${best.run.configuration})`;
  const chance = 1 / (PAPER_WINDOW + 1);
  const stages = best.times.stagesExceeded / best.times.stages;
  return [
    {
      ...common,
      claim: exceeds,
      paper: 'seldom; often',
      simulated: exceededWords(mret),
      h200: `batches: ${exceededWords(h200.mret)}`,
      holds: seldom && often,
      reason: because(seldom && often, exceeds, [
        [
          seldom && Math.abs(stages / chance - 1) < 0.1,
          `the first holds. A stage is longer than the last ${PAPER_WINDOW} in ${percent(stages)} of cases, as chance has it (one in ${PAPER_WINDOW + 1}), and a job, whose MRET is the sum of ${STAGES} maxima, in ${percent(exceededOf(best))}. Neighbours are alike in the model, so the partitioning changes how long stages take, not how much they vary`,
        ],
        [true, 'the partitioning hardly changes how much times vary'],
      ]),
    },
    {
      ...common,
      claim: sizes,
      paper: `window ${PAPER_WINDOW} is best`,
      simulated: windowWords(mret),
      h200: `batches: ${windowWords(h200.mret)}`,
      holds: first && lost < -0.01,
      reason: because(first && lost < -0.01, sizes, [
        [
          first && lost >= -0.01,
          `the first holds. A window of ${WINDOWS.at(-1) ?? ''} changes that by ${signed(lost)}: among ${number(from.platforms.publishedSet('resnet18').low)} Low tasks some job always fits, so streams stay busy. With times that vary ${WIDER} times as much by ${signed(wide.large.inferencesPerS / wide.paper.inferencesPerS - 1)}`,
        ],
        [true, 'smaller windows make no more jobs late'],
      ]),
    },
  ];
}
