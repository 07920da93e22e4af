/**
 * Runs a reconcile function for keys that need it: a number of workers, a time limit and a backoff each, sources that say
 * which keys a changed object touches. Reconcile is level-based: it gets a key, not an event.
 */
import type { Logger } from 'pino';
import type { BackoffOptions, Random } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { MetricRegistry } from './metrics.ts';
import type { Reflector } from './reflector.ts';
import type { KubeObject, Stored } from './resource.ts';

export type Outcome = { readonly kind: 'done' } | { readonly kind: 'requeueAfter'; readonly ms: number };

/** Nothing more to do until something changes. */
export const done: Outcome = Object.freeze({ kind: 'done' });

/** Look again after `ms`, or earlier if something changes. */
export function requeueAfter(ms: number): Outcome {
  return { kind: 'requeueAfter', ms };
}

/**
 * Brings the world of one key where it should be. Throws TerminalError: no retry until something changes; anything else:
 * retry with backoff. Must end soon after `signal` aborts.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome>;

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  readonly log: Logger;
  /** Keys reconciled at the same time; absent: 1. */
  readonly workers?: number | undefined;
  /** Limit of one reconcile, ms; absent: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Every key is looked at again after about this long even if nothing happens; absent: never. */
  readonly resyncMs?: number | undefined;
  readonly backoff?: BackoffOptions | undefined;
  readonly random?: Random | undefined;
  readonly metrics?: MetricRegistry | undefined;
}

export class Controller {
  readonly name: string;

  constructor(options: ControllerOptions) {
    this.name = options.name;
  }

  /**
   * Enqueues the keys that `mapToKeys` names for an object's old and new state whenever it changes; absent: its own key.
   * Call before `start`. Starting and stopping the reflector stays with its owner: several controllers may share it.
   */
  watch<T extends KubeObject>(_reflector: Reflector<T>, _mapToKeys?: (object: Stored<T>) => readonly string[]): this {
    throw new Error('not yet');
  }

  /** Makes a key due now, for sources that are not reflectors. */
  enqueue(_key: string): void {}

  enqueueAfter(_key: string, _delayMs: number): void {}

  /** Workers begin once all watched reflectors are synced. */
  start(): void {}

  /** Takes no new keys, aborts the signals of running reconciles, resolves when they have ended. */
  stop(): Promise<void> {
    throw new Error('not yet');
  }
}
