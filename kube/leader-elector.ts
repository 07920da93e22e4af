/**
 * One leader among several processes, by a Lease with optimistic concurrency. Leadership ends once and for all: by `stop`,
 * or by loss, after which the process should end.
 *
 *   Starting ──► Standby ──acquired──► Leading ──not renewed in time, or another holder──► Lost
 *      └────────────────acquired──────────▲└──stop──► Ended (released)
 *
 * Give it a connection of its own: then no queue, pool or flood of writes of the same process stands before a renewal. What
 * it shares is the event loop; a stall of that (or of the whole process) shows in `assertLeading`, which asks the monotonic
 * clock, and never a flag that a late timer would have had to change.
 */
import type { Logger } from 'pino';
import type { Random } from './backoff.ts';
import type { CallOptions, KubeClient } from './client.ts';
import type { Clock, Timer } from './clock.ts';
import { candidateStep, retryJitter, sight, type ElectionTiming, type Sighting } from './election.ts';
import { TransientError, isConflict, isNotFound } from './errors.ts';
import { leases, microTime, type Lease } from './lease.ts';
import { keyOf, type ObjectRef, type Stored } from './resource.ts';

export interface LeaderElectorOptions {
  /** On a connection of its own. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  /** The Lease; created where it is missing. */
  readonly lease: ObjectRef;
  /** Unique to this process: one that starts anew is another candidate. */
  readonly identity: string;
  readonly timing: ElectionTiming;
  readonly clock: Clock;
  readonly random?: Random | undefined;
  readonly log: Logger;
  /** Called once; `transitions` is greater than under every leader before. */
  readonly onElected: (transitions: number) => void;
  /** Called at most once, after `onElected`: nothing may be written any more. */
  readonly onLost: (reason: string) => void;
}

/** When it stops, how long a call may still take. */
const stopStepMs = 1_000;

