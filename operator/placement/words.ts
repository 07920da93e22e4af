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

const byteUnits = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Both like `3.2 GiB`, or in bytes where that would make different ones look the same. */
export function formatBytes(one: number, other: number): readonly [string, string] {
  const shared = powerOf(Math.max(one, other));
  if (one !== other && inUnit(one, shared) === inUnit(other, shared)) return [inUnit(one, 0), inUnit(other, 0)];
  return [inUnit(one, powerOf(one)), inUnit(other, powerOf(other))];
}

/** Of the largest unit that leaves at least 1. */
function powerOf(bytes: number): number {
  return bytes < 1024 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log2(bytes) / 10));
}

function inUnit(bytes: number, power: number): string {
  return `${(bytes / 1024 ** power).toFixed(1).replace(/\.0$/, '')} ${byteUnits[power]}`;
}

/** Exact, without exponent, without trailing zeros: what is written down must read back as the same billionths. */
export function exactE9(e9: number): string {
  return decimal(e9, Math.round(Math.log10(wholeE9)));
}
