// How much execution times vary beside what neighbours explain. The paper gives no distribution, so both GPUs vary as
// jobs of ResNet18 did on an H200 with eight lanes always busy: nothing below the median, measured quantiles above it.
import { Random } from '../../test/simulator/random.ts';
import { readOverhead } from './observations.ts';

/** Inverse distribution: at each probability a time over the median, straight lines between. */
export type Variation = readonly (readonly [probability: number, factor: number])[];

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export function variationOf({ p50, p99, p999, max }: Quantiles): Variation {
  return [
    [0, 1],
    [0.5, 1],
    [0.99, p99 / p50],
    [0.999, p999 / p50],
    [1, max / p50],
  ];
}

/** Eight streams of one context, without copies. */
export function measuredVariation(): Variation {
  const busy = readOverhead().runs.find(
    ({ contexts, streamsPerContext, copies }) => contexts === 1 && streamsPerContext > 1 && !copies,
  );
  if (busy === undefined) throw new Error('bench/results/gpu-overhead.json has no run of several streams');
  return variationOf(busy.bare.jobUs as Quantiles);
}

/** Every time the mean. */
export const STEADY: Variation = [
  [0, 1],
  [1, 1],
];

/** What exceeds the median, so many times as much: to see which results hang on how times vary. */
export function widened(variation: Variation, times: number): Variation {
  return variation.map(([probability, factor]) => [probability, 1 + times * (factor - 1)]);
}

function segments(variation: Variation): { from: number; to: number; low: number; high: number }[] {
  return variation.slice(1).map(([to, high], i) => {
    const [from, low] = variation[i] ?? [0, 1];
    return { from, to, low, high };
  });
}

export function meanFactor(variation: Variation): number {
  return segments(variation).reduce((all, { from, to, low, high }) => all + ((to - from) * (low + high)) / 2, 0);
}

/** Times over the mean, as many as asked for; the same for the same seed. */
export function factors(variation: Variation, seed: number, count: number): number[] {
  const [random, mean, parts] = [new Random(seed), meanFactor(variation), segments(variation)];
  return random.list(count, () => {
    const probability = random.real();
    const part = parts.find(({ to }) => probability < to);
    if (part === undefined) return 1;
    const { from, to, low, high } = part;
    return (low + ((high - low) * (probability - from)) / (to - from)) / mean;
  });
}
