// Claims about deadlines and responses.
import {
  admittedShare,
  because,
  highMissed,
  Lookup,
  measuredOn,
  ms,
  namedIn,
  NEAR,
  number,
  percent,
  setName,
  worst,
  type Claim,
} from './claim.ts';
import { NETWORKS } from './experiments.ts';
import { policyOf, type Policy } from './policies.ts';
import type { MeasuredRow } from './results.ts';
import type { Simulated } from './simulate.ts';

const times = (factor: number): string => `${factor.toFixed(2)} ×`;

export function timeClaims(from: Lookup): Claim[] {
  return [noHighMiss(from), ...lowMisses(from), lateAtBest(from), unetMisses(from), ...responses(from)];
}

// ---- High ----

function lateIn(late: readonly Simulated[], of: number): string {
  const names = late.map(({ configuration }) => configuration).join(', ');
  return `late in ${late.length} of ${of} configurations${names === '' ? '' : ` (${names})`}`;
}

function noHighMiss(from: Lookup): Claim {
  const runs = from.networks();
  const late = NETWORKS.flatMap((network) => highMissed(from.main(network)).map((run) => ({ network, run })));
  const loads = late.map(({ network, run }) => from.highLoad(network, run)).toSorted((a, b) => a - b);
  const rows = from.measured();
  const claim = 'no High job is late in any main experiment';
  const holds = late.length === 0;
  const two = from.named('inceptionv3', '1×2');
  const { high, periodUs } = from.platforms.publishedSet('inceptionv3');
  return {
    where: 'VI-A',
    claim,
    paper: `${from.paper.claims.highMissed}`,
    simulated: `${[...new Set(late.map(({ network }) => network))].join(', ')} ${lateIn(
      late.map(({ run }) => run),
      runs.length,
    )}`.trim(),
    h200: from
      .sweeps()
      .map((sweep) => `${setName(sweep)} ${lateIn(highMissed(sweep.runs), sweep.runs.length)}`)
      .join('; '),
    measured: `late in ${rows.filter(({ measuredHighMissed }) => measuredHighMissed > 0).length} of ${rows.length} runs`,
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        loads.every((load) => load > 1),
        `in each of these the High tasks of one context alone want more than it does with all streams busy, ${(loads[0] ?? 0).toFixed(2)} to ${(loads.at(-1) ?? 0).toFixed(2)} times that, and nothing refuses them. The model is a little slow there: by the paper’s words 1×2 does more than the ${number((high * 1e6) / periodUs)} High jobs a second, by the model ${number(from.busyRate('inceptionv3', two))}`,
      ],
      [true, `where the High tasks of one context want ${(loads[0] ?? 0).toFixed(2)} of it or more`],
    ]),
  };
}

// ---- Low ----

/** The least part of Low jobs that a configuration must admit for its miss rate to say much. */
const SOME = 0.1;

function lowMisses(from: Lookup): Claim[] {
  const { claims } = from.paper;
  const few = percent(claims.strInception1x2LowMissRate);
  return [
    lowMiss(from, 'STR', claims.strLowMissRate, `${percent(claims.strLowMissRate)}; inceptionv3 1×2 < ${few}`),
    lowMiss(from, 'MPS', claims.mpsLowMissRate, `< ${percent(claims.mpsLowMissRate)}`),
    lowMiss(from, 'MPS+STR', claims.mpsStrLowMissRate, `up to ${percent(claims.mpsStrLowMissRate)}`),
  ];
}

function worstWords(run: Simulated): string {
  return `${percent(run.low.missRate)} (${run.configuration})`;
}

