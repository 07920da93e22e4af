/**
 * One Lease in memory with the API server's optimistic concurrency, and processes that reach it over links that delay and
 * lose, with clocks of their own that run at other rates, and that can be halted as SIGSTOP halts one.
 */
import type { CallOptions, KubeClient } from '../client.ts';
import type { Clock, FakeClock, Timer } from '../clock.ts';
import { ApiError, TransientError } from '../errors.ts';
import type { Lease } from '../lease.ts';
import type { Stored } from '../resource.ts';

export type LeaseClient = Pick<KubeClient, 'get' | 'create' | 'replace'>;

export class LeaseServer {
  #version = 0;
  stored: Stored<Lease> | undefined;
  readonly writes: NonNullable<Lease['spec']>[] = [];

  get(): Stored<Lease> {
    if (this.stored === undefined) throw new ApiError('no such lease', { status: 404, reason: 'NotFound' });
    return this.stored;
  }

  create(lease: Lease): Stored<Lease> {
    if (this.stored !== undefined) throw new ApiError('there is one', { status: 409, reason: 'AlreadyExists' });
    return this.#store(lease);
  }

  replace(lease: Lease): Stored<Lease> {
    const { metadata } = this.get();
    if (lease.metadata?.resourceVersion !== metadata.resourceVersion) {
      throw new ApiError('not the newest', { status: 409, reason: 'Conflict' });
    }
    return this.#store(lease);
  }

  delete(): void {
    this.stored = undefined;
  }

  #store(lease: Lease): Stored<Lease> {
    const resourceVersion = String(++this.#version);
    const metadata = { ...lease.metadata, name: 'leader', uid: 'u', resourceVersion };
    this.stored = { ...lease, apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata };
    this.writes.push(lease.spec ?? {});
    return this.stored;
  }
}

/** How a link behaves at a call: delays of the way there and back, ms; 'lost': what was sent never comes. */
export interface Passage {
  readonly there: number | 'lost';
  readonly back: number | 'lost';
}

const atOnce: Passage = { there: 0, back: 0 };

export class SimulatedProcess implements Clock {
  readonly #world: FakeClock;
  readonly #rate: number;
  readonly #wallOffsetMs: number;
  readonly #due: (() => void)[] = [];
  #halted = false;
  /** Decides on each call's passage. */
  passage: () => Passage = () => atOnce;

  /** `rate`: its seconds per second of the world. */
  constructor(world: FakeClock, { rate = 1, wallOffsetMs = 0 }: { rate?: number; wallOffsetMs?: number } = {}) {
    this.#world = world;
    this.#rate = rate;
    this.#wallOffsetMs = wallOffsetMs;
  }

  get halted(): boolean {
    return this.#halted;
  }

  halt(): void {
    this.#halted = true;
  }

  /** What came due meanwhile runs now, in the order in which it came; but `first` is what was under way when it halted. */
  continue(first?: () => void): void {
    this.#halted = false;
    first?.();
    for (const run of this.#due.splice(0)) run();
  }

  now(): number {
    return this.#world.now() + this.#wallOffsetMs;
  }

  monotonic(): number {
    return this.#world.monotonic() * this.#rate;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    return this.#world.setTimer(delayMs / this.#rate, () => this.#whenRunning(run));
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const timer = this.setTimer(delayMs, resolve);
      const abort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  clientOf(server: LeaseServer): LeaseClient {
    const call = <R>(work: () => R, options: CallOptions = {}): Promise<R> => this.#call(work, options);
    // The kernel's client is generic; here there is one kind.
    return {
      get: (_resource: unknown, _ref: unknown, options?: CallOptions) => call(() => server.get(), options),
      create: (_resource: unknown, lease: Lease, options?: CallOptions) => call(() => server.create(lease), options),
      replace: (_resource: unknown, lease: Lease, options?: CallOptions) => call(() => server.replace(lease), options),
    } as unknown as LeaseClient;
  }

  /** What was sent may arrive after the caller has given up. */
  #call<R>(work: () => R, { timeoutMs = 10_000, signal }: CallOptions): Promise<R> {
    const { there, back } = this.passage();
    return new Promise((resolve, reject) => {
      const timeout = this.setTimer(timeoutMs, () => reject(new TransientError('no answer', { code: 'Timeout' })));
      const answer = (tell: () => void): void => {
        const come = (): void => {
          timeout.cancel();
          tell();
        };
        if (back !== 'lost') this.#world.setTimer(back, () => this.#whenRunning(come));
      };
      const arrive = (): void => {
        try {
          const result = work();
          answer(() => resolve(result));
        } catch (error) {
          answer(() => reject(error));
        }
      };
      if (there !== 'lost') this.#world.setTimer(there, arrive);
      const abort = (): void => {
        timeout.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #whenRunning(run: () => void): void {
    if (this.#halted) this.#due.push(run);
    else run();
  }
}