export type LeaderState =
  | { readonly kind: 'Starting' }
  | { readonly kind: 'Standby'; readonly holder: string; readonly seenMs: number }
  | { readonly kind: 'Leading'; readonly transitions: number; readonly renewedMs: number }
  | { readonly kind: 'Lost'; readonly reason: string }
  | { readonly kind: 'Ended' };

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #cutOff = new AbortController();
  #state: LeaderState = { kind: 'Starting' };
  /** While standing by. */
  #seen: Sighting | undefined;
  /** While leading: what we wrote last; undefined where it must be read first. */
  #written: Stored<Lease> | undefined;
  #expiry: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#log = options.log.child({ lease: keyOf(options.lease), identity: options.identity });
  }

  get state(): LeaderState {
    return this.#state;
  }

  /** The last renewal was sent less than the renew deadline ago, by the monotonic clock at this moment. */
  get leading(): boolean {
    return this.#state.kind === 'Leading' && this.#remainingMs(this.#state) > 0;
  }

  /** The number under which this process leads, to be carried by what it writes. @throws TransientError (code NotLeader) */
  get transitions(): number {
    this.assertLeading();
    return this.#state.kind === 'Leading' ? this.#state.transitions : 0;
  }

  /** To be called right before every write. @throws TransientError (code NotLeader) where this process does not lead */
  assertLeading(): void {
    // A process that was stopped gets here before its timers do.
    if (this.#state.kind === 'Leading' && this.#remainingMs(this.#state) <= 0) this.#expired();
    if (this.#state.kind === 'Leading') return;
    const reason = this.#state.kind === 'Lost' ? this.#state.reason : 'it is not the leader';
    throw new TransientError(`this process may not write: ${reason}`, { code: 'NotLeader' });
  }

  /** Undefined: leads, or could take over. Otherwise why not, in words. */
  problem(): string | undefined {
    const { leaseDurationMs } = this.#options.timing;
    const state = this.#state;
    if (state.kind === 'Starting') return `Lease ${keyOf(this.#options.lease)} was not read yet`;
    if (state.kind === 'Lost') return `leadership was lost: ${state.reason}`;
    if (state.kind === 'Ended') return 'it stops';
    const silentMs = state.kind === 'Standby' ? this.#options.clock.monotonic() - state.seenMs : 0;
    if (silentMs <= leaseDurationMs) return undefined;
    return `Lease ${keyOf(this.#options.lease)} could not be read for ${Math.round(silentMs / 1000)} s`;
  }

  start(): void {
    if (this.#running !== undefined) throw new Error('the leader elector was started before');
    this.#running = this.#run();
  }

  /** Ends it; a leader gives the Lease up, so that the next one need not wait. Call when all its writes have ended. */
  async stop(): Promise<void> {
    const reason = new TransientError('the leader elector stops', { code: 'Stopping' });
    this.#stopping.abort(reason);
    const grace = this.#options.clock.setTimer(stopStepMs, () => this.#cutOff.abort(reason));
    await this.#running;
    grace.cancel();
    this.#expiry?.cancel();
    const state = this.#state;
    if (state.kind !== 'Lost') this.#state = { kind: 'Ended' };
    if (state.kind === 'Leading') await this.#release(state.transitions);
  }

  async #run(): Promise<void> {
    const { clock, timing, random = Math.random } = this.#options;
    while (!this.#stopping.signal.aborted && this.#state.kind !== 'Lost') {
      const startMs = clock.monotonic();
      const atMostMs = await this.#attempt();
      const leading = this.#state.kind === 'Leading';
      const retryMs = timing.retryPeriodMs * (leading ? 1 : 1 + retryJitter * random());
      const dueMs = startMs + Math.min(retryMs, atMostMs);
      await clock.sleep(dueMs - clock.monotonic(), this.#stopping.signal).catch(() => undefined);
    }
  }

  /** Answers after how many ms at most the next attempt makes sense. */
  async #attempt(): Promise<number> {
    try {
      if (this.#state.kind === 'Leading') return await this.#renew(this.#state.transitions);
      return await this.#acquire();
    } catch (err) {
      this.#written = undefined;
      // Another candidate was faster, or somebody touched the record: it is read anew.
      const level = isConflict(err) ? 'debug' : 'warn';
      this.#log[level]({ err, state: this.#state.kind }, 'the Lease could not be read or written, will retry');
      return Infinity;
    }
  }

  async #acquire(): Promise<number> {
    const { clock, identity, timing } = this.#options;
    this.#seen = sight(this.#seen, await this.#read(), clock.monotonic());
    const nowMs = clock.monotonic();
    const step = candidateStep(this.#seen, identity, timing.leaseDurationMs, nowMs);
    if (step.kind === 'Wait') {
      this.#standBy(step.holder, nowMs);
      return Math.ceil(step.remainingMs);
    }
    await this.#write(this.#seen.lease, step.transitions, { acquireTime: microTime(clock.now()) });
    return Infinity;
  }

  #standBy(holder: string, seenMs: number): void {
    if (this.#state.kind !== 'Standby' || this.#state.holder !== holder) {
      this.#log.info({ holder }, 'another process leads, standing by');
    }
    this.#state = { kind: 'Standby', holder, seenMs };
  }

  async #renew(transitions: number): Promise<number> {
    if (!this.leading) {
      this.#expired();
      return Infinity;
    }
    const stored = this.#written ?? (await this.#read());
    if (stored !== undefined && !this.#isOurs(stored, transitions)) {
      this.#lose(`${stored.spec?.holderIdentity || 'nobody'} holds the Lease now`);
    } else {
      // A Lease that was deleted is made anew under the same number: nobody else has led.
      await this.#write(stored, transitions, {});
    }
    return Infinity;
  }

  #isOurs({ spec }: Stored<Lease>, transitions: number): boolean {
    return spec?.holderIdentity === this.#options.identity && spec.leaseTransitions === transitions;
  }

  async #write(stored: Stored<Lease> | undefined, transitions: number, change: Lease['spec'] & object): Promise<void> {
    const { client, clock, identity, lease, timing } = this.#options;
    // Read anew after any failure: the write may have arrived all the same.
    this.#written = undefined;
    const spec = {
      ...stored?.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(timing.leaseDurationMs / 1000),
      renewTime: microTime(clock.now()),
      leaseTransitions: transitions,
      ...change,
    };
    // Counted from before the call: others count from when they see the record, which is later.
    const startMs = clock.monotonic();
    if (stored === undefined) {
      const metadata = { name: lease.name, ...(lease.namespace && { namespace: lease.namespace }) };
      this.#written = await client.create(leases, { metadata, spec }, this.#call());
    } else {
      this.#written = await client.replace(leases, { ...stored, spec }, this.#call());
    }
    this.#renewed(transitions, startMs);
  }

  #renewed(transitions: number, renewedMs: number): void {
    if (this.#state.kind === 'Lost') return;
    // A renewal whose answer came too late does not revive what has ended meanwhile.
    if (this.#state.kind === 'Leading' && this.#remainingMs(this.#state) <= 0) return this.#expired();
    const elected = this.#state.kind !== 'Leading';
    const state = { kind: 'Leading', transitions, renewedMs } as const;
    if (elected && this.#remainingMs(state) <= 0) return;
    this.#state = state;
    this.#expiry?.cancel();
    this.#expiry = this.#options.clock.setTimer(this.#remainingMs(state), () => this.#expired());
    if (!elected) return;
    this.#log.info({ transitions }, 'leading');
    this.#options.onElected(transitions);
  }

  #remainingMs({ renewedMs }: { readonly renewedMs: number }): number {
    return renewedMs + this.#options.timing.renewDeadlineMs - this.#options.clock.monotonic();
  }

  #expired(): void {
    if (this.#state.kind !== 'Leading') return;
    const silentMs = this.#options.clock.monotonic() - this.#state.renewedMs;
    this.#lose(`the Lease was not renewed for ${(silentMs / 1000).toFixed(1)} s`);
  }

  #lose(reason: string): void {
    if (this.#state.kind === 'Lost') return;
    this.#state = { kind: 'Lost', reason };
    this.#expiry?.cancel();
    this.#log.error({ reason }, 'leadership lost');
    this.#options.onLost(reason);
  }

  async #release(transitions: number): Promise<void> {
    try {
      await this.#free(transitions).catch((error: unknown) => {
        // A renewal that was cut off has arrived in between.
        if (isConflict(error)) return this.#free(transitions);
        throw error;
      });
    } catch (err) {
      this.#log.warn({ err }, 'the Lease was not released, it will expire');
    }
  }

  async #free(transitions: number): Promise<void> {
    const { client, clock } = this.#options;
    const call = { ...this.#call(), signal: undefined, timeoutMs: stopStepMs };
    const stored = this.#written ?? (await this.#read(call));
    this.#written = undefined;
    if (stored === undefined || !this.#isOurs(stored, transitions)) return;
    const freed = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.now()) };
    await client.replace(leases, { ...stored, spec: { ...stored.spec, ...freed } }, call);
    this.#log.info({}, 'leadership released');
  }

  async #read(call: CallOptions = this.#call()): Promise<Stored<Lease> | undefined> {
    const { client, lease } = this.#options;
    try {
      return await client.get(leases, lease, call);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  // Half the deadline leaves time for a second attempt.
  #call(): CallOptions {
    const { renewDeadlineMs } = this.#options.timing;
    return { pool: 'leases', timeoutMs: renewDeadlineMs / 2, signal: this.#cutOff.signal };
  }
}