function lowMiss(from: Lookup, policy: Policy, allowed: number, paper: string): Claim {
  const runs = NETWORKS.flatMap((network) => from.of(network, policy));
  const last = worst(runs);
  const admitting = worst(runs.filter((run) => admittedShare(run) >= SOME));
  const claim = `${policy}: Low jobs late, worst configuration`;
  const holds = last.low.missRate <= allowed;
  const under = (results: Record<string, readonly Simulated[]>): number =>
    Math.max(
      ...NETWORKS.flatMap((network) => results[network] ?? [])
        .filter(({ configuration }) => policyOf(configuration) === policy)
        .map(({ low }) => low.missRate),
    );
  const predicted = percent(under(from.results.predicted));
  const words = `at ${last.configuration} ${percent(admittedShare(last))} of the Low jobs are admitted, and of these ${percent(last.low.missRate)} are late`;
  return {
    where: 'VI-A',
    claim,
    paper,
    simulated: NETWORKS.map((network) => `${network} ${worstWords(worst(from.of(network, policy)))}`).join(', '),
    h200: from
      .sweeps()
      .map((sweep) => {
        const own = sweep.runs.filter(({ configuration }) => policyOf(configuration) === policy);
        return `${setName(sweep)} ${worstWords(worst(own))}`;
      })
      .join(', '),
    measured: measuredWorst(from.measured(), policy),
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        last.low.missRate < 0.01,
        `few are late, but not none: the test asks for capacity, not whether this job will be in time. Predicted, which asks that too, lets ${predicted} through at worst, since its MRETs are past times`,
      ],
      [
        admittedShare(last) < SOME && admitting.low.missRate <= allowed,
        `${words}; where at least ${percent(SOME)} are admitted it is ${percent(admitting.low.missRate)} at most`,
      ],
      [
        admittedShare(last) < SOME,
        `${words}; where at least ${percent(SOME)} are admitted it is ${worstWords(admitting)} at most; under the test Predicted, over all, ${predicted}`,
      ],
      [true, `${words}; with the test Predicted ${predicted} at most`],
    ]),
  };
}

function measuredWorst(rows: readonly MeasuredRow[], policy: Policy): string {
  const own = rows.filter(({ run }) => policyOf(run.configuration) === policy);
  return [...Map.groupBy(own, setName)]
    .map(([name, all]) => {
      const [last] = all.toSorted((a, b) => b.measuredLowMissRate - a.measuredLowMissRate);
      return last === undefined ? '' : `${name} ${percent(last.measuredLowMissRate)} (${last.run.configuration})`;
    })
    .join(', ');
}

function lateAtBest(from: Lookup): Claim {
  const told = from.paper.claims.mpsBestLowMissRate;
  const runs = [
    { network: 'resnet18', run: from.named('resnet18', '6×1_6') },
    { network: 'inceptionv3', run: from.named('inceptionv3', '8×1_8') },
  ];
  const claim = 'MPS: Low jobs late at the fastest configuration of the paper';
  const holds = runs.every(({ run }) => run.low.missRate <= told * (1 + NEAR));
  const over = runs.filter(({ run }) => run.low.missRate > told * (1 + NEAR));
  return {
    where: 'VI-A',
    claim,
    paper: `about ${percent(told)}`,
    simulated: runs.map(({ network, run }) => `${network} ${worstWords(run)}`).join(', '),
    h200: runs
      .flatMap(({ network, run }) => {
        const sweep = from.sweep(network, false);
        if (sweep === undefined) return [];
        const { low } = namedIn(sweep.runs, network, run.configuration);
        return [`${setName({ network, ...sweep })} ${percent(low.missRate)}`];
      })
      .join(', '),
    measured: runs
      .flatMap(({ network, run }) => {
        const row = measuredOn(from.measured(network, false), run.configuration);
        return row === undefined ? [] : [`${setName(row)} ${percent(row.measuredLowMissRate)}`];
      })
      .join(', '),
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        over.every(({ network, run }) => from.highLoad(network, run) > 1),
        over
          .map(
            ({ network, run }) =>
              `${network}: High tasks alone want ${from.highLoad(network, run).toFixed(2)} of what a context does, as above, and Low jobs wait behind them`,
          )
          .join('; '),
      ],
      [true, 'more are late'],
    ]),
  };
}

