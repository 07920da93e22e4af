// What the agent knows of the runtimes of its node at one instant: nothing yet, all gone, or there with what they last said.
import type { Terms } from './desired.ts';
import type { NodeInfo, NodeState } from './native/node-state.ts';
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
  /** Its `lost` are the GPUs whose runtime does not answer, while others do. */
  readonly info: NodeInfo;
  /** Absent until its first word. */
  readonly state: NodeState | undefined;
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
