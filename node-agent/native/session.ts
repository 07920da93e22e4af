// Keeps a session with the runtime: connect, Info, Watch; when it breaks, say so and begin again, for ever, with
// jittered backoff. A new connection may lead to another instance, so each session begins with Info.
//
//   connecting ──Info, first state──► up ──stream breaks──► down ──backoff──► connecting
import type { Logger } from 'pino';
import { Backoff, type Random } from '../../kube/backoff.ts';
import type { Clock } from '../../kube/clock.ts';
import { TransientError } from '../../kube/errors.ts';
import type { NativeClient } from './client.ts';
import type { ApplyResponse, DesiredState, InfoResponse, ObservedState, TraceRequest } from './gen/runtime.ts';

export interface SessionListener {
  /** A runtime answers; its first state follows. */
  readonly connected: (info: InfoResponse) => void;
  readonly observed: (state: ObservedState) => void;
  /** `message` says why, as the end of a sentence. */
  readonly lost: (message: string) => void;
}

export interface SessionOptions {
  readonly open: () => NativeClient;
  readonly listener: SessionListener;
  /** Between two states when nothing changes, ms; absent: 1,000. */
  readonly intervalMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: Random | undefined;
}

const backoffOptions = { initialMs: 100, maxMs: 3_000 } as const;

export class Session {
  readonly #options: SessionOptions;
  readonly #backoff: Backoff;
  readonly #ended = new AbortController();
  #client: NativeClient | undefined;
  #running: Promise<void> = Promise.resolve();
  // What was logged last, so that a state that lasts is told once.
  #lastLost = '';
  #lastProblems = '';

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(backoffOptions, options.random);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the connection; the runtime serves on. */
  async stop(): Promise<void> {
    this.#ended.abort(new TransientError('the agent stops', { code: 'Stopped' }));
    await this.#running;
  }

  /** @throws TransientError where no runtime is connected or it does not take the state */
  async apply(state: DesiredState): Promise<ApplyResponse> {
    if (this.#client === undefined) throw new TransientError('no runtime is connected', { code: 'UNAVAILABLE' });
    return this.#client.apply(state, this.#ended.signal);
  }

  /** @throws TransientError where no runtime is connected or it does not answer */
  trace(request: TraceRequest, signal: AbortSignal): AsyncIterable<Uint8Array> {
    if (this.#client === undefined) throw new TransientError('no runtime is connected', { code: 'UNAVAILABLE' });
    return this.#client.trace(request, AbortSignal.any([signal, this.#ended.signal]));
  }

  async #run(): Promise<void> {
    const { clock, log, listener } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        await this.#once();
      } catch (error) {
        if (signal.aborted) return;
        const message = error instanceof Error ? error.message : String(error);
        if (message !== this.#lastLost) log.warn({ err: error }, 'runtime connection lost');
        this.#lastLost = message;
        listener.lost(message);
        await clock.sleep(this.#backoff.next(), signal).catch(() => undefined);
      }
    }
  }

  async #once(): Promise<void> {
    const { signal } = this.#ended;
    const client = this.#options.open();
    try {
      const info = await client.info(signal);
      this.#report(info.problems);
      this.#client = client;
      this.#options.listener.connected(info.value);
      for await (const state of client.watch(this.#options.intervalMs ?? 1_000, signal)) {
        this.#backoff.reset();
        this.#lastLost = '';
        this.#report(state.problems);
        this.#options.listener.observed(state.value);
      }
    } finally {
      this.#client = undefined;
      client.close();
    }
  }

  /** A flaw that stays is told once, not with each state. */
  #report(problems: readonly string[]): void {
    const text = problems.join('; ');
    if (text !== '' && text !== this.#lastProblems) this.#options.log.warn({ problems }, 'runtime said what cannot be');
    this.#lastProblems = text;
  }
}
