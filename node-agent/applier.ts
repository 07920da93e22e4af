// Brings the desired state to the runtime: whole, level-based, one Apply at a time, again after a failure and on every
// new connection. Never before the caches are complete: an empty state would end tasks that merely were not read yet.
import type { Logger } from 'pino';
import { Backoff, type Random } from '../kube/backoff.ts';
import type { Clock, Timer } from '../kube/clock.ts';
import type { BatchTimes } from '../api/profile-state.ts';
import { type Desired, desiredState, fingerprint, type Skipped } from './desired.ts';
import type { ApplyResponse, DesiredState } from './native/gen/runtime.ts';
import type { NodeState } from './native/node-state.ts';
import type { MeasuredOn } from './native/shares.ts';
import type { Observations } from './observations.ts';
import { type PolicyTerms, runtimePolicy } from './policy.ts';
import type { StoredModel, StoredProfile, StoredTask } from './resources.ts';

export interface ApplierOptions {
  readonly node: string;
  /** Asked once the runtime has said what hardware it owns. */
  readonly policy: () => PolicyTerms;
  readonly observations: Observations;
  readonly tasks: () => readonly StoredTask[];
  readonly models: () => readonly StoredModel[];
  /** Those whose models are wanted for measuring. */
  readonly profiles: () => readonly StoredProfile[];
  /** What profiles know of a package on this node's GPUs. */
  readonly times: (digest: string) => readonly BatchTimes[];
  readonly apply: (state: DesiredState, measuredOn: MeasuredOn) => Promise<ApplyResponse>;
  /** Whether it is this agent that drives the runtime: nothing is applied otherwise. */
  readonly acting: () => boolean;
  /** Whether that is certain at this moment: otherwise what another has applied is left in force. */
  readonly certain: () => boolean;
  /** Told after each attempt, with the seconds it took. */
  readonly attempted: (seconds: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: Random | undefined;
}

/** Changes that come together, as a list or a placement round does, make one Apply. */
const debounceMs = 20;
const backoffOptions = { initialMs: 200, maxMs: 10_000 } as const;

export class Applier {
  readonly #options: ApplierOptions;
  readonly #backoff: Backoff;
  readonly #told = new Map<string, string>();
  #timer: Timer | undefined;
  #inFlight: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #cachesComplete = false;
  #generation = 0;
  /** Fingerprint of what this connection's runtime has taken over; undefined: nothing that we know of. */
  #taken: string | undefined;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#backoff = new Backoff(backoffOptions, options.random);
  }

  /** From now on the lists are complete, and what they lack does not exist. */
  cachesComplete(): void {
    this.#cachesComplete = true;
    this.kick();
  }

  /** The runtime may be another one, or was driven by another: nothing is taken for applied, and no failure counts. */
  reconnected(): void {
    this.#taken = undefined;
    this.#backoff.reset();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.kick();
  }

  /** Another process applied after us (an older agent that was still going): what it said is not what is wanted now. */
  observed(state: NodeState): void {
    if (state.newestGeneration <= this.#generation || this.#inFlight !== undefined) return;
    this.#taken = undefined;
    this.kick();
  }

  /** Something that the desired state rests on may have changed. */
  kick(): void {
    if (this.#inFlight === undefined) this.#schedule(debounceMs);
    else this.#again = true;
  }

  /** Waits for an Apply under way, which its owner ends by stopping the session. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#inFlight;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#inFlight = this.#run().finally(() => {
        this.#inFlight = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.#schedule(debounceMs);
      });
    });
  }

  async #run(): Promise<void> {
    const { observations, clock, log, attempted } = this.#options;
    const before = observations.state;
    // Its first state says which generation is in force; ours must be greater.
    if (!this.#cachesComplete || before === undefined || !this.#options.acting()) return;
    // This process may have stood still for longer than its Lease lasts, and another agent act by now.
    if (before.newestGeneration > this.#generation && !this.#options.certain()) return;
    const policy = this.#options.policy();
    const desired = this.#desired(policy);
    // A policy of the same terms under another name is another one to those who read what is in force.
    const wanted = fingerprint(desired) + JSON.stringify(policy);
    if (wanted === this.#taken) return;
    this.#generation = Math.max(this.#generation, before.newestGeneration) + 1;
    const generation = this.#generation;
    observations.asked(generation, { terms: desired.terms, policy });
    const startedMs = clock.monotonic();
    try {
      const answer = await this.#options.apply({ ...desired.state, generation }, desired.measuredOn);
      this.#taken = answer.instanceId === observations.state?.instanceId ? wanted : undefined;
      observations.applied(undefined);
      this.#backoff.reset();
      log.info({ generation, tasks: desired.state.tasks.length, models: desired.state.models.length }, 'applied');
    } catch (error) {
      this.#failed(error);
    } finally {
      attempted((clock.monotonic() - startedMs) / 1000);
    }
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    this.#taken = undefined;
    this.#options.observations.applied(error instanceof Error ? error.message : String(error));
    const retryMs = this.#backoff.next();
    this.#options.log.warn({ err: error, retryMs }, 'apply failed');
    this.#schedule(retryMs);
  }

  #desired(policy: PolicyTerms): Desired {
    const { node, observations, tasks, models, profiles, times } = this.#options;
    const desired = desiredState({
      node,
      policy: runtimePolicy(policy),
      tasks: tasks(),
      models: models(),
      profiles: profiles(),
      times,
      seen: (uid) => observations.seen(uid),
    });
    this.#tell(desired.skipped);
    return desired;
  }

  /** One warning for each flaw of each object, however often the state is computed. */
  #tell(skipped: readonly Skipped[]): void {
    for (const { key, uid, why } of skipped) {
      if (this.#told.get(uid) !== why) this.#options.log.warn({ task: key, uid, why }, 'task skipped');
    }
    this.#told.clear();
    for (const { uid, why } of skipped) this.#told.set(uid, why);
  }
}
