/**
 * Which keys need a reconcile, and when: each key at most once in the queue and at most once in flight, with delays and
 * a backoff per key. Not a list of events: whoever takes a key looks at the world anew.
 *
 *   addAfter ──► delayed ──due──► waiting ──take──► in flight ──done──► (gone)
 *                   ▲    add ───────▲                  │  add: comes again after done
 *                   └──────── addRateLimited ◄─────────┘
 */
import { backoffDelay, type BackoffOptions, type Random } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random?: Random | undefined;
  /** Absent: 100 ms to 5 min. */
  readonly backoff?: BackoffOptions | undefined;
}

interface Delayed {
  readonly dueMs: number;
  readonly timer: Timer;
}

export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: BackoffOptions;
  // Sets keep the order of insertion: first come, first served.
  readonly #waiting = new Set<string>();
  readonly #inFlight = new Set<string>();
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
    this.#backoff = options.backoff ?? { initialMs: 100, maxMs: 300_000 };
  }

  /** Keys that wait to be taken now; delayed ones and those in flight are not among them. */
  get depth(): number {
    return this.#waiting.size;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Makes the key due now, whatever delay it had. In flight: it comes again after `done`. */
  add(key: string): void {
    if (this.#drained !== undefined) return;
    this.#cancelDelay(key);
    if (this.#inFlight.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#handOut();
  }

  /** Makes the key due after `delayMs`. Of several times the earliest wins: that run decides anew what comes next. */
  addAfter(key: string, delayMs: number): void {
    if (this.#drained !== undefined || this.#waiting.has(key) || this.#again.has(key)) return;
    const dueMs = this.#clock.monotonic() + delayMs;
    if ((this.#delayed.get(key)?.dueMs ?? Infinity) <= dueMs) return;
    this.#cancelDelay(key);
    this.#delayed.set(key, { dueMs, timer: this.#clock.setTimer(delayMs, () => this.add(key)) });
  }

  /** Makes the key due after its backoff, but not before `atLeastMs`. Returns the delay in ms. */
  addRateLimited(key: string, atLeastMs = 0): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delayMs = Math.max(atLeastMs, backoffDelay(this.#backoff, failures, this.#random));
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** Ends the key's backoff: it succeeded, or is no more. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next due key; undefined once the queue is shut down. Each key taken is owed a `done`. */
  take(): Promise<string | undefined> {
    if (this.#drained !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#handOut();
    });
  }

  done(key: string): void {
    this.#inFlight.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    this.#handOut();
    if (this.#inFlight.size === 0) this.#drained?.resolve();
  }

  /** Nothing is taken or added any more; resolves when all in flight are done. */
  shutdown(): Promise<void> {
    if (this.#drained !== undefined) return this.#drained.promise;
    this.#drained = Promise.withResolvers();
    for (const key of this.#delayed.keys()) this.#cancelDelay(key);
    this.#waiting.clear();
    this.#again.clear();
    for (const take of this.#takers.splice(0)) take(undefined);
    if (this.#inFlight.size === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  #handOut(): void {
    for (const key of this.#waiting) {
      const take = this.#takers.shift();
      if (take === undefined) return;
      this.#waiting.delete(key);
      this.#inFlight.add(key);
      take(key);
    }
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
  }
}
