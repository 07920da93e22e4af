// Numbers in refusals: as few digits as keep what is said true.
import { wholeE9 } from '../../api/utilization.ts';

/**
 * `0.61 + 0.14 > 0.75`, or with <= where that holds. Two digits unless rounding would turn the comparison round; each
 * further digit that is needed is shown. `name` goes before the limit.
 */
export function formatSum(loadE9: number, moreE9: number, limitE9: number, name = ''): string {
  const exceeds = loadE9 + moreE9 > limitE9;
  for (let digits = 2; digits < 9; digits++) {
    const [load, more, limit] = [rounded(loadE9, digits), rounded(moreE9, digits), rounded(limitE9, digits)];
    if (load + more > limit === exceeds) return sum([load, more, limit], digits, exceeds, name);
  }
  return sum([loadE9, moreE9, limitE9], 9, exceeds, name);
}

function rounded(e9: number, digits: number): number {
  return Math.round(e9 / 10 ** (9 - digits));
}

function sum(terms: readonly [number, number, number], digits: number, exceeds: boolean, name: string): string {
  const [load, more, limit] = terms.map((term) => decimal(term, digits));
  return `${load} + ${more} ${exceeds ? '>' : '<='} ${name}${limit}`;
}

function decimal(scaled: number, digits: number): string {
  const text = (scaled / 10 ** digits).toFixed(digits);
  return text.replace(/\.?0+$/, '');
}

/** Exact, without exponent, without trailing zeros: what is written down must read back as the same billionths. */
export function exactE9(e9: number): string {
  return decimal(e9, Math.round(Math.log10(wholeE9)));
}
