/**
 * Which keys need a reconcile, and when: each key at most once in the queue and at most once in flight, with delays and
 * a backoff per key. Not a list of events: whoever takes a key looks at the world anew.
 */
import type { BackoffOptions, Random } from './backoff.ts';
import type { Clock } from './clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random?: Random | undefined;
  /** Absent: 100 ms to 5 min. */
  readonly backoff?: BackoffOptions | undefined;
}

export class WorkQueue {
  constructor(_options: WorkQueueOptions) {}

  /** Keys that wait to be taken now; delayed ones and those in flight are not among them. */
  get depth(): number {
    throw new Error('not yet');
  }

  get inFlight(): number {
    throw new Error('not yet');
  }

  /** Makes the key due now. In flight: it comes again after `done`. */
  add(_key: string): void {}

  /** Makes the key due after `delayMs`; the earliest of several wins, and `add` beats them all. */
  addAfter(_key: string, _delayMs: number): void {}

  /** Makes the key due after its backoff, but not before `atLeastMs`. Returns the delay in ms. */
  addRateLimited(_key: string, _atLeastMs?: number): number {
    throw new Error('not yet');
  }

  /** Ends the key's backoff: it succeeded, or is no more. */
  forget(_key: string): void {}

  /** The next due key, first come first served; undefined once the queue is shut down. Owed a `done`. */
  take(): Promise<string | undefined> {
    throw new Error('not yet');
  }

  done(_key: string): void {}

  /** Nothing is taken or added any more; resolves when all in flight are done. */
  shutdown(): Promise<void> {
    throw new Error('not yet');
  }
}
