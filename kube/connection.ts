/**
 * The way to the API server: one set of credentials, a few sockets, a time limit on everything, and the retries that are
 * safe for every caller (asked to wait, token rotated, idle socket found dead).
 */
import { request as send, type Dispatcher } from 'undici';
import { parseJson, refusal } from './answer.ts';
import { Backoff, type Random } from './backoff.ts';
import { Deadline, SystemClock, type Clock } from './clock.ts';
import { CredentialSource, type CredentialOptions, type Credentials } from './credentials.ts';
import { ApiError, AppError, TerminalError, TransientError, isTooManyRequests, isUnauthorized } from './errors.ts';
import type { MetricRegistry } from './metrics.ts';
import { splitLines } from './lines.ts';
import { Transport, type Pool } from './transport.ts';

export type { Pool } from './transport.ts';

export interface ConnectOptions extends CredentialOptions {
  readonly userAgent: string;
  /** Limit of one call, retries included, ms; absent: 15,000. */
  readonly timeoutMs?: number | undefined;
  /** Sockets of the pool for calls; absent: 2. */
  readonly connections?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Counts requests by method and status. */
  readonly metrics?: MetricRegistry | undefined;
  /** Called right before anything but a GET is sent, retries included; what it throws becomes the call's error. */
  readonly beforeWrite?: (() => void) | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path on the server, without query. */
  readonly path: string;
  readonly query?: { readonly [name: string]: string | number | boolean | undefined } | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Absent: application/json. */
  readonly contentType?: string | undefined;
  /** Absent: 'calls' for `call`, 'watches' for `lines`. */
  readonly pool?: Pool | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One connection to one API server; safe to share by everything in the process. */
export interface Connection {
  /** The server's URL, and the namespace of the kubeconfig's context or of the pod. */
  readonly server: string;
  readonly namespace: string;
  /**
   * Sends one call and parses its JSON answer.
   * @throws ApiError for an answer that is a refusal; TransientError (code Timeout, ConnectionFailed, BadResponse);
   * the signal's reason when it aborts
   */
  call(request: ApiRequest): Promise<unknown>;
  /**
   * Sends a GET and yields the lines of its answer as they come; returns when the server ends it in order.
   * @throws like `call`, also when nothing came for `inactivityMs` or the last line was cut off
   */
  lines(request: Omit<ApiRequest, 'method' | 'body'>, limits: { readonly inactivityMs: number }): AsyncIterable<string>;
  /** Ends all connections; what is in flight fails. */
  close(): Promise<void>;
}

/** Reads the configuration; opens nothing until the first call. @throws TerminalError where it names no API server */
export function connect(options: ConnectOptions): Connection {
  return new HttpConnection(options);
}

const mostRetries = 5;

class HttpConnection implements Connection {
  readonly #credentials: CredentialSource;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #userAgent: string;
  readonly #timeoutMs: number;
  readonly #connections: number;
  readonly #closed = new AbortController();
  readonly #count: (method: string, status: string) => void;
  readonly #beforeWrite: () => void;
  #transport: Transport | undefined;

  constructor(options: ConnectOptions) {
    this.#clock = options.clock ?? new SystemClock();
    this.#random = options.random ?? Math.random;
    this.#credentials = new CredentialSource(options, this.#clock);
    this.#userAgent = options.userAgent;
    this.#timeoutMs = options.timeoutMs ?? 15_000;
    this.#connections = options.connections ?? 2;
    this.#count = requestCounter(options.metrics);
    this.#beforeWrite = options.beforeWrite ?? (() => undefined);
  }

  get server(): string {
    return this.#credentials.server;
  }

  get namespace(): string {
    return this.#credentials.namespace;
  }