function unetMisses(from: Lookup): Claim {
  const { claims } = from.paper;
  const best = from.named('unet', '6×1_2');
  const last = worst(from.main('unet'));
  const claim = 'unet: Low jobs late, worst configuration; at 6×1_2';
  const holds = last.low.missRate <= claims.unetLowMissRate && best.low.missRate <= claims.unetBestLowMissRate;
  const sweep = from.sweep('unet', false);
  return {
    where: 'VI-A',
    claim,
    paper: `< ${percent(claims.unetLowMissRate)}; ${percent(claims.unetBestLowMissRate)}`,
    simulated: `${worstWords(last)}; ${percent(best.low.missRate)}`,
    h200: sweep
      ? `of ${sweep.batch}: ${worstWords(worst(sweep.runs))}; ${percent(namedIn(sweep.runs, 'unet', '6×1_2').low.missRate)}`
      : '',
    measured: `of ${sweep?.batch ?? ''}: ${percent(Math.max(...from.measured('unet', false).map((row) => row.measuredLowMissRate)))}`,
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        best.low.missRate <= claims.unetBestLowMissRate,
        `the second holds; at ${last.configuration} ${last.low.missed} of ${number(last.low.released - last.low.rejected - last.low.skipped)} admitted Low jobs are late`,
      ],
      [true, `at 6×1_2 ${best.low.missed} jobs are late, at ${last.configuration} ${last.low.missed}`],
    ]),
  };
}

// ---- Responses ----

interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

function responses(from: Lookup): Claim[] {
  const name = '6×1_6';
  const run = from.named('resnet18', name);
  const { highResponseMs: told, lowResponseMs: toldLow, highFasterThanLow } = from.paper.claims;
  const { responseUs: high } = run.high;
  const { responseUs: low } = run.low;
  if (high === null || low === null) return [];
  const faster = low.p50 / high.p50;
  const range = ([least, most]: readonly [number, number]): string => `${least}–${most} ms`;
  const words = ({ p50, p99, max }: Times): string => `p50 ${ms(p50)}, p99 ${ms(p99)}, most ${ms(max)} ms`;
  const sweep = from.sweep('resnet18', false);
  const h200 = sweep && namedIn(sweep.runs, 'resnet18', name);
  const row = measuredOn(from.measured('resnet18', false), name);
  const batch = `of ${sweep?.batch ?? ''}: `;
  const ratio = (a: Times | null | undefined, b: Times | null | undefined): string =>
    a && b ? `; ${times(a.p50 / b.p50)}` : '';
  const highHolds = high.max <= told[1] * 1000 * (1 + NEAR);
  const lowHolds = low.max <= toldLow[1] * 1000 * (1 + NEAR) && faster >= highFasterThanLow;
  const lowClaim = `resnet18, ${name}: responses of Low jobs; High ones are so many times faster`;
  const highClaim = `resnet18, ${name}: responses of High jobs`;
  const common = { where: 'VI-F', input: false };
  return [
    {
      ...common,
      claim: highClaim,
      paper: range(told),
      simulated: words(high),
      h200: h200?.high.responseUs ? batch + words(h200.high.responseUs) : '',
      measured: row?.measuredHighUs ? batch + words(row.measuredHighUs) : '',
      holds: highHolds,
      reason: because(highHolds, highClaim, [[true, `the longest is ${ms(high.max)} ms`]]),
    },
    {
      ...common,
      claim: lowClaim,
      paper: `${range(toldLow)}; ${highFasterThanLow} ×`,
      simulated: `${words(low)}; ${times(faster)}`,
      h200: h200?.low.responseUs
        ? batch + words(h200.low.responseUs) + ratio(h200.low.responseUs, h200.high.responseUs)
        : '',
      measured: row?.measuredLowUs
        ? batch + words(row.measuredLowUs) + ratio(row.measuredLowUs, row.measuredHighUs)
        : '',
      holds: lowHolds,
      reason: because(lowHolds, lowClaim, [
        [
          faster >= highFasterThanLow,
          `High jobs are as much faster, or more. (12) fills a context with Low work up to a whole period: the deadline is ${ms(from.platforms.publishedSet('resnet18').periodUs)} ms, and p99 lies at ${ms(low.p99)}`,
        ],
        [true, `High jobs are ${times(faster)} as fast`],
      ]),
    },
  ];
}
