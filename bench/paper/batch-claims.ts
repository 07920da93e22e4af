// Claims about batches (VI-H).
import {
  because,
  BUSY,
  fastest,
  Lookup,
  measuredOn,
  median,
  NEAR,
  percent,
  signed,
  worst,
  type Claim,
} from './claim.ts';
import type { Simulated } from './simulate.ts';

function gainsOf(batches: readonly Simulated[], singles: readonly Simulated[]): { at: string; gain: number }[] {
  const all = batches.flatMap((run) => {
    const single = singles.find(({ configuration }) => configuration === run.configuration);
    return single === undefined
      ? []
      : [{ at: run.configuration, gain: run.inferencesPerS / single.inferencesPerS - 1 }];
  });
  return all.toSorted((a, b) => a.gain - b.gain);
}

function rangeWords(gains: readonly { at: string; gain: number }[]): string {
  const [least, most] = [gains[0], gains.at(-1)];
  return least && most ? `${signed(least.gain)} (${least.at}) to ${signed(most.gain)} (${most.at})` : '';
}

function measuredGains(from: Lookup, network: string): { at: string; gain: number }[] {
  const [batches, singles] = [from.measured(network, false), from.measured(network, true)];
  const all = batches.flatMap((row) => {
    const single = measuredOn(singles, row.run.configuration);
    return single === undefined
      ? []
      : [{ at: row.run.configuration, gain: row.measuredPerS / single.measuredPerS - 1 }];
  });
  return all.toSorted((a, b) => a.gain - b.gain);
}

export function batchClaims(from: Lookup): Claim[] {
  return [inceptionGains(from), inceptionAbove(from), unetGains(from)];
}

function inceptionGains(from: Lookup): Claim {
  const { claims } = from.paper;
  const gains = gainsOf(from.results.batching['inceptionv3'] ?? [], from.main('inceptionv3'));
  const h200 = gainsOf(from.sweep('inceptionv3', false)?.runs ?? [], from.sweep('inceptionv3', true)?.runs ?? []);
  const least = gains[0];
  const claim = 'inceptionv3 in batches against the same configuration without: least and most gain';
  const holds = (least?.gain ?? 0) >= claims.batchingInceptionGain * (1 - NEAR);
  const overlapping = gains.filter(({ at }) => from.named('inceptionv3', at).smsPerContext === from.paper.sms);
  const isIsolated = least !== undefined && from.named('inceptionv3', least.at).smsPerContext < from.paper.sms;
  return {
    where: 'VI-H',
    claim,
    paper: `≥ ${signed(claims.batchingInceptionGain)}`,
    simulated: rangeWords(gains),
    h200: rangeWords(h200),
    measured: rangeWords(measuredGains(from, 'inceptionv3')),
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        isIsolated && (overlapping[0]?.gain ?? 0) > (least.gain ?? 0),
        `a batch wants more SMs than a single job, so it gains least where contexts are narrow; that the model makes them too slow there is known. Where each context has all SMs the least gain is ${signed(overlapping[0]?.gain ?? 0)} (${overlapping[0]?.at ?? ''}). The paper does not say what a batch takes alone, nor whether periods grow with it`,
      ],
      [true, 'with many jobs at once batches gain less, since single jobs fill the GPU as well'],
    ]),
  };
}

function inceptionAbove(from: Lookup): Claim {
  const roof = from.roof('inceptionv3');
  const best = fastest(from.results.batching['inceptionv3'] ?? []);
  const rows = from.measured('inceptionv3', false);
  const claim = 'inceptionv3 in batches surpasses pure batching';
  const holds = best.inferencesPerS > roof;
  const h200 = from.sweep('inceptionv3', false);
  const pure = rows[0]?.purePerS ?? Number.NaN;
  const first = rows.toSorted((a, b) => b.measuredPerS - a.measuredPerS)[0];
  const h200Best = h200 && fastest(h200.runs);
  return {
    where: 'VI-H',
    claim,
    paper: 'above it',
    simulated: `${best.configuration}: ${signed(best.inferencesPerS / roof - 1)}`,
    h200: h200Best ? `${h200Best.configuration}: ${signed(h200Best.inferencesPerS / pure - 1)} of its own batch` : '',
    measured: first ? `${first.run.configuration}: ${signed(first.measuredPerS / pure - 1)} of its own batch` : '',
    input: false,
    holds,
    reason: because(holds, claim, [[true, `the best reaches ${signed(best.inferencesPerS / roof - 1)}`]]),
  };
}

function unetGains(from: Lookup): Claim {
  const { claims } = from.paper;
  const batches = from.results.batching['unet'] ?? [];
  const gains = gainsOf(batches, from.main('unet'));
  const late = worst(batches);
  const most = gains.at(-1);
  const late200 = from.sweep('unet', false);
  const claim = 'unet in batches: median and most gain; Low jobs late, worst configuration';
  const fewLate = late.low.missRate <= claims.batchingUnetLowMissRate;
  const holds = (most?.gain ?? 0) <= claims.batchingUnetGain * (1 + NEAR) && fewLate;
  const atMost = most && from.named('unet', most.at);
  return {
    where: 'VI-H',
    claim,
    paper: `up to ${signed(claims.batchingUnetGain)}; < ${percent(claims.batchingUnetLowMissRate)}`,
    simulated: `${signed(median(gains.map(({ gain }) => gain)))}, ${signed(most?.gain ?? 0)} (${most?.at ?? ''}); ${percent(late.low.missRate)} (${late.configuration})`,
    h200: late200 ? `batches of ${late200.batch}: ${percent(worst(late200.runs).low.missRate)} late` : '',
    measured: `batches of ${late200?.batch ?? ''}: ${percent(Math.max(...from.measured('unet', false).map((row) => row.measuredLowMissRate)))} late`,
    input: false,
    holds,
    reason: because(holds, claim, [
      [
        atMost !== undefined && atMost.busy < BUSY,
        `the most is gained at ${most?.at ?? ''}, where single jobs leave streams idle (busy ${percent(atMost?.busy ?? 0)}): two book too much for (12), and a batch has twice the period. ${fewLate ? 'Few are late, as it says' : `At ${late.configuration} ${late.low.missed} of the Low jobs are late`}`,
      ],
      [!fewLate, `at ${late.configuration} ${late.low.missed} of the Low jobs are late`],
    ]),
  };
}
