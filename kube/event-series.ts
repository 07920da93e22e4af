/**
 * Which events are worth a write: repetitions of one event become a series, and each object has a bounded rate of new ones.
 * Pure bookkeeping; the recorder sends.
 */
import { createHash, randomBytes } from 'node:crypto';
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

/** One event and its repetitions. */
export interface Series {
  /** Of the Event object. */
  readonly name: string;
  readonly event: EventInput;
  /** Wall times, ms. */
  readonly firstMs: number;
  lastMs: number;
  count: number;
}

interface Budget {
  tokens: number;
  atMs: number;
}

const mostSeries = 1_000;
/** An event that comes back after this long is a new one. */
const seriesGapMs = 6 * 60_000;
/** New events of one object: this many at once… */
const burst = 25;
/** …and then one each: people read them, and the API server pays 4 ms for each. */
const refillMs = 30_000;

export class EventSeries {
  readonly #series = new Map<string, Series>();
  readonly #budgets = new Map<string, Budget>();

  /** The series that the event belongs to, counted; undefined where the object is over its rate. */
  take(event: EventInput, nowMs: number): Series | undefined {
    const key = fingerprint(event);
    const known = this.#series.get(key);
    this.#series.delete(key);
    if (known !== undefined && nowMs - known.lastMs < seriesGapMs) {
      known.count++;
      known.lastMs = nowMs;
      this.#series.set(key, known);
      return known;
    }
    if (!this.#spend(event.regarding.metadata.uid, nowMs)) return undefined;
    const name = `${event.regarding.metadata.name.slice(0, 200)}.${randomBytes(8).toString('hex')}`;
    const series = { name, event, firstMs: nowMs, lastMs: nowMs, count: 1 };
    this.#series.set(key, series);
    dropOldest(this.#series);
    return series;
  }

  #spend(uid: string, nowMs: number): boolean {
    const { tokens, atMs } = this.#budgets.get(uid) ?? { tokens: burst, atMs: nowMs };
    const available = Math.min(burst, tokens + Math.max(0, nowMs - atMs) / refillMs);
    const spent = available >= 1;
    this.#budgets.delete(uid);
    this.#budgets.set(uid, { tokens: spent ? available - 1 : available, atMs: nowMs });
    dropOldest(this.#budgets);
    return spent;
  }
}

// Maps keep the order of insertion, and both are re-inserted on use.
function dropOldest<V>(map: Map<string, V>): void {
  if (map.size <= mostSeries) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

function fingerprint({ regarding, type, reason, action, note }: EventInput): string {
  const parts = JSON.stringify([regarding.metadata.uid, type, reason, action, note]);
  return createHash('sha256').update(parts).digest('base64');
}
