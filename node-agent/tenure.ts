// Which of several agents of one node acts: the holder of the node's Lease. An agent that was started twice, or whose node's
// name another machine bears, waits without a word to the runtime and without a write until the other has ended.
//
//   waiting ──Lease taken──► acting ──another has the Lease──► waiting
//
// An agent that cannot reach the API server goes on acting, since jobs need no API server, until it sees another holder.
import type { Logger } from 'pino';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { LeaseHolder } from '../kube/lease.ts';
import { LifeSign } from './life-sign.ts';

export const leaseTiming = { durationMs: 10_000, renewEveryMs: 3_000 } as const;

export interface TenureOptions {
  readonly client: KubeClient;
  readonly node: string;
  readonly systemNamespace: string;
  readonly runtimeSocket: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told when it begins or ceases to act, and when it is certain again that it does. */
  readonly turned: () => void;
}

export class Tenure {
  readonly #options: TenureOptions;
  readonly #lifeSign: LifeSign;
  readonly #lease: LeaseHolder;
  #everHeld = false;

  constructor(options: TenureOptions) {
    const { client, node, systemNamespace, runtimeSocket, clock, log } = options;
    this.#options = options;
    this.#lifeSign = new LifeSign(runtimeSocket, log);
    this.#lease = new LeaseHolder({
      client,
      lease: { namespace: systemNamespace, name: node },
      holder: this.#lifeSign.holder,
      ...leaseTiming,
      ended: (holder) => this.#lifeSign.ended(holder),
      turned: () => this.#turned(),
      clock,
      log,
    });
  }

  /** This agent, as the Lease names it. */
  get holder(): string {
    return this.#lifeSign.holder;
  }

  /** The agent that acts in its place. */
  get rival(): string | undefined {
    return this.#lease.rival;
  }

  /** It took the Lease, and has seen no other holder since. */
  get acting(): boolean {
    return this.#everHeld && this.rival === undefined;
  }

  /** It acts, and its Lease is not over: no other may act. */
  get certain(): boolean {
    return this.acting && this.#lease.held;
  }

  /** How long the node's Lease has not been renewed, as far as is known here, ms. */
  leaseAgeMs(): number {
    return this.rival === undefined ? this.#lease.ageMs() : 0;
  }

  /** Undefined: it acts. */
  problem(): string | undefined {
    const { node, systemNamespace } = this.#options;
    const lease = `Lease ${systemNamespace}/${node}`;
    if (this.rival !== undefined) return `another agent of this node, ${this.rival}, holds ${lease}; this one waits`;
    return this.#everHeld ? undefined : `${lease} was not taken yet`;
  }

  async start(): Promise<void> {
    await this.#lifeSign.show();
    this.#lease.start();
  }

  /** Frees the Lease for the next agent; the time of its last renewal stays, so that the node is not taken for lost. */
  async stop(): Promise<void> {
    await this.#lease.stop({ release: true });
    await this.#lifeSign.hide();
  }

  #turned(): void {
    if (this.#lease.held && !this.#everHeld) void this.#lifeSign.sweep();
    this.#everHeld ||= this.#lease.held;
    this.#options.turned();
  }
}
