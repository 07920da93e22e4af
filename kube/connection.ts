/**
 * The way to the API server: client-node reads kubeconfig and credentials, undici carries the calls over three small
 * connection pools, so that a busy pool delays neither the watches nor the renewal of a lease.
 */
import type { Clock } from './clock.ts';
import type { Random } from './backoff.ts';

/** 'calls' are bounded by `connections`; 'watches' get one connection each; 'leases' have one of their own. */
export type Pool = 'calls' | 'watches' | 'leases';

export interface ConnectOptions {
  /** Absent: $KUBECONFIG, then ~/.kube/config, then the pod's service account. */
  readonly kubeconfigPath?: string | undefined;
  /** Use the pod's service account, and nothing else. */
  readonly inCluster?: boolean | undefined;
  readonly userAgent: string;
  /** Limit of one call, ms; absent: 15,000. */
  readonly timeoutMs?: number | undefined;
  /** Connections of the pool for calls; absent: 2. */
  readonly connections?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path on the server, without query. */
  readonly path: string;
  readonly query?: { readonly [name: string]: string | number | boolean | undefined } | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Absent: application/json. */
  readonly contentType?: string | undefined;
  readonly pool?: Pool | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One connection to one API server; safe to share by everything in the process. */
export interface Connection {
  /** The server's URL and the namespace of the kubeconfig's context or of the pod. */
  readonly server: string;
  readonly namespace: string;
  /**
   * Sends one call and parses its JSON answer. 429 and 503 with Retry-After are retried within the timeout.
   * @throws ApiError for an answer that is a refusal; TransientError (code Timeout, ConnectionFailed, BadResponse)
   */
  call(request: Request): Promise<unknown>;
  /** Opens a watch and yields its complete lines; ends when the server closes it in order. */
  lines(request: Request, options: { readonly inactivityMs: number }): AsyncIterable<string>;
  /** Ends all connections; calls in flight are aborted. */
  close(): Promise<void>;
}

/** Reads the configuration; opens nothing until the first call. @throws TerminalError where it names no cluster */
export function connect(_options: ConnectOptions): Connection {
  throw new Error('not yet');
}
