/**
 * Exponential backoff with jitter and a cap. The jitter only shortens, so the cap is a bound, and many clients that
 * fail together do not come back together.
 */

/** A source of numbers in [0, 1), injected so that tests are repeatable. */
export type Random = () => number;

export interface BackoffOptions {
  /** Delay before the first retry, ms. */
  readonly initialMs: number;
  /** No delay is longer, ms. */
  readonly maxMs: number;
  /** Growth from one attempt to the next; absent: 2. */
  readonly factor?: number;
  /** The share of a delay that chance may take away, in [0, 1]; absent: 0.3. */
  readonly jitter?: number;
}

/** The delay in ms before retry number `attempt` (0 is the first). */
export function backoffDelay(options: BackoffOptions, attempt: number, random: Random): number {
  const grown = Math.min(options.maxMs, options.initialMs * (options.factor ?? 2) ** attempt);
  return grown * (1 - (options.jitter ?? 0.3) * random());
}

/** The backoff of one loop: `next` grows, `reset` starts over after a success. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #attempt = 0;

  constructor(options: BackoffOptions, random: Random = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** The delay in ms to wait now; never less than `atLeastMs`, which is what the other side asked for. */
  next(atLeastMs = 0): number {
    return Math.max(atLeastMs, backoffDelay(this.#options, this.#attempt++, this.#random));
  }

  reset(): void {
    this.#attempt = 0;
  }
}
