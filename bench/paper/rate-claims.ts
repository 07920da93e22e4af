// Claims about throughput: configurations, oversubscription, policies.
import {
  because,
  BUSY,
  fastest,
  Lookup,
  measuredOn,
  namedIn,
  NEAR,
  ms,
  number,
  percent,
  setName,
  SHARP,
  signed,
  worst,
  type Claim,
  type Reason,
} from './claim.ts';
import { NETWORKS } from './experiments.ts';
import { POLICIES, policyOf } from './policies.ts';
import type { MeasuredRow } from './results.ts';
import type { Simulated } from './simulate.ts';

export function rateClaims(from: Lookup): Claim[] {
  return [
    ...throughput(from),
    isolationLoss(from),
    twoHundredPercent(from),
    bestPolicy(from),
    mixed(from),
    consistent(from),
  ];
}

// ---- Configurations that the text names ----

function throughput(from: Lookup): Claim[] {
  return from.paper.throughput.map(({ network, contexts, oversubscription, rate, shareOfRoof, where }, index) => {
    const roof = from.roof(network);
    const told = rate ?? (shareOfRoof ?? Number.NaN) * roof;
    const configuration = `${contexts}×1_${oversubscription}`;
    const run = from.named(network, configuration);
    const ours = run.inferencesPerS;
    const claim = `${network}, ${configuration}: jobs a second, and against pure batching`;
    const holds = Math.abs(ours / told - 1) <= NEAR && ours > roof === told > roof;
    return {
      where,
      claim,
      paper: `${number(told)}, ${signed(told / roof - 1)}`,
      simulated: `${number(ours)}, ${signed(ours / roof - 1)}`,
      h200: onH200(from, network, configuration),
      measured: measuredRates(from, network, configuration),
      input: rate !== undefined && (network === 'resnet18' || network === 'unet'),
      holds,
      reason: because(holds, claim, [
        [Math.abs(ours / told - 1) <= NEAR, 'near, but on the other side of pure batching'],
        lostBetween(from, { network, run, told, index }),
      ]),
    };
  });
}

/** What the model loses, then what the test (12) loses with steady times, then what varied times change. */
function lostBetween(
  from: Lookup,
  { network, run, told, index }: { network: string; run: Simulated; told: number; index: number },
): Reason {
  const busy = from.busyRate(network, run);
  const steady = from.results.throughput['steady']?.[index]?.inferencesPerS ?? Number.NaN;
  const words = [
    `${signed(run.inferencesPerS / told - 1)}, in three parts. By the model a job takes ${ms(from.busyUs(network, run))} ms with all streams busy, ${number(busy)} a second (${signed(busy / told - 1)})`,
    `then ${idleBy(from, { network, run, told })}: ${number(steady)} a second with steady times`,
    `with varied ones, whose maximum counts, ${number(run.inferencesPerS)}`,
  ];
  return [busy < told && steady < busy && run.busy < BUSY, words.join('; ')];
}

/** Why (12) leaves streams idle, where one job of each priority is all that a stream takes. */
function idleBy(from: Lookup, { network, run, told }: { network: string; run: Simulated; told: number }): string {
  const books = from.utilization(network, run);
  const byPaper = (books * from.busyRate(network, run)) / told;
  if (2 * books > 1 && 2 * byPaper < 1)
    return `High and Low job of a context book ${percent(books)} each of its stream, which (12) does not admit until others rest (at the paper’s own throughput they book ${percent(byPaper)} each, and just fit)`;
  return `a job books ${percent(books)} of its stream, so (12) admits ${Math.floor(1 / books - 1)} Low one at a time beside one High task and none beside ${Math.floor(1 / books)}, and streams are busy ${percent(run.busy)} of the time`;
}

/** In batches against pure batching at the same batch; single jobs against the fastest batch. */
function onH200(from: Lookup, network: string, configuration: string): string {
  const rows = from.measured(network);
  return [false, true]
    .flatMap((single) => {
      const sweep = from.sweep(network, single);
      if (sweep === undefined) return [];
      const rate = namedIn(sweep.runs, `${network} on the H200`, configuration).inferencesPerS;
      return [rateWords(rows, { single, batch: sweep.batch, rate })];
    })
    .join('; ');
}

function measuredRates(from: Lookup, network: string, configuration: string): string {
  const rows = from.measured(network);
  return [false, true]
    .flatMap((single) => {
      const row = measuredOn(from.measured(network, single), configuration);
      return row === undefined ? [] : [rateWords(rows, { single, batch: row.batch, rate: row.measuredPerS })];
    })
    .join('; ');
}

