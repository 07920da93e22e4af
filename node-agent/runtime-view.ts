// What the agent knows of its runtime at one instant: nothing yet, gone, or there with what it last said.
import type { Terms } from './desired.ts';
import type { InfoResponse, ObservedState } from './native/gen/runtime.ts';
import type { PolicyTerms } from './policy.ts';

/** No attempt to reach it has ended yet, so nothing is said: a restarted agent must not call its runtime dead. */
export interface RuntimeConnecting {
  readonly kind: 'connecting';
}

export interface RuntimeDown {
  readonly kind: 'down';
  /** Why, as the end of a sentence. */
  readonly message: string;
}

export interface RuntimeUp {
  readonly kind: 'up';
  readonly info: InfoResponse;
  /** Absent until its first word. */
  readonly state: ObservedState | undefined;
  /**
   * What this agent asked for in the state in force, by task uid; absent while what is in force was not asked for by
   * this process (an older agent's, or nothing): then nobody can tell which terms the runtime speaks of.
   */
  readonly terms: ReadonlyMap<string, Terms> | undefined;
  /** What this agent asked for as policy in the state in force; absent together with `terms`. */
  readonly policy: PolicyTerms | undefined;
  /** Why the last Apply failed, in the runtime's words; absent once one succeeded. */
  readonly applyError: string | undefined;
}

export type RuntimeView = RuntimeConnecting | RuntimeDown | RuntimeUp;
