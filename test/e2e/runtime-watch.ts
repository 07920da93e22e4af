// A second watcher beside the agent on the runtime's socket: exact counters with the runtime's own clock, also while
// no agent lives. It only reads.
import { credentials, type ClientReadableStream } from '@grpc/grpc-js';

import { RuntimeClient, type ObservedState } from '../../node-agent/native/gen/runtime.ts';
import { waitFor } from '../control-plane/wait.ts';

const intervalMs = 200;
const reconnectMs = 200;
/** A runtime that is started anew is to be seen soon, however long it was away. */
const backoff = { 'grpc.initial_reconnect_backoff_ms': reconnectMs, 'grpc.max_reconnect_backoff_ms': reconnectMs };

export class RuntimeWatch {
  private readonly client: RuntimeClient;
  private readonly observed: (state: ObservedState) => void;
  private stream: ClientReadableStream<ObservedState> | undefined;
  private reconnect: NodeJS.Timeout | undefined;
  private state: ObservedState | undefined;
  private stopped = false;

  /** `observed` is called with each state. */
  constructor(socket: string, observed: (state: ObservedState) => void) {
    this.observed = observed;
    this.client = new RuntimeClient(`unix:${socket}`, credentials.createInsecure(), backoff);
  }

  start(): void {
    this.stream = this.client.watch({ intervalMs });
    this.stream.on('data', (state: ObservedState) => {
      this.state = state;
      this.observed(state);
    });
    this.stream.on('error', () => this.startLater());
    this.stream.on('end', () => this.startLater());
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.reconnect);
    this.stream?.cancel();
    this.client.close();
  }

  /** The newest state, however old it is. */
  get latest(): ObservedState | undefined {
    return this.state;
  }

  /** The first state that is newer than this call. */
  async fresh(signal?: AbortSignal): Promise<ObservedState> {
    const seen = this.state;
    return this.until((state) => state !== seen, { what: 'a new state of the runtime', timeoutMs: 10_000, signal });
  }

  /** The first state for which `condition` holds. */
  until(
    condition: (state: ObservedState) => boolean,
    options: { what: string; timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<ObservedState> {
    const probe = (): ObservedState | undefined =>
      this.state !== undefined && condition(this.state) ? this.state : undefined;
    return waitFor(probe, { ...options, intervalMs: intervalMs / 2 });
  }

  /** Two states that are at least `seconds` apart by the runtime's clock. */
  async span(seconds: number, signal?: AbortSignal): Promise<[before: ObservedState, after: ObservedState]> {
    const before = await this.fresh(signal);
    const after = await this.until((state) => state.timeUs - before.timeUs >= seconds * 1e6, {
      what: `${seconds} s of the runtime's figures`,
      timeoutMs: seconds * 1000 + 15_000,
      signal,
    });
    return [before, after];
  }

  /** Called for `error` and `end`, which may both come. */
  private startLater(): void {
    clearTimeout(this.reconnect);
    if (!this.stopped) this.reconnect = setTimeout(() => this.start(), reconnectMs);
  }
}