  async call(request: ApiRequest): Promise<unknown> {
    const what = `${request.method} ${request.path}`;
    const timeoutMs = request.timeoutMs ?? this.#timeoutMs;
    const endMs = this.#clock.monotonic() + timeoutMs;
    const timeout = (): AppError => new TransientError(`${what}: no answer in ${timeoutMs} ms`, { code: 'Timeout' });
    using deadline = new Deadline(this.#clock, timeoutMs, timeout, request.signal, this.#closed.signal);
    const backoff = new Backoff({ initialMs: 200, maxMs: 5_000 }, this.#random);
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await this.#open(request, deadline.signal);
        if (response.statusCode >= 300) throw await this.#refused(what, response);
        return parseJson(what, await response.body.text());
      } catch (cause) {
        const error = failure(what, cause, deadline.signal);
        const waitMs = retryDelay(error, request.method, attempt, backoff);
        if (waitMs === undefined || this.#clock.monotonic() + waitMs >= endMs) throw error;
        if (waitMs > 0) await this.#clock.sleep(waitMs, deadline.signal);
      }
    }
  }

  async *lines(
    request: Omit<ApiRequest, 'method' | 'body'>,
    limits: { readonly inactivityMs: number },
  ): AsyncIterable<string> {
    const what = `GET ${request.path}`;
    const { inactivityMs } = limits;
    const silence = (): AppError => new TransientError(`${what}: silent for too long`, { code: 'Timeout' });
    using deadline = new Deadline(
      this.#clock,
      Math.min(inactivityMs, request.timeoutMs ?? this.#timeoutMs),
      silence,
      request.signal,
      this.#closed.signal,
    );
    const signal = deadline.signal;
    try {
      const response = await this.#open({ pool: 'watches', ...request, method: 'GET' }, signal);
      if (response.statusCode !== 200) throw await this.#refused(what, response);
      deadline.restart(inactivityMs);
      yield* splitLines(what, response.body, () => deadline.restart(inactivityMs));
    } catch (error) {
      throw failure(what, error, signal);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(new TerminalError('the connection is closed', { code: 'ConnectionClosed' }));
    await this.#transport?.destroy();
  }

  async #open(request: ApiRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#credentials.current();
    if (request.method !== 'GET') this.#beforeWrite();
    const response = await send(urlOf(credentials.server, request), {
      dispatcher: this.#transportFor(credentials).pool(request.pool ?? 'calls'),
      method: request.method,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': this.#userAgent,
        ...credentials.headers,
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
    });
    this.#count(request.method, String(response.statusCode));
    return response;
  }

  #transportFor(credentials: Credentials): Transport {
    if (this.#transport?.fingerprint === credentials.fingerprint) return this.#transport;
    const old = this.#transport;
    this.#transport = new Transport(credentials, this.#connections);
    // Watches on old sockets run on to their end; nobody waits for that, and a failure to close harms nobody.
    old?.close().catch(() => undefined);
    return this.#transport;
  }

  async #refused(what: string, response: Dispatcher.ResponseData): Promise<AppError> {
    const { statusCode, headers, body } = response;
    const error = refusal(what, { status: statusCode, headers, text: await body.text() });
    if (isUnauthorized(error)) this.#credentials.reject();
    return error;
  }
}

function urlOf(server: string, { path, query = {} }: Pick<ApiRequest, 'path' | 'query'>): string {
  const given: [string, string][] = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? server + path : `${server}${path}?${new URLSearchParams(given).toString()}`;
}

// What the caller sees: its own abort reason, an error of ours, or the socket's trouble.
function failure(what: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof AppError) return error;
  return new TransientError(`${what}: ${String(error)}`, {
    code: 'ConnectionFailed',
    cause: error,
  });
}

/** How long to wait before trying again, ms; undefined where a retry is not safe, or is the caller's to decide. */
function retryDelay(error: unknown, method: string, attempt: number, backoff: Backoff): number | undefined {
  if (attempt >= mostRetries) return undefined;
  if (isUnauthorized(error)) return attempt === 0 ? 0 : undefined;
  // The server has done nothing yet in both cases, so that writes may be repeated too.
  const asked = error instanceof ApiError && error.status === 503 && error.retryAfterMs !== undefined;
  if (isTooManyRequests(error) || asked) return backoff.next(error.retryAfterMs);
  // A kept-alive socket that the server has closed meanwhile; only reads may be repeated blindly.
  const broken = error instanceof TransientError && error.code === 'ConnectionFailed';
  return broken && method === 'GET' && attempt < 2 ? backoff.next() : undefined;
}

function requestCounter(metrics: MetricRegistry | undefined): (method: string, status: string) => void {
  const counter = metrics?.counter({
    name: 'kube_client_requests_total',
    help: 'Requests sent to the API server, watches included, by method and HTTP status.',
    labels: ['method', 'status'],
  });
  return (method, status) => counter?.add(1, { method, status });
}
