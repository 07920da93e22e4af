// "Arithmetic": whole numbers only, so that no rounding decides. All of the reference counts in BigInt.
// Utilizations are billionths; times are microseconds.

export const billion = 1_000_000_000n;

export function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

/** Of positive whole numbers. */
export function ceilOfQuotient(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** A fraction of whole numbers, the denominator positive. */
export interface Quotient {
  numerator: bigint;
  denominator: bigint;
}

export function isLess(a: Quotient, b: Quotient): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator;
}

/** Absolute virtual deadline of each stage: `release + floor(D · (mret_1 + … + mret_j) / (mret_1 + … + mret_n))`. */
export function virtualDeadlines(release: bigint, deadline: bigint, mrets: readonly bigint[]): bigint[] {
  const whole = sum(mrets);
  return mrets.map((_, j) => release + (deadline * sum(mrets.slice(0, j + 1))) / whole);
}

/** Billionths as an exact decimal without exponent or trailing zeros. */
export function decimal(billionths: bigint): string {
  const sign = billionths < 0n ? '-' : '';
  const digits = (billionths < 0n ? -billionths : billionths).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -9)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The double nearest to a quotient of positive whole numbers; ties to even. */
export function nearestDouble({ numerator, denominator }: Quotient): number {
  const shifted = numerator << 128n;
  const quotient = shifted / denominator;
  // One more bit says whether anything was cut off, so that rounding to 53 bits sees which side of a tie it is on.
  const sticky = shifted % denominator === 0n ? 0n : 1n;
  return Number(quotient * 2n + sticky) / 2 ** 129;
}
