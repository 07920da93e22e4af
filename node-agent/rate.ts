// Shares of jobs as short decimals for people, and their exact comparison with a limit.
import { parseE9, wholeE9 } from '../api/utilization.ts';

/**
 * part / whole with as few digits as tell it from 0 and from 1: four behind the point, up to nine where four would
 * make an exception invisible. Undefined where there is nothing to take a share of.
 */
export function formatRate(part: number, whole: number): string | undefined {
  if (whole <= 0) return undefined;
  const share = Math.min(Math.max(part / whole, 0), 1);
  for (const digits of [4, 6]) {
    const rounded = Number(share.toFixed(digits));
    const hidesException = (rounded === 0 && share !== 0) || (rounded === 1 && share !== 1);
    if (!hidesException) return decimal(share, digits);
  }
  return decimal(share, 9);
}

/** Without trailing zeros and without an exponent. */
function decimal(share: number, digits: number): string {
  return share.toFixed(digits).replace(/\.?0+$/, '');
}

/** part / whole > limit · times, without rounding; `limit` is a decimal like 0.01. Nothing of nothing exceeds no limit. */
export function exceeds(part: number, whole: number, limit: string, times: { num: number; den: number }): boolean {
  const limitE9 = BigInt(parseE9(limit));
  return BigInt(part) * BigInt(wholeE9) * BigInt(times.den) > limitE9 * BigInt(whole) * BigInt(times.num);
}
