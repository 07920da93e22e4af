// Durations as users write them (33ms, 16.667ms, 1m30s) and as everything else counts them: whole microseconds.

const unitUs: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000, m: 60_000_000 };
const whole = /^(?:\d+(?:\.\d+)?(?:us|ms|s|m))+$/;
const part = /(\d+(?:\.\d+)?)(us|ms|s|m)/g;

/**
 * Microseconds of a duration like `33ms` or `1m30s`, rounded to the nearest.
 *
 * @throws RangeError naming the text when it is no duration or exceeds what an integer holds exactly.
 */
export function parseDurationUs(text: string): number {
  if (!whole.test(text)) throw new RangeError(`"${text}" is not a duration; write one with a unit, like 33ms`);
  let us = 0;
  for (const [, amount, unit] of text.matchAll(part)) us += Number(amount) * (unitUs[unit ?? ''] ?? Number.NaN);
  const rounded = Math.round(us);
  if (!Number.isSafeInteger(rounded)) throw new RangeError(`"${text}" is too long a duration`);
  return rounded;
}

/** The shortest exact way to write so many microseconds: 33000 → `33ms`, 16667 → `16.667ms`, 1500000 → `1.5s`. */
export function formatDurationUs(us: number): string {
  if (us >= 1_000_000) return `${us / 1_000_000}s`;
  return us >= 1_000 ? `${us / 1_000}ms` : `${us}us`;
}
