/**
 * A Lease that says "its holder lives": created or taken over, then renewed on a connection of its own, so that neither a
 * busy pool nor a slow answer makes a living node look dead.
 */
import type { Logger } from 'pino';
import { Backoff } from './backoff.ts';
import type { CallOptions, KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { TransientError, isNotFound } from './errors.ts';
import { defineResource, keyOf, type KubeObject, type ObjectMeta, type ObjectRef, type Stored } from './resource.ts';

/** A coordination.k8s.io/v1 Lease as JSON. */
export interface Lease extends KubeObject {
  metadata?: ObjectMeta;
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    /** RFC 3339 with exactly six fractional digits: the server refuses others. */
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export const leases = defineResource<Lease>({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
});

/** Wall time in ms since 1970 as the server wants it in a MicroTime field. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}

export interface LeaseHolderOptions {
  readonly client: KubeClient;
  /** The Lease; created where it is missing. */
  readonly lease: ObjectRef;
  readonly holder: string;
  /** After this long without renewal others may take the holder for dead. */
  readonly durationMs: number;
  /** Between the starts of two renewals. */
  readonly renewEveryMs: number;
  readonly labels?: { [key: string]: string } | undefined;
  /** Whether that other holder is proven to have ended, so that nobody need wait for its Lease to expire. */
  readonly ended?: ((holder: string) => Promise<boolean>) | undefined;
  /** Called when `held` turned true, or `rival` changed. */
  readonly turned?: (() => void) | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Another holder lives. */
class HeldError extends TransientError {
  /** After which its time is up, unless it renews. */
  readonly remainingMs: number;

  constructor(holder: string, remainingMs: number) {
    super(`the lease is held by ${holder}`, { code: 'LeaseHeld' });
    this.remainingMs = remainingMs;
  }
}

export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #stored: Stored<Lease> | undefined;
  #foreign: { readonly holder: string; readonly renewTime: string | undefined; readonly seenMs: number } | undefined;
  #renewedMs = -Infinity;
  #rival: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
    this.#log = options.log.child({ lease: keyOf(options.lease) });
  }

  start(): void {
    if (this.#running !== undefined) throw new Error('the lease holder was started before');
    this.#running = this.#run();
  }

  /** Ends renewal, after the one in flight if there is one. With `release` it also gives the Lease up, so that nobody waits for it to expire. */
  async stop(options: { readonly release?: boolean } = {}): Promise<void> {
    this.#stopping.abort(new TransientError('the lease holder stops', { code: 'Stopping' }));
    await this.#running;
    if (options.release !== true || !this.held) return;
    this.#renewedMs = -Infinity;
    try {
      this.#stored ??= await this.#read();
      if (this.#stored?.spec?.holderIdentity !== this.#options.holder) return;
      await this.#write({ holderIdentity: '', leaseDurationSeconds: 1 });
    } catch (err) {
      this.#log.warn({ err }, 'lease not released, it will expire');
    }
  }

  /** How long ago, ms, the last successful renewal was sent; Infinity before the first. */
  ageMs(): number {
    return this.#options.clock.monotonic() - this.#renewedMs;
  }

  /** The last renewal is younger than the Lease's duration. */
  get held(): boolean {
    return this.ageMs() < this.#options.durationMs;
  }

  /** Another holder that lived when the Lease was last read. */
  get rival(): string | undefined {
    return this.#rival;
  }

  async #run(): Promise<void> {
    const { clock, renewEveryMs } = this.#options;
    const backoff = new Backoff({ initialMs: Math.min(200, renewEveryMs), maxMs: renewEveryMs });
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      // Counted from before the call: whoever reads renewTime must not take us for older than we think.
      const startMs = clock.monotonic();
      let delayMs = renewEveryMs;
      try {
        await this.#renew();
        this.#renewed(startMs);
        backoff.reset();
      } catch (err) {
        if (signal.aborted) return;
        delayMs = err instanceof HeldError ? Math.min(renewEveryMs, err.remainingMs) : backoff.next();
        const level = err instanceof HeldError ? 'debug' : 'warn';
        this.#log[level]({ err, ageMs: this.ageMs(), delayMs }, 'lease not renewed, will retry');
      }
      await clock.sleep(startMs + delayMs - clock.monotonic(), signal).catch(() => undefined);
    }
  }

  #renewed(startMs: number): void {
    const news = !this.held || this.#rival !== undefined;
    this.#renewedMs = startMs;
    this.#rival = undefined;
    this.#foreign = undefined;
    if (news) this.#options.turned?.();
  }

  async #renew(): Promise<void> {
    const { holder, clock } = this.#options;
    this.#stored ??= await this.#read();
    if (this.#stored === undefined) return this.#create();
    const spec = this.#stored.spec ?? {};
    const renewTime = microTime(clock.now());
    if (spec.holderIdentity === holder) return this.#write({ renewTime });
    await this.#refuseWhileAlive(spec);
    await this.#write({ renewTime, acquireTime: renewTime, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 });
  }

  // Another holder counts as alive until its renewTime stood still for its whole duration by our own clock (wall clocks of
  // two machines are not compared), or until its end is proven.
  async #refuseWhileAlive(spec: NonNullable<Lease['spec']>): Promise<void> {
    const { holderIdentity: other, leaseDurationSeconds = 0, renewTime } = spec;
    if (other === undefined || other === '') return;
    const nowMs = this.#options.clock.monotonic();
    if (this.#foreign?.holder !== other || this.#foreign.renewTime !== renewTime) {
      this.#foreign = { holder: other, renewTime, seenMs: nowMs };
    }
    const remainingMs = this.#foreign.seenMs + leaseDurationSeconds * 1000 - nowMs;
    if (remainingMs <= 0) return;
    if ((await this.#options.ended?.(other)) === true) return;
    this.#stored = undefined;
    this.#displaced(other);
    throw new HeldError(other, remainingMs);
  }

  #displaced(rival: string): void {
    this.#renewedMs = -Infinity;
    if (this.#rival === rival) return;
    this.#rival = rival;
    this.#log.warn({ rival }, 'the lease is held by another, which is waited for');
    this.#options.turned?.();
  }

  async #read(): Promise<Stored<Lease> | undefined> {
    const { client, lease } = this.#options;
    try {
      return await client.get(leases, lease, this.#call());
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #create(): Promise<void> {
    const { client, lease, labels, holder, clock } = this.#options;
    const now = microTime(clock.now());
    const metadata = {
      name: lease.name,
      ...(lease.namespace && { namespace: lease.namespace }),
      ...(labels && { labels }),
    };
    const spec = { ...this.#ours(), holderIdentity: holder, acquireTime: now, renewTime: now, leaseTransitions: 0 };
    this.#stored = await client.create(leases, { metadata, spec }, this.#call());
  }

  async #write(change: NonNullable<Lease['spec']>): Promise<void> {
    const stored = this.#stored;
    if (stored === undefined) return;
    // Read anew after any failure: the write may have arrived all the same.
    this.#stored = undefined;
    const spec = { ...stored.spec, ...this.#ours(), ...change };
    this.#stored = await this.#options.client.replace(leases, { ...stored, spec }, this.#call());
  }

  #ours(): NonNullable<Lease['spec']> {
    const { holder, durationMs } = this.#options;
    return { holderIdentity: holder, leaseDurationSeconds: Math.ceil(durationMs / 1000) };
  }

  // Not aborted by stop: a write that is cut off may still arrive, after the release.
  #call(): CallOptions {
    return { pool: 'leases', timeoutMs: this.#options.renewEveryMs };
  }
}
