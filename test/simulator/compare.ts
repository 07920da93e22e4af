// What the simulator wrote against what the reference predicts: the first difference, or none.
import type { Output } from './program.ts';
import { simulate } from './reference/simulation.ts';
import { summarize } from './reference/summary.ts';
import { lineOf } from './reference/trace.ts';
import type { Scenario } from './scenario.ts';

export interface Difference {
  /** Line number of the trace, from 1; or the path of a field of the summary. */
  where: string;
  expected: string;
  actual: string;
}

/** Doubles may be written in more than one way. */
function normal(line: string): string {
  return line.replace(/"predicted":([^,}]+)/, (_, number: string) => `"predicted":${Number(number)}`);
}

function traceDifference(expected: readonly string[], trace: string): Difference | undefined {
  const actual = trace.split('\n');
  // The last line ends with a newline, too; an empty trace has none.
  const ended = actual.pop() === '';
  const line = Array.from({ length: Math.max(expected.length, actual.length) }).findIndex(
    (_, i) => normal(expected[i] ?? '') !== normal(actual[i] ?? ''),
  );
  if (line === -1) return ended ? undefined : { where: 'end of trace', expected: 'a newline', actual: 'none' };
  const end = '(end of trace)';
  return { where: `line ${line + 1}`, expected: expected[line] ?? end, actual: actual[line] ?? end };
}

/** Rates are doubles, which the format gives no rounding for. */
function near(a: unknown, b: unknown): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b;
  return a === b || (!Number.isInteger(a) && Math.abs(a - b) <= 1e-14 * Math.abs(a));
}

/** Only what is expected is looked at: a summary may say more. */
function fieldDifference(expected: unknown, actual: unknown, where: string): Difference | undefined {
  if (typeof expected !== 'object' || expected === null) {
    return near(expected, actual) ? undefined : { where, expected: String(expected), actual: JSON.stringify(actual) };
  }
  if (typeof actual !== 'object' || actual === null)
    return { where, expected: 'an object', actual: JSON.stringify(actual) };
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length !== actual.length) {
    return { where: `${where}.length`, expected: `${expected.length}`, actual: `${actual.length}` };
  }
  for (const [key, value] of Object.entries(expected)) {
    const found = fieldDifference(value, (actual as Record<string, unknown>)[key], `${where}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function difference(scenario: Scenario, { trace, summary }: Output): Difference | undefined {
  const outcome = simulate(scenario);
  return (
    traceDifference(outcome.events.map(lineOf), trace) ??
    fieldDifference(summarize(scenario, outcome), JSON.parse(summary), 'summary')
  );
}
