// Claims about deadlines and responses: late jobs, modules, windows of MRET, ratios of High to Low tasks.
import { highMissed, Lookup, NEAR, percent, SHARP, signed, worstMissRate, type Claim } from './claim.ts';
import { NETWORKS } from './experiments.ts';
import { policyOf, type Policy } from './policies.ts';
import type { MeasuredRow, PaperResults } from './run.ts';
import type { Simulated } from './simulate.ts';

const ms = (us: number): string => (us / 1000).toFixed(1);
const times = (factor: number): string => `${factor.toFixed(2)} ×`;

export function timeClaims(from: Lookup): Claim[] {
  return [
    noHighMiss(from),
    ...lowMisses(from),
    ...responses(from),
    ...ablations(from),
    ...windows(from),
    ...ratios(from),
  ];
}

function noHighMiss(from: Lookup): Claim {
  const runs = from.networks();
  const late = highMissed(runs);
  const h200 = from.results.measured;
  const words = (count: number, of: number, which = ''): string => `late in ${count} of ${of} configurations${which}`;
  return {
    where: 'VI-A',
    claim: 'no High job is late in any main experiment',
    paper: `${from.paper.claims.highMissed}`,
    simulated: words(late.length, runs.length, late.length === 0 ? '' : `: ${namesOf(from.results, late)}`),
    h200: words(highMissed(h200.map(({ run }) => run)).length, h200.length),
    measured: words(h200.filter(({ measuredHighMissed }) => measuredHighMissed > 0).length, h200.length),
    input: false,
    holds: late.length === 0,
    reason: 'where the High tasks of one context alone want about what it can do: nothing refuses them',
  };
}

function lowMisses(from: Lookup): Claim[] {
  const { claims } = from.paper;
  const worst = (policy: Policy): string =>
    NETWORKS.map((network) => `${network} ${percent(worstMissRate(from.of(network, policy)))}`).join(', ');
  const most = (policy: Policy): number => worstMissRate(NETWORKS.flatMap((network) => from.of(network, policy)));
  const row = (claim: string, paper: string, policy: Policy, allowed: number, reason: string): Claim => ({
    where: 'VI-A',
    claim,
    paper,
    simulated: worst(policy),
    h200: h200Misses(from.results.measured, policy, ({ run }) => run.low.missRate),
    measured: h200Misses(from.results.measured, policy, ({ measuredLowMissRate }) => measuredLowMissRate),
    input: false,
    holds: most(policy) <= allowed,
    reason,
  });
  const best = from.named('unet', '6×1_2').low.missRate;
  return [
    row(
      'STR: Low jobs late, worst configuration',
      `${percent(claims.strLowMissRate)}; inceptionv3 1×2 < ${percent(claims.strInception1x2LowMissRate)}`,
      'STR',
      claims.strLowMissRate,
      'few are late, but not none',
    ),
    row(
      'MPS: Low jobs late, worst configuration',
      `< ${percent(claims.mpsLowMissRate)}`,
      'MPS',
      claims.mpsLowMissRate,
      'in the worst, contexts that High tasks nearly fill admit few Low jobs, and many of those few are late',
    ),
    row(
      'MPS+STR: Low jobs late, worst configuration',
      `up to ${percent(claims.mpsStrLowMissRate)}`,
      'MPS+STR',
      claims.mpsStrLowMissRate,
      'more are late',
    ),
    {
      where: 'VI-A',
      claim: 'unet: Low jobs late, worst configuration; at 6×1_2',
      paper: `< ${percent(claims.unetLowMissRate)}; ${percent(claims.unetBestLowMissRate)}`,
      simulated: `${percent(worstMissRate(from.main('unet')))}; ${percent(best)}`,
      h200: '',
      measured: '',
      input: false,
      holds: worstMissRate(from.main('unet')) <= claims.unetLowMissRate && best <= claims.unetBestLowMissRate,
      reason: 'near, but above',
    },
  ];
}

