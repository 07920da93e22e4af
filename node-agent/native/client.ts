// One connection to the runtime over its Unix socket: Info, Apply, Watch and Trace, each with a limit of time.
// A client is used for one session and then closed; when and how often to try again is the session's decision.
import { type CallOptions, type ChannelOptions, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type Clock, Deadline } from '../../kube/clock.ts';
import { AppError, TransientError } from '../../kube/errors.ts';
import {
  type ApplyResponse,
  type DesiredState,
  type InfoResponse,
  type ObservedState,
  RuntimeClient,
  type TraceChunk,
  type TraceRequest,
} from './gen/runtime.ts';
import { type Checked, checkInfo, checkState } from './validate.ts';

export interface NativeClientOptions {
  /** Absolute path of the runtime's Unix socket. */
  readonly socketPath: string;
  readonly clock: Clock;
  /** Limit of Info and Apply, ms; absent: 5,000. */
  readonly callTimeoutMs?: number | undefined;
  /** A Watch without a state for longer is taken for dead, ms; absent: 5,000. */
  readonly inactivityMs?: number | undefined;
}

const channelOptions: ChannelOptions = {
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  // A channel shared with an earlier client would also share its waiting time after a failure.
  'grpc.use_local_subchannel_pool': 1,
};

/** A trace that is not read holds memory of the runtime for so long. */
const traceLimitMs = 60_000;

export class NativeClient {
  readonly #client: RuntimeClient;
  readonly #clock: Clock;
  readonly #callTimeoutMs: number;
  readonly #inactivityMs: number;

  constructor(options: NativeClientOptions) {
    this.#client = new RuntimeClient(`unix:${options.socketPath}`, credentials.createInsecure(), channelOptions);
    this.#clock = options.clock;
    this.#callTimeoutMs = options.callTimeoutMs ?? 5_000;
    this.#inactivityMs = options.inactivityMs ?? 5_000;
  }

  /** @throws TransientError where the runtime does not answer, AppError code BadObservation where it names no instance */
  async info(signal: AbortSignal): Promise<Checked<InfoResponse>> {
    const answer = await this.#unary<InfoResponse>(signal, (options, done) =>
      this.#client.info({}, new Metadata(), options, done),
    );
    return checkInfo(answer);
  }

  /** Resolves once the runtime has taken the whole desired state over. */
  apply(state: DesiredState, signal: AbortSignal): Promise<ApplyResponse> {
    return this.#unary<ApplyResponse>(signal, (options, done) =>
      this.#client.apply(state, new Metadata(), options, done),
    );
  }

  /** States as they come, until the signal aborts or the stream breaks (then it throws). */
  async *watch(intervalMs: number, signal: AbortSignal): AsyncGenerator<Checked<ObservedState>> {
    using silence = new Deadline(this.#clock, this.#inactivityMs, () => this.#silent(), signal);
    const stream = this.#client.watch({ intervalMs });
    const cancel = (): void => stream.cancel();
    silence.signal.addEventListener('abort', cancel, { once: true });
    // Cancelling makes the stream report an error once more, when nobody iterates any longer.
    stream.on('error', () => undefined);
    try {
      if (silence.signal.aborted) throw silence.signal.reason;
      for await (const state of stream) {
        silence.restart(this.#inactivityMs);
        yield checkState(state as ObservedState);
      }
      throw new TransientError('the runtime ended the Watch', { code: 'WatchEnded' });
    } catch (error) {
      throw silence.signal.aborted ? silence.signal.reason : asAppError(error, 'Watch');
    } finally {
      silence.signal.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  /** The pieces of a trace, as fast as they are taken, for at most a minute. */
  async *trace(request: TraceRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    const stream = this.#client.trace(request, new Metadata(), { deadline: Date.now() + traceLimitMs });
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    // Cancelling makes the stream report an error once more, when nobody iterates any longer.
    stream.on('error', () => undefined);
    try {
      for await (const chunk of stream) yield (chunk as TraceChunk).text;
    } catch (error) {
      throw signal.aborted ? signal.reason : asAppError(error, 'Trace');
    } finally {
      signal.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #silent(): TransientError {
    return new TransientError(`the runtime sent nothing for ${this.#inactivityMs} ms`, { code: 'Timeout' });
  }

  #unary<T>(
    signal: AbortSignal,
    start: (options: Partial<CallOptions>, done: (error: ServiceError | null, answer: T) => void) => { cancel(): void },
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const call = start({ deadline: Date.now() + this.#callTimeoutMs }, (error, answer) => {
        signal.removeEventListener('abort', cancel);
        if (error === null) return resolve(answer);
        reject(signal.aborted ? signal.reason : asAppError(error, 'call'));
      });
      const cancel = (): void => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }
}

function asAppError(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
  const name = code === undefined ? 'Failed' : (status[code] ?? String(code));
  const details = error instanceof Error && 'details' in error ? String(error.details) : String(error);
  return new TransientError(details === '' ? `the ${what} failed (${name})` : details, { code: name, cause: error });
}
