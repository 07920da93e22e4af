/**
 * One listener of a reflector and what it is still owed: a change whose listener threw is told again later, joined with
 * what happened to the object meanwhile, until it is taken.
 */
import type { Logger } from 'pino';
import { Backoff } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import type { KubeObject, Stored } from './resource.ts';

/**
 * Told of every change: (undefined, new) added, (old, new) changed, (old, undefined) gone. An object that was deleted and
 * created anew under its name arrives as gone, then added. Told again when it threw. The store is at `now` or newer.
 */
export type Listener<T extends KubeObject> = (
  key: string,
  before: Stored<T> | undefined,
  now: Stored<T> | undefined,
) => void;

interface Owed<T extends KubeObject> {
  /** The last state that the listener has taken. */
  readonly before: Stored<T> | undefined;
  readonly backoff: Backoff;
  readonly timer: Timer;
}

export class Subscription<T extends KubeObject> {
  readonly #listener: Listener<T>;
  readonly #newest: (key: string) => Stored<T> | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #owed = new Map<string, Owed<T>>();

  constructor(
    listener: Listener<T>,
    context: { readonly newest: (key: string) => Stored<T> | undefined; readonly clock: Clock; readonly log: Logger },
  ) {
    this.#listener = listener;
    this.#newest = context.newest;
    this.#clock = context.clock;
    this.#log = context.log;
  }

  /** Never throws. */
  notify(key: string, before: Stored<T> | undefined, now: Stored<T> | undefined): void {
    const owed = this.#owed.get(key);
    owed?.timer.cancel();
    let taken = owed === undefined ? before : owed.before;
    try {
      if (taken !== undefined && now !== undefined && taken.metadata.uid !== now.metadata.uid) {
        this.#listener(key, taken, undefined);
        taken = undefined;
      }
      if (taken !== undefined || now !== undefined) this.#listener(key, taken, now);
      this.#owed.delete(key);
    } catch (err) {
      this.#owe(key, taken, owed?.backoff ?? new Backoff({ initialMs: 1_000, maxMs: 60_000 }), err);
    }
  }

  /** Nothing is told any more. */
  end(): void {
    for (const { timer } of this.#owed.values()) timer.cancel();
    this.#owed.clear();
  }

  #owe(key: string, before: Stored<T> | undefined, backoff: Backoff, err: unknown): void {
    const retryMs = backoff.next();
    this.#log.error({ key, err, retryMs }, 'a listener failed, it will be told again');
    const timer = this.#clock.setTimer(retryMs, () => this.notify(key, before, this.#newest(key)));
    this.#owed.set(key, { before, backoff, timer });
  }
}