function rateWords(
  rows: readonly MeasuredRow[],
  { single, batch, rate }: { single: boolean; batch: number; rate: number },
): string {
  if (single) return `single jobs: ${number(rate)}`;
  const pure = rows.find((row) => row.batch === batch)?.purePerS ?? Number.NaN;
  return `batches of ${batch}: ${number(rate)}, ${signed(rate / pure - 1)}`;
}

// ---- Oversubscription ----

function change(runs: readonly Simulated[], configuration: string, against: string): number {
  const rate = (name: string): number => namedIn(runs, 'a sweep', name).inferencesPerS;
  return rate(configuration) / rate(against) - 1;
}

function isolationLoss(from: Lookup): Claim {
  const [alone, shared] = ['6×1_1', '6×1_6'];
  const drops = [...NETWORKS, 'resnet50'].map((network) => ({
    network,
    value: change(from.main(network), alone, shared),
  }));
  const claim = `without oversubscription throughput drops sharply: ${alone} against ${shared}`;
  const holds = drops.every(({ value }) => value < -SHARP);
  const least = drops.toSorted((a, b) => b.value - a.value)[0];
  return {
    where: 'VI-E',
    claim,
    paper: 'sharply',
    simulated: drops.map(({ network, value }) => `${network} ${signed(value)}`).join(', '),
    h200: from
      .sweeps()
      .map((sweep) => `${setName(sweep)} ${signed(change(sweep.runs, alone, shared))}`)
      .join(', '),
    measured: [isolation(from, '8×1_1', '8×1_8'), isolation(from, '2×1_1', '2×1_2')].filter(Boolean).join('; '),
    input: false,
    holds,
    reason: because(holds, claim, [
      [(least?.value ?? 0) < 0, `it drops everywhere, ${least?.network ?? ''} by less than ${percent(SHARP)}`],
    ]),
  };
}

/** Contexts of their own SMs against as many on all, where both were measured. */
function isolation(from: Lookup, alone: string, shared: string): string {
  const sets = [...Map.groupBy(from.measured(), setName)].flatMap(([name, own]) => {
    const [first, second] = [measuredOn(own, alone), measuredOn(own, shared)];
    return first && second ? [`${name} ${signed(first.measuredPerS / second.measuredPerS - 1)}`] : [];
  });
  return sets.length === 0 ? '' : `${alone} against ${shared}: ${sets.join(', ')}`;
}

function twoHundredPercent(from: Lookup): Claim {
  const [two, all] = ['6×1_2', '6×1_6'];
  const value = change(from.main('unet'), two, all);
  const sweep = from.sweep('unet', false);
  const claim = `unet gains nothing by more oversubscription than 200 %: ${two} against ${all}`;
  const holds = value >= 0;
  const [first, second] = [two, all].map((name) => measuredOn(from.measured('unet', false), name));
  return {
    where: 'VI-E',
    claim,
    paper: `the best is ${two}`,
    simulated: signed(value),
    h200: sweep === undefined ? '' : `of ${sweep.batch}: ${signed(change(sweep.runs, two, all))}`,
    measured: first && second ? signed(first.measuredPerS / second.measuredPerS - 1) : '',
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        value < 0 && from.named('unet', two).busy < from.named('unet', all).busy,
        `in the model each further SM shortens a stage, and shorter jobs pass (12) more often: streams are busy ${percent(from.named('unet', two).busy)} of the time at ${two}, ${percent(from.named('unet', all).busy)} at ${all}`,
      ],
      [value < 0, 'in the model each further SM shortens a stage'],
    ]),
  };
}

// ---- Policies ----

function fastestOf(runs: readonly Simulated[]): string {
  return POLICIES.map((policy) => {
    const run = fastest(runs.filter(({ configuration }) => policyOf(configuration) === policy));
    return `${run.configuration} ${number(run.inferencesPerS)}`;
  }).join(', ');
}

