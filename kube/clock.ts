/**
 * Time as a dependency: every wait and timeout of the kernel goes through a Clock, so that tests advance it by hand.
 * Wall time is for people and for what crosses machines; durations are measured on the monotonic time only.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A timer that has not fired yet; cancelling a fired one does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time, ms since 1970 UTC; may jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Runs `run` once after `delayMs` (at once, but not synchronously, for 0 or less). `run` must not throw. */
  setTimer(delayMs: number, run: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

// setTimeout runs at once for anything longer (24.8 days).
const longestTimeoutMs = 2 ** 31 - 1;

/** The machine's clock. Its timers keep the process alive until they fire or are cancelled. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timeout = setTimeout(run, Math.min(Math.max(delayMs, 0), longestTimeoutMs));
    return { cancel: () => clearTimeout(timeout) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}

interface FakeTimer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that stands still until `advance` is called. For tests, of this folder and of everything built on it. */
export class FakeClock implements Clock {
  readonly #timers = new Set<FakeTimer>();
  #wallOffsetMs: number;
  #elapsedMs = 0;

  constructor(wallMs: number = Date.UTC(2030, 0, 1)) {
    this.#wallOffsetMs = wallMs;
  }

  now(): number {
    return this.#wallOffsetMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** How many timers wait; 0 tells that nothing was left behind. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves the wall clock alone, as a correction of the machine's time does. */
  setWall(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#elapsedMs;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(delayMs, 0), run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Lets `ms` pass: runs what comes due in order of time, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settle();
    for (let timer = this.#nextDue(endMs); timer !== undefined; timer = this.#nextDue(endMs)) {
      this.#timers.delete(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      timer.run();
      await settle();
    }
    this.#elapsedMs = endMs;
  }

  #nextDue(endMs: number): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

// Each turn of the event loop runs all promise callbacks that are ready; chains through streams need a few turns.
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await nextTurn();
}

function sleepOn(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** A signal that follows its parents and also aborts by time; `dispose` cuts it loose, and must be called. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #parents: readonly AbortSignal[];
  readonly #clock: Clock;
  readonly #reason: () => unknown;
  #timer: Timer;

  /** `reason` makes the abort reason when the time is up. */
  constructor(clock: Clock, timeoutMs: number, reason: () => unknown, ...parents: (AbortSignal | undefined)[]) {
    this.#clock = clock;
    this.#reason = reason;
    this.#parents = parents.filter((parent) => parent !== undefined);
    this.#timer = this.#arm(timeoutMs);
    for (const parent of this.#parents) {
      if (parent.aborted) this.#controller.abort(parent.reason);
      parent.addEventListener('abort', this.#follow, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the time anew: for limits on inactivity. */
  restart(timeoutMs: number): void {
    this.#timer.cancel();
    if (!this.signal.aborted) this.#timer = this.#arm(timeoutMs);
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
    for (const parent of this.#parents) parent.removeEventListener('abort', this.#follow);
  }

  #arm(timeoutMs: number): Timer {
    return this.#clock.setTimer(timeoutMs, () => this.#controller.abort(this.#reason()));
  }

  readonly #follow = (event: Event): void => {
    this.#timer.cancel();
    this.#controller.abort(event.target instanceof AbortSignal ? event.target.reason : undefined);
  };
}
