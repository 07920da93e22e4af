/**
 * Kubernetes events (events.k8s.io/v1): what a person sees under `kubectl describe`. Never in the way: a bounded queue, one
 * write for repetitions, a bounded rate per object, and no failure that reaches the caller.
 */
import type { Logger } from 'pino';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { ApiError, TransientError, retryAfterMs } from './errors.ts';
import { EventSeries, type EventInput, type Series } from './event-series.ts';
import { microTime } from './lease.ts';
import { defineResource, type KubeObject, type ObjectMeta, type Stored } from './resource.ts';
import { WorkQueue } from './work-queue.ts';

export type { EventInput } from './event-series.ts';

/** An events.k8s.io/v1 Event as JSON. */
export interface Event extends KubeObject {
  metadata?: ObjectMeta;
  eventTime: string;
  series?: { count: number; lastObservedTime: string };
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  regarding: {
    apiVersion: string;
    kind: string;
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
  };
  note: string;
  type: string;
}

export const events = defineResource<Event>({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
});

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Who reports, like `daris.dev/operator`. */
  readonly controller: string;
  /** Which process of it: the pod's or machine's name. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const mostPending = 1_000;
// Repetitions are written together, this long after the last write.
const seriesEveryMs = 10_000;
// News that could not be told for so long is none.
const staleMs = 120_000;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new EventSeries();
  // What is not yet written, by name, and the written state of what was.
  readonly #pending = new Map<string, Series>();
  readonly #stored = new WeakMap<Series, Stored<Event>>();
  readonly #queue: WorkQueue;
  readonly #stopping = new AbortController();
  #flushed: PromiseWithResolvers<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.clock, backoff: { initialMs: 500, maxMs: 10_000 } });
  }

  /** Takes the event for sending; returns at once and never throws. */
  record(event: EventInput): void {
    if (this.#flushed !== undefined) return;
    const series = this.#series.take(event, this.#options.clock.now());
    if (series === undefined || (this.#pending.size >= mostPending && !this.#pending.has(series.name))) {
      this.#options.log.debug({ reason: event.reason, note: event.note }, 'event not sent, there are too many');
      return;
    }
    this.#pending.set(series.name, series);
    if (this.#stored.has(series)) this.#queue.addAfter(series.name, seriesEveryMs);
    else this.#queue.add(series.name);
  }

  start(): void {
    if (this.#running !== undefined) throw new Error('the event recorder was started before');
    this.#running = this.#work();
  }

  /** Sends what is pending, for at most `timeoutMs` (absent: 5,000), then ends. */
  async stop(timeoutMs = 5_000): Promise<void> {
    this.#flushed ??= Promise.withResolvers();
    for (const name of this.#pending.keys()) this.#queue.add(name);
    if (this.#running === undefined || this.#pending.size === 0) this.#flushed.resolve();
    const timer = this.#options.clock.setTimer(timeoutMs, () => this.#flushed?.resolve());
    await this.#flushed.promise;
    timer.cancel();
    this.#stopping.abort(new TransientError('the event recorder stops', { code: 'Stopping' }));
    await this.#queue.shutdown();
    await this.#running;
  }

  async #work(): Promise<void> {
    for (let name = await this.#queue.take(); name !== undefined; name = await this.#queue.take()) {
      const series = this.#pending.get(name);
      if (series !== undefined) await this.#send(series);
      this.#queue.done(name);
    }
  }

  async #send(series: Series): Promise<void> {
    const { name, count } = series;
    try {
      this.#stored.set(series, await this.#write(series));
    } catch (err) {
      if (this.#stopping.signal.aborted) return;
      const old = this.#options.clock.now() - series.lastMs > staleMs;
      if (!isRefusal(err) && !old) return void this.#queue.addRateLimited(name, retryAfterMs(err));
      this.#options.log.warn({ err, reason: series.event.reason, note: series.event.note }, 'event dropped');
      return this.#settle(name);
    }
    if (series.count === count) this.#settle(name);
    else this.#queue.addAfter(name, this.#flushed === undefined ? seriesEveryMs : 0);
  }

  #settle(name: string): void {
    this.#queue.forget(name);
    this.#pending.delete(name);
    if (this.#pending.size === 0) this.#flushed?.resolve();
  }

  #write(series: Series): Promise<Stored<Event>> {
    const call = { signal: this.#stopping.signal };
    const stored = this.#stored.get(series);
    const repetitions = { count: series.count, lastObservedTime: microTime(series.lastMs) };
    if (stored !== undefined) {
      return this.#options.client.replace(events, { ...stored, series: repetitions }, call);
    }
    const event = this.#toEvent(series);
    // The server wants a series to have at least two.
    const whole = series.count > 1 ? { ...event, series: repetitions } : event;
    return this.#options.client.create(events, whole, call);
  }

  #toEvent({ name, event, firstMs }: Series): Event {
    const { regarding, type, reason, action, note } = event;
    const { namespace, uid, resourceVersion, name: regardingName } = regarding.metadata;
    const { apiVersion, kind } = regarding;
    return {
      metadata: { name, namespace: namespace ?? 'default' },
      eventTime: microTime(firstMs),
      reportingController: this.#options.controller,
      reportingInstance: this.#options.instance.slice(0, 128),
      type,
      reason,
      action,
      note: cut(note, 1024),
      regarding: { apiVersion, kind, name: regardingName, uid, resourceVersion, ...(namespace && { namespace }) },
    };
  }
}

// Not tried again: the namespace is gone, the event exists, its series was changed or removed by others, or it is malformed.
function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
}

// In bytes of UTF-8, without half a character at the end.
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  return encoded.length <= bytes
    ? text
    : encoded
        .subarray(0, bytes)
        .toString()
        .replace(/\uFFFD+$/, '');
}
