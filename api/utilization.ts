// Utilizations: integers in billionths wherever they are added or compared, so that no rounding decides.

/** One stream, fully used. */
export const wholeE9 = 1_000_000_000;

/**
 * u = ceil(executionUs · 10⁹ / min(deadline, period)) (eq. 3, 10; with deadlines below the period, the deadline).
 * All times in microseconds. The product leaves the exact range of a double, so it is taken in bigint.
 */
export function utilizationE9(executionUs: number, deadlineUs: number, periodUs: number): number {
  const span = BigInt(Math.min(deadlineUs, periodUs));
  return Number((BigInt(executionUs) * BigInt(wholeE9) + span - 1n) / span);
}

/** A decimal as status shows it: at most six digits behind the point, no trailing zeros. */
export function formatE9(e9: number): string {
  return String(Math.round(e9 / 1_000) / 1_000_000);
}

/** Billionths of a decimal like `0.75`. */
export function parseE9(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new RangeError(`"${text}" is not a decimal like 0.75`);
  return Math.round(value * wholeE9);
}
