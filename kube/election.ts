/**
 * What a candidate makes of a leader's Lease. Pure: the record as it was read, and for how long it has stood unchanged by
 * the candidate's own clock. What another machine's clock says (renewTime) is never judged, it only has to change.
 */
import type { Lease } from './lease.ts';
import type { Stored } from './resource.ts';

export interface ElectionTiming {
  /** A leader that was not seen to renew for so long may be replaced. */
  readonly leaseDurationMs: number;
  /** A leader that could not renew for so long stops writing, before anybody may replace it. */
  readonly renewDeadlineMs: number;
  /** Between two attempts to renew, or to acquire. */
  readonly retryPeriodMs: number;
}

/** A retry waits up to this much longer than the retry period, by chance, so that candidates do not march in step. */
export const retryJitter = 0.2;

/** What is wrong with these times together, in words; undefined: nothing. */
export function timingProblem(timing: ElectionTiming): 'leaseDuration' | 'renewDeadline' | undefined {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = timing;
  if (renewDeadlineMs >= leaseDurationMs) return 'leaseDuration';
  return renewDeadlineMs <= retryPeriodMs * (1 + retryJitter) ? 'renewDeadline' : undefined;
}

/** The last look at the Lease. */
export interface Sighting {
  /** Undefined: there is none. */
  readonly lease: Stored<Lease> | undefined;
  /** The last one that was there: its holder may still be at work where the Lease was deleted. */
  readonly known: Stored<Lease> | undefined;
  /** When, by our monotonic clock, it was first seen as it is now. */
  readonly sinceMs: number;
}

/** Adds what was read at `nowMs` to what was seen before. */
export function sight(before: Sighting | undefined, lease: Stored<Lease> | undefined, nowMs: number): Sighting {
  const known = lease ?? before?.known;
  const same = before !== undefined && versionOf(before.known) === versionOf(known);
  return { lease, known, sinceMs: same ? before.sinceMs : nowMs };
}

/** Any change counts as a sign of life: at worst a takeover comes later. */
function versionOf(lease: Stored<Lease> | undefined): string | undefined {
  return lease && `${lease.metadata.uid}/${lease.metadata.resourceVersion}`;
}

export type Step =
  /** Somebody else may be leading, for so long at least. */
  | { readonly kind: 'Wait'; readonly holder: string; readonly remainingMs: number }
  /** Free, expired, or ours already: to be written with this number of transitions. */
  | { readonly kind: 'Acquire'; readonly transitions: number };

/** What a candidate does next. `ownDurationMs` counts where a record names no duration. */
export function candidateStep(seen: Sighting, identity: string, ownDurationMs: number, nowMs: number): Step {
  const { holderIdentity: holder = '', leaseDurationSeconds, leaseTransitions = 0 } = seen.known?.spec ?? {};
  // Our own write arrived though its answer did not; identities are unique to a process.
  if (holder === identity && seen.lease !== undefined) return { kind: 'Acquire', transitions: leaseTransitions };
  const durationMs = leaseDurationSeconds === undefined ? ownDurationMs : leaseDurationSeconds * 1000;
  const remainingMs = seen.sinceMs + durationMs - nowMs;
  if (holder !== '' && holder !== identity && remainingMs > 0) return { kind: 'Wait', holder, remainingMs };
  return { kind: 'Acquire', transitions: leaseTransitions + 1 };
}
