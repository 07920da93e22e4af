// Whether agents live, by when this process saw their Leases change. Clocks of other machines are never compared.
import type { Clock } from '../../../kube/clock.ts';
import type { Lease } from '../../../kube/lease.ts';
import type { Liveness } from '../../nodes.ts';

interface Observation {
  readonly renewTime: string | undefined;
  readonly sinceMs: number;
  /** When renewals were seen, of late. */
  readonly renewalsMs: readonly number[];
  /** It stood still for the whole time at one read: the next one decides. */
  readonly suspected: boolean;
  readonly lost: boolean;
}

/** Agents renew three times within the duration of a Lease. */
const renewalShare = 1 / 3;

export class LeaseWatch implements Liveness {
  readonly #clock: Clock;
  readonly #lostAfterMs: number;
  readonly #leases = new Map<string, Observation>();

  constructor(clock: Clock, lostAfterMs: number) {
    this.#clock = clock;
    this.#lostAfterMs = lostAfterMs;
  }

  /** Takes note of a Lease as it is now; true where that brings a lost node back. */
  observe(node: string, lease: Lease): boolean {
    const before = this.#leases.get(node);
    const renewTime = lease.spec?.renewTime;
    if (before !== undefined && before.renewTime === renewTime) return false;
    const sinceMs = this.#clock.monotonic();
    // The first sight of a Lease is no renewal.
    const renewalsMs =
      before === undefined ? [] : [...before.renewalsMs.filter((at) => sinceMs - at < this.#lostAfterMs), sinceMs];
    this.#leases.set(node, { renewTime, sinceMs, renewalsMs, suspected: false, lost: false });
    return before === undefined || before.lost;
  }

  forget(node: string): void {
    this.#leases.delete(node);
  }

  /** Nothing can be said of the node's renewals at present: its time starts anew. */
  excuse(node: string): void {
    const before = this.#leases.get(node);
    if (before === undefined) return;
    this.#leases.set(node, { ...before, sinceMs: this.#clock.monotonic(), suspected: false });
  }

  /**
   * Its time is up at a first read. The API server may have been away meanwhile, for the agent too, and be back just now:
   * the agent is given the time of one more renewal. False: it was given that already, or others renewed all the while.
   */
  suspect(node: string): boolean {
    const before = this.#leases.get(node);
    if (before === undefined || before.suspected || this.#othersRenew(node)) return false;
    const sinceMs = this.#clock.monotonic() - this.#lostAfterMs * (1 - renewalShare);
    this.#leases.set(node, { ...before, sinceMs, suspected: true });
    return true;
  }

  declareLost(node: string): void {
    const before = this.#leases.get(node);
    if (before !== undefined) this.#leases.set(node, { ...before, lost: true });
  }

  lost(node: string): string | undefined {
    const observed = this.#leases.get(node);
    if (observed === undefined) return 'its agent has no Lease';
    return observed.lost ? `its agent has not renewed its Lease for ${this.#lostAfterMs / 1000} s` : undefined;
  }

  /** Renewals of others in each of the last two thirds: the API server took them, so the agent's silence is its own. */
  #othersRenew(node: string): boolean {
    const now = this.#clock.monotonic();
    const thirdMs = this.#lostAfterMs * renewalShare;
    const others = [...this.#leases].filter(([name]) => name !== node);
    const agesMs = others.flatMap(([, { renewalsMs }]) => renewalsMs.map((at) => now - at));
    return agesMs.some((age) => age < thirdMs) && agesMs.some((age) => age >= thirdMs && age < 2 * thirdMs);
  }

  /** How long until the node's time is up, ms; 0 or less: it is up. Undefined: nothing to wait for. */
  remainingMs(node: string): number | undefined {
    const observed = this.#leases.get(node);
    if (observed === undefined || observed.lost) return undefined;
    return observed.sinceMs + this.#lostAfterMs - this.#clock.monotonic();
  }
}