function bestPolicy(from: Lookup): Claim {
  const best = NETWORKS.map((network) => ({ network, run: fastest(from.main(network)) }));
  const winners = [...Map.groupBy(from.measured(), setName)].map(
    ([name, own]) => `${name} ${own.toSorted((a, b) => b.measuredPerS - a.measuredPerS)[0]?.run.configuration ?? ''}`,
  );
  const claim = 'MPS is the fastest policy for every network';
  const holds = best.every(({ run }) => policyOf(run.configuration) === 'MPS');
  const gaps = NETWORKS.map((network) => {
    const mps = fastest(from.of(network, 'MPS')).inferencesPerS;
    return mps / fastest(from.main(network)).inferencesPerS - 1;
  });
  return {
    where: 'VI-1, VI-C',
    claim,
    paper: 'MPS: 6×1_6, 6×1_2, 8×1_8',
    simulated: NETWORKS.map((network) => `${network}: ${fastestOf(from.main(network))}`).join('; '),
    h200: from
      .sweeps()
      .map((sweep) => `${setName(sweep)} ${fastest(sweep.runs).configuration}`)
      .join(', '),
    measured: winners.join(', '),
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        best.every(({ run }) => policyOf(run.configuration) !== 'MPS'),
        `MPS comes to ${gaps.map(signed).join(', ')} of the fastest. In the model streams of one context and contexts over all SMs slow each other down alike, so the number of jobs at once counts, and one queue fills streams better than a queue for each context; on the H200 that is nearly what was measured. What the paper sees may be a cost of streams in its runtime`,
      ],
      [true, `not for every network: MPS comes to ${gaps.map(signed).join(', ')} of the fastest`],
    ]),
  };
}

function mixed(from: Lookup): Claim {
  const runs = from.main('mixed');
  const h200 = from.results.h200.mixed;
  const best = fastest(runs);
  const safest = POLICIES.toSorted((a, b) => worst(of(runs, a)).low.missRate - worst(of(runs, b)).low.missRate)[0];
  const late = (all: readonly Simulated[]): string =>
    POLICIES.map((policy) => `${policy} ${percent(worst(of(all, policy)).low.missRate)}`).join(', ');
  const claim = 'mixed: MPS is the fastest, STR has the fewest late Low jobs';
  const holds = policyOf(best.configuration) === 'MPS' && safest === 'STR';
  const mps = fastest(of(runs, 'MPS'));
  return {
    where: 'VI-D',
    claim,
    paper: 'MPS; STR',
    simulated: `${fastestOf(runs)}; late at worst: ${late(runs)}`,
    h200: `another mix, of batches and single jobs: ${fastestOf(h200)}; late at worst: ${late(h200)}`,
    measured: '',
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        safest === 'STR',
        `the second holds. ${best.configuration} does ${signed(best.inferencesPerS / mps.inferencesPerS - 1)} against the fastest of MPS`,
      ],
      [true, `${safest ?? ''} has the fewest late ones, ${best.configuration} is the fastest`],
    ]),
  };
}

function of(runs: readonly Simulated[], policy: (typeof POLICIES)[number]): Simulated[] {
  return runs.filter(({ configuration }) => policyOf(configuration) === policy);
}

interface Spread {
  readonly network: string;
  readonly value: number;
}

function spread(runs: readonly Simulated[]): number {
  const rates = runs.map(({ inferencesPerS }) => inferencesPerS);
  return 1 - Math.min(...rates) / Math.max(...rates);
}

function consistent(from: Lookup): Claim {
  const spreads: Spread[] = NETWORKS.map((network) => ({ network, value: spread(from.main(network)) }));
  const overlapped: Spread[] = NETWORKS.map((network) => ({
    network,
    value: spread(from.main(network).filter(({ smsPerContext }) => smsPerContext === from.paper.sms)),
  }));
  const claim = 'unet depends least on the configuration: the slowest below the fastest by';
  const least = (all: readonly Spread[]): string => all.toSorted((a, b) => a.value - b.value)[0]?.network ?? '';
  const words = (all: readonly Spread[]): string =>
    all.map(({ network, value }) => `${network} ${percent(value)}`).join(', ');
  const holds = least(spreads) === 'unet';
  return {
    where: 'VI-C',
    claim,
    paper: 'least',
    simulated: words(spreads),
    h200: words(from.sweeps().map((sweep) => ({ network: setName(sweep), value: spread(sweep.runs) }))),
    measured: words(
      [...Map.groupBy(from.measured(), setName)].map(([network, own]) => {
        const rates = own.map(({ measuredPerS }) => measuredPerS);
        return { network, value: 1 - Math.min(...rates) / Math.max(...rates) };
      }),
    ),
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        least(overlapped) === 'unet',
        `it is so where each context has all SMs (${words(overlapped)}); on SMs of its own it loses the most, since it demands the most`,
      ],
      [true, `${least(spreads)} depends least`],
    ]),
  };
}
