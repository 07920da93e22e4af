/**
 * The operational endpoint of a process: /metrics, /healthz and /readyz, GET only, with tight limits.
 */
import type { Logger } from 'pino';
import type { MetricRegistry } from './metrics.ts';

/** Undefined: well. A text: what is wrong. Must return at once. */
export type Check = () => string | undefined;

export interface HttpServerOptions {
  /** Absent: 127.0.0.1. */
  readonly address?: string | undefined;
  /** 0: any free port. */
  readonly port: number;
  readonly metrics: MetricRegistry;
  /** Named checks behind /healthz: failing means restart me. */
  readonly health?: { readonly [name: string]: Check } | undefined;
  /** Named checks behind /readyz: failing means not now. */
  readonly readiness?: { readonly [name: string]: Check } | undefined;
  readonly log: Logger;
}

export class HttpServer {
  constructor(_options: HttpServerOptions) {}

  /** Resolves when it listens. @throws AppError (code ListenFailed) where the address is taken or not ours */
  start(): Promise<{ readonly address: string; readonly port: number }> {
    throw new Error('not yet');
  }

  stop(): Promise<void> {
    throw new Error('not yet');
  }
}
