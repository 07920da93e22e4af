// What an act is: it drives the running stack, and answers with what it measured and what it found wrong.
import type { Stack } from './stack.ts';

export interface ActResult {
  /** Measured values by name; units are in the names. */
  figures: Record<string, number | string>;
  /** One sentence for each check that did not hold. */
  failures: string[];
}

export interface Act {
  title: string;
  run(stack: Stack, signal: AbortSignal): Promise<ActResult>;
}

/** Collects the checks of one act; each states what was wanted and what was seen. */
export class Checks {
  readonly failures: string[] = [];

  holds(condition: boolean, failure: string): void {
    if (!condition) this.failures.push(failure);
  }

  equal(what: string, seen: number | string, wanted: number | string): void {
    this.holds(seen === wanted, `${what} is ${seen}, wanted ${wanted}`);
  }

  atLeast(what: string, seen: number, bound: number): void {
    // A figure that could not be computed (NaN) must not pass either.
    this.holds(seen >= bound, `${what} is ${round(seen)}, wanted at least ${bound}`);
  }

  atMost(what: string, seen: number, bound: number): void {
    this.holds(seen <= bound, `${what} is ${round(seen)}, wanted at most ${bound}`);
  }
}

/** Four significant digits: enough to judge, short enough to read. */
export function round(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}