function responses(from: Lookup): Claim[] {
  const { high, low } = from.named('resnet18', '6×1_6');
  const { highResponseMs: told, lowResponseMs: toldLow, highFasterThanLow } = from.paper.claims;
  if (high.responseUs === null || low.responseUs === null) return [];
  const faster = low.responseUs.p50 / high.responseUs.p50;
  const range = ([least, most]: readonly [number, number]): string => `${least}–${most} ms`;
  const ours = ({ p50, p99, max }: { p50: number; p99: number; max: number }): string =>
    `p50 ${ms(p50)}, p99 ${ms(p99)}, most ${ms(max)} ms`;
  return [
    {
      where: 'VI-F',
      claim: 'resnet18, 6×1_6: responses of High jobs',
      paper: range(told),
      simulated: ours(high.responseUs),
      h200: '',
      measured: '',
      input: false,
      holds: high.responseUs.max <= told[1] * 1000 * (1 + NEAR),
      reason: 'they are longer',
    },
    {
      where: 'VI-F',
      claim: 'resnet18, 6×1_6: responses of Low jobs; High ones are so many times faster',
      paper: `${range(toldLow)}; ${highFasterThanLow} ×`,
      simulated: `${ours(low.responseUs)}; ${times(faster)}`,
      h200: '',
      measured: '',
      input: false,
      holds: low.responseUs.max <= toldLow[1] * 1000 * (1 + NEAR) && faster >= highFasterThanLow,
      reason:
        'High jobs are as much faster, or more; the longest Low ones wait longer than the paper’s, to about their deadline',
    },
  ];
}

/** What the scheduler loses without each of its modules. */
interface Ablated {
  readonly throughput: number;
  readonly unstagedLate: string;
  readonly unstagedHighWorst: number;
  readonly noLastHighWorst: number;
  readonly noFixed: Simulated;
  readonly highP50Us: readonly [without: number, whole: number];
}

function ablatedOf(all: PaperResults['ablations']): Ablated {
  const variant = (name: string): Simulated => {
    const found = all[name];
    if (found === undefined) throw new Error(`${name} was not simulated`);
    return found;
  };
  const [whole, unstaged, noFixed] = [variant('DARIS'), variant('No Staging'), variant('No Fixed')];
  const longest = ({ high }: Simulated): number => high.responseUs?.max ?? Number.NaN;
  const middle = ({ high }: Simulated): number => high.responseUs?.p50 ?? Number.NaN;
  return {
    throughput: unstaged.inferencesPerS / whole.inferencesPerS - 1,
    unstagedLate: lateOf(unstaged),
    unstagedHighWorst: longest(unstaged) / longest(whole) - 1,
    noLastHighWorst: longest(variant('No Last')) / longest(whole) - 1,
    noFixed,
    highP50Us: [middle(noFixed), middle(whole)],
  };
}

function lateOf({ high, low }: Simulated): string {
  return `High ${percent(high.missRate)}, Low ${percent(low.missRate)} late`;
}

function ablations({ results, paper: { claims } }: Lookup): Claim[] {
  const [ours, h200] = [ablatedOf(results.ablations), ablatedOf(results.h200Ablations)];
  const unstaged = ({ throughput, unstagedLate, unstagedHighWorst }: Ablated): string =>
    `${signed(throughput)}; ${unstagedLate}; longest High response ${signed(unstagedHighWorst)}`;
  const noFixed = ({ noFixed: run, highP50Us: [without, whole] }: Ablated): string =>
    `${lateOf(run)}; High p50 ${ms(without)} against ${ms(whole)} ms`;
  const common = { where: 'VI-F', measured: '', input: false };
  return [
    {
      ...common,
      claim: 'No Staging: throughput, late jobs',
      paper: `${signed(claims.noStagingThroughput)}; High ${percent(claims.noStagingHighMissRate)}, Low ${percent(claims.noStagingLowMissRate)} late`,
      simulated: unstaged(ours),
      h200: unstaged(h200),
      holds: ours.throughput < -SHARP,
      reason:
        'a job’s work does not depend on where it is divided, so throughput stays; High jobs do wait longer. What the paper loses may lie in its runtime',
    },
    {
      ...common,
      claim: 'No Last: longest response of High jobs',
      paper: signed(claims.noLastHighWorst),
      simulated: signed(ours.noLastHighWorst),
      h200: signed(h200.noLastHighWorst),
      holds: ours.noLastHighWorst > claims.noLastHighWorst / 2,
      reason: 'longer too, but by less',
    },
    {
      ...common,
      claim: 'No Fixed: late jobs',
      paper: `${percent(claims.noFixedMissRate)} of both`,
      simulated: noFixed(ours),
      h200: noFixed(h200),
      holds: ours.noFixed.high.missRate > 0,
      reason:
        'High jobs wait as long as Low ones, as it says, but EDF among jobs that passed admission still ends them in time',
    },
  ];
}

