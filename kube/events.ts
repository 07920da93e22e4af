/**
 * Kubernetes events (events.k8s.io/v1): what a person sees under `kubectl describe`. Never in the way: a bounded queue, one
 * write for repetitions, a bounded rate per object, and no failure that reaches the caller.
 */
import type { Logger } from 'pino';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { KubeObject, Stored } from './resource.ts';

export interface EventInput {
  /** The object that it is about. */
  readonly regarding: Stored<KubeObject>;
  readonly type: 'Normal' | 'Warning';
  /** Why, in UpperCamelCase, at most 128 characters: `Placed`. */
  readonly reason: string;
  /** What was done or tried, in UpperCamelCase: `Place`. */
  readonly action: string;
  /** One sentence for people; cut to 1,024 bytes. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Who reports, like `daris.dev/operator`. */
  readonly controller: string;
  /** Which process of it: the pod's or machine's name. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class EventRecorder {
  constructor(_options: EventRecorderOptions) {}

  /** Takes the event for sending; returns at once and never throws. */
  record(_event: EventInput): void {}

  start(): void {}

  /** Sends what is queued, for at most `timeoutMs` (absent: 5,000), then ends. */
  stop(_timeoutMs?: number): Promise<void> {
    throw new Error('not yet');
  }
}
