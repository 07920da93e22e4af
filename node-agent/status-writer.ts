// Writes status where plan.ts says that it is due: one write at a time, transitions first, a backoff for each object
// that fails. Woken by whatever may change a statement; each pass computes all of them anew.
import type { Logger } from 'pino';
import { Backoff, type Random } from '../kube/backoff.ts';
import type { Clock, Timer } from '../kube/clock.ts';
import { ApiError } from '../kube/errors.ts';
import { planWrites } from './plan.ts';
import type { Item } from './subject.ts';

export interface StatusWriterOptions {
  readonly items: () => Item[];
  /** Told after each write. */
  readonly wrote: (kind: string, result: 'ok' | 'failed') => void;
  /** Told after each pass, with the seconds it took. */
  readonly passed: (seconds: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: Random | undefined;
}

/** States and watch events come in bursts; a pass looks at all of them. */
const settleMs = 30;
const backoffOptions = { initialMs: 500, maxMs: 60_000 } as const;
const unreachableOptions = { initialMs: 200, maxMs: 5_000 } as const;

interface History {
  readonly writtenMs: number;
  readonly backoff: Backoff;
  readonly notBeforeMs: number | undefined;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #histories = new Map<string, History>();
  readonly #ended = new AbortController();
  /** Of the server as a whole: while it does not answer, no object is to blame. */
  readonly #unreachable: Backoff;
  #resumeMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #pass: Promise<void> | undefined;
  #passStartedMs: number | undefined;
  #figuresWrittenMs = Number.NEGATIVE_INFINITY;
  #woken = false;
  #started = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#unreachable = new Backoff(unreachableOptions, options.random);
  }

  /** Before it, wakes are kept back: statements need complete caches. */
  start(): void {
    this.#started = true;
    this.wake();
  }

  /** Some statement may have changed. */
  wake(): void {
    if (this.#pass !== undefined) this.#woken = true;
    else this.#lookAt(this.#options.clock.monotonic() + settleMs);
  }

  /** Ends the write under way at once: nothing is written after it resolves. */
  async stop(): Promise<void> {
    this.#ended.abort(new Error('the agent stops'));
    this.#timer?.cancel();
    await this.#pass;
  }

  /** How long the present pass has been going, ms; 0 between passes. */
  passAgeMs(): number {
    return this.#passStartedMs === undefined ? 0 : this.#options.clock.monotonic() - this.#passStartedMs;
  }

  /** Looks then, or earlier where that was already due. */
  #lookAt(dueMs: number): void {
    if (!this.#started || this.#ended.signal.aborted || dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#options.clock.setTimer(dueMs - this.#options.clock.monotonic(), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.#begin();
    });
  }

  #begin(): void {
    const { clock, log, passed } = this.#options;
    const startedMs = clock.monotonic();
    this.#passStartedMs = startedMs;
    this.#pass = this.#run()
      .catch((error: unknown) => log.error({ err: error }, 'status pass failed'))
      .finally(() => {
        this.#pass = undefined;
        this.#passStartedMs = undefined;
        passed((clock.monotonic() - startedMs) / 1000);
        if (!this.#woken) return;
        this.#woken = false;
        this.wake();
      });
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonic() < this.#resumeMs) return this.#lookAt(this.#resumeMs);
    const items = new Map(this.#options.items().map((item) => [item.id, item]));
    this.#forgetAllBut(items);
    const plan = planWrites(
      [...items.values()].map((item) => this.#candidate(item)),
      this.#figuresWrittenMs,
      clock.monotonic(),
    );
    for (const id of plan.due) {
      const item = items.get(id);
      if (item === undefined || this.#ended.signal.aborted) break;
      const reachable = await this.#write(item);
      if (!reachable) break;
    }
    if (plan.due.length > 0) this.#lookAt(clock.monotonic() + settleMs);
    if (plan.nextMs !== undefined) this.#lookAt(plan.nextMs);
  }

  #candidate(item: Item): Parameters<typeof planWrites>[0][number] {
    const history = this.#histories.get(item.uid);
    return {
      id: item.id,
      change: item.change,
      writtenMs: history?.writtenMs ?? Number.NEGATIVE_INFINITY,
      notBeforeMs: history?.notBeforeMs,
    };
  }

  /** False where no answer came at all: then the others need not be tried now either. */
  async #write(item: Item): Promise<boolean> {
    const { clock, log, wrote } = this.#options;
    const writtenMs = clock.monotonic();
    if (item.change === 'figures') this.#figuresWrittenMs = writtenMs;
    try {
      await item.write(this.#ended.signal);
    } catch (error) {
      if (this.#ended.signal.aborted) return false;
      wrote(item.kind, 'failed');
      const answered = error instanceof ApiError;
      const retryMs = answered ? this.#putOff(item) : this.#unreachable.next();
      if (!answered) this.#resumeMs = clock.monotonic() + retryMs;
      log.warn({ err: error, object: item.id, retryMs }, 'status write failed');
      return answered;
    }
    wrote(item.kind, 'ok');
    this.#unreachable.reset();
    this.#histories.set(item.uid, { writtenMs, backoff: this.#backoffOf(item), notBeforeMs: undefined });
    this.#backoffOf(item).reset();
    return true;
  }

  #putOff(item: Item): number {
    const backoff = this.#backoffOf(item);
    const retryMs = backoff.next();
    const writtenMs = this.#histories.get(item.uid)?.writtenMs ?? Number.NEGATIVE_INFINITY;
    this.#histories.set(item.uid, { writtenMs, backoff, notBeforeMs: this.#options.clock.monotonic() + retryMs });
    return retryMs;
  }

  #backoffOf(item: Item): Backoff {
    return this.#histories.get(item.uid)?.backoff ?? new Backoff(backoffOptions, this.#options.random);
  }

  #forgetAllBut(items: ReadonlyMap<string, Item>): void {
    const uids = new Set([...items.values()].map((item) => item.uid));
    for (const uid of this.#histories.keys()) if (!uids.has(uid)) this.#histories.delete(uid);
  }
}