function windows(from: Lookup): Claim[] {
  const best = from.results.mret.filter(({ run }) => run.configuration === '6×1_6');
  const rows = [...Map.groupBy(from.results.mret, ({ run }) => run.configuration)];
  const exceeded = rows.map(([configuration, own]) => {
    const five = own.find(({ window }) => window === 5);
    return { configuration, share: (five?.times.exceeded ?? 0) / (five?.times.stages ?? 1) };
  });
  const [first, second] = exceeded;
  const [small, large] = [best[0], best.at(-1)];
  const common = { where: 'VI-G', h200: '', measured: '', input: false };
  return [
    {
      ...common,
      claim: 'stages that take longer than their MRET: seldom at 6×1_6, often at 3×3_1',
      paper: 'seldom; often',
      simulated: exceeded.map(({ configuration, share }) => `${configuration} ${percent(share)}`).join('; '),
      holds: first !== undefined && second !== undefined && second.share > 2 * first.share,
      reason:
        'in both a stage exceeds the largest of its last five about as often as chance has it; neighbours are alike here, so the partitioning changes how long stages take, not how much they vary',
    },
    {
      ...common,
      claim: 'a smaller window: more Low jobs late; a larger one: less throughput (6×1_6)',
      paper: 'window 5 is best',
      simulated: best
        .map(({ window, run }) => `${window}: ${percent(run.low.missRate)} late, ${run.inferencesPerS} a second`)
        .join('; '),
      holds:
        small !== undefined &&
        large !== undefined &&
        small.run.low.missRate > large.run.low.missRate &&
        large.run.inferencesPerS <= small.run.inferencesPerS * 0.99,
      reason: 'the first holds; larger windows cost no throughput here, since varied times have a bound',
    },
  ];
}

function ratios(from: Lookup): Claim[] {
  const rows = Object.entries(from.results.ratios);
  const of = (load: string, wanted: (share: number) => boolean) =>
    rows.map(([network, all]) => ({
      network,
      rows: all.filter((row) => row.load === load && wanted(row.highShare)),
    }));
  const highLate = (load: string, wanted: (share: number) => boolean): string =>
    of(load, wanted)
      .map(({ network, rows: own }) => `${network} ${percent(Math.max(...own.map(({ run }) => run.high.missRate)))}`)
      .join(', ');
  const most = (load: string): number =>
    Math.max(...of(load, () => true).flatMap(({ rows: own }) => own.map(({ run }) => run.high.missRate)));
  const full = of('full load', () => true).flatMap(({ rows: own }) => own.map(({ run }) => run));
  const lost = of('full load', () => true).map(({ network, rows: own }) => {
    const onlyHigh = own.find(({ highShare }) => highShare === 1)?.run.inferencesPerS ?? Number.NaN;
    const mixed = Math.min(...own.filter(({ highShare }) => highShare < 1).map(({ run }) => run.inferencesPerS));
    return { network, share: mixed / onlyHigh - 1 };
  });
  const common = { where: 'VI-I', h200: '', measured: '', input: false };
  return [
    {
      ...common,
      claim: 'full load: throughput lost where there are Low tasks; late jobs',
      paper: `${signed(-from.paper.claims.fullLoadLostToLow)}; none`,
      simulated: `${lost.map(({ network, share }) => `${network} ${signed(share)}`).join(', ')}; late in ${full.filter(({ high, low }) => high.missed + low.missed > 0).length} of ${full.length} runs`,
      holds: lost.every(({ share }) => share <= -from.paper.claims.fullLoadLostToLow * (1 - NEAR)),
      reason:
        'no job is late, as it says; nothing is lost either, because these configurations can do a little more than full load',
    },
    {
      ...common,
      claim: 'overload: High jobs late, with at most half High tasks; with only High tasks',
      paper: 'none; many',
      simulated: `${highLate('overload', (share) => share <= 0.5)}; ${highLate('overload', (share) => share === 1)}`,
      holds: most('overload') > SHARP,
      reason: 'few are late',
    },
    {
      ...common,
      claim: 'Overload+HPA: High jobs late, any ratio',
      paper: 'none',
      simulated: highLate('Overload+HPA', () => true),
      holds: most('Overload+HPA') === 0,
      reason: 'nearly: the test asks for capacity, not whether this job will be in time',
    },
  ];
}

function h200Misses(rows: readonly MeasuredRow[], policy: Policy, rate: (row: MeasuredRow) => number): string {
  const own = rows.filter(({ run }) => policyOf(run.configuration) === policy);
  return own.length === 0 ? '' : percent(Math.max(...own.map(rate)));
}

function namesOf({ main }: PaperResults, late: readonly Simulated[]): string {
  return NETWORKS.flatMap((network) => {
    const names = (main[network] ?? []).filter((run) => late.includes(run)).map(({ configuration }) => configuration);
    return names.length === 0 ? [] : [`${network} ${names.join(', ')}`];
  }).join('; ');
}
