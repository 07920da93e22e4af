/**
 * A Lease that says "its holder lives": created or taken over, then renewed on a connection of its own, so that neither a
 * busy pool nor a slow answer makes a living node look dead.
 */
import type { Logger } from 'pino';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { defineResource, type KubeObject, type ObjectMeta, type ObjectRef } from './resource.ts';

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
  readonly clock: Clock;
  readonly log: Logger;
}

export class LeaseHolder {
  constructor(_options: LeaseHolderOptions) {}

  start(): void {}

  /** Ends renewal. With `release` it also gives the Lease up, so that nobody waits for it to expire. */
  stop(_options?: { readonly release?: boolean }): Promise<void> {
    throw new Error('not yet');
  }

  /** How long ago, ms, the last successful renewal was sent; Infinity before the first. */
  ageMs(): number {
    throw new Error('not yet');
  }

  /** The last renewal is younger than the Lease's duration. */
  get held(): boolean {
    throw new Error('not yet');
  }
}
