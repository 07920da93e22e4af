// Claims about ratios of High to Low tasks, at full load and beyond (VI-I).
import { because, Lookup, NEAR, percent, SHARP, signed, type Claim } from './claim.ts';
import { WIDER } from './experiments.ts';
import type { PaperResults, RatioRow } from './results.ts';

type Ratios = PaperResults['ratios'];
type Rest = Omit<Claim, 'where' | 'measured' | 'input'>;

function rowsOf(
  all: Ratios,
  load: string,
  wanted: (share: number) => boolean,
): { network: string; rows: RatioRow[] }[] {
  return Object.entries(all).map(([network, rows]) => ({
    network,
    rows: rows.filter((row) => row.load === load && wanted(row.highShare)),
  }));
}

function highLate(all: Ratios, load: string, wanted: (share: number) => boolean): string {
  return rowsOf(all, load, wanted)
    .map(({ network, rows }) => `${network} ${percent(Math.max(...rows.map(({ run }) => run.high.missRate)))}`)
    .join(', ');
}

function mostLate(all: Ratios, load: string, wanted: (share: number) => boolean = () => true): number {
  return Math.max(...rowsOf(all, load, wanted).flatMap(({ rows }) => rows.map(({ run }) => run.high.missRate)));
}

/** The slowest with Low tasks against High tasks alone. */
function lostToLow(all: Ratios): { network: string; share: number }[] {
  return rowsOf(all, 'full load', () => true).map(({ network, rows }) => {
    const onlyHigh = rows.find(({ highShare }) => highShare === 1)?.run.inferencesPerS ?? Number.NaN;
    const slowest = Math.min(...rows.filter(({ highShare }) => highShare < 1).map(({ run }) => run.inferencesPerS));
    return { network, share: slowest / onlyHigh - 1 };
  });
}

function fullWords(all: Ratios): string {
  const runs = rowsOf(all, 'full load', () => true).flatMap(({ rows }) => rows.map(({ run }) => run));
  const late = runs.filter(({ high, low }) => high.missed + low.missed > 0).length;
  const lost = lostToLow(all).map(({ network, share }) => `${network} ${signed(share)}`);
  return `${lost.join(', ')}; late in ${late} of ${runs.length} runs`;
}

export function ratioClaims(from: Lookup): Claim[] {
  const common = { where: 'VI-I', measured: '', input: false };
  return [
    { ...common, ...fullLoad(from) },
    { ...common, ...overload(from) },
    { ...common, ...tested(from) },
  ];
}

function fullLoad(from: Lookup): Rest {
  const { ratios: ours, wideRatios, h200 } = from.results;
  const told = from.paper.claims.fullLoadLostToLow;
  const lost = lostToLow(ours);
  const claim = 'full load: throughput lost where there are Low tasks; late jobs';
  const holds = lost.every(({ share }) => share <= -told * (1 - NEAR));
  const refused = rowsOf(ours, 'full load', () => true).flatMap(({ rows }) => rows.map(({ run }) => run.low.rejected));
  const wide = lostToLow(wideRatios).map(({ network, share }) => `${network} ${signed(share)}`);
  return {
    claim,
    paper: `${signed(-told)}; none`,
    simulated: fullWords(ours),
    h200: `batches: ${fullWords(h200.ratios)}`,
    holds,
    reason: because(holds, claim, [
      [
        Math.max(...refused) === 0,
        `no job is late, as it says; none is refused either, since these configurations do a little more than full load. With times that vary ${WIDER} times as much ${wide.join(', ')}, by refusals`,
      ],
      [true, 'less is lost'],
    ]),
  };
}

function overload(from: Lookup): Rest {
  const { ratios: ours, h200 } = from.results;
  const [half, all] = [(share: number) => share <= 0.5, (share: number) => share === 1];
  const claim = 'overload: High jobs late, with at most half High tasks; with only High tasks';
  const holds = mostLate(ours, 'overload', half) === 0 && mostLate(ours, 'overload', all) > SHARP;
  const text = (results: Ratios): string =>
    `${highLate(results, 'overload', half)}; ${highLate(results, 'overload', all)}`;
  return {
    claim,
    paper: 'none; many',
    simulated: text(ours),
    h200: `batches: ${text(h200.ratios)}`,
    holds,
    reason: because(holds, claim, [
      [
        mostLate(ours, 'overload', half) > 0,
        `with at most half High tasks some are late: ${highLate(ours, 'overload', half)}`,
      ],
      [true, `with only High tasks few are late: ${highLate(ours, 'overload', all)}`],
    ]),
  };
}

function tested(from: Lookup): Rest {
  const { ratios: ours, h200 } = from.results;
  const most = mostLate(ours, 'Overload+HPA');
  const without = mostLate(ours, 'overload');
  const claim = 'Overload+HPA: High jobs late, any ratio';
  const holds = most === 0;
  return {
    claim,
    paper: 'none',
    simulated: highLate(ours, 'Overload+HPA', () => true),
    h200: `batches: ${highLate(h200.ratios, 'Overload+HPA', () => true)}`,
    holds,
    reason: because(holds, claim, [
      [
        most < 0.01,
        `nearly: ${percent(most)} at most, instead of ${percent(without)} without. The test asks for capacity, not whether this job will be in time`,
      ],
      [true, `${percent(most)} at most`],
    ]),
  };
}
