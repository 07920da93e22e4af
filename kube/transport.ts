/**
 * The sockets: three undici pools for one set of credentials, replaced as a whole when server or TLS material change.
 */
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import type { Credentials } from './credentials.ts';
import { TerminalError } from './errors.ts';

/** 'calls' is bounded by the connection's `connections`; 'watches' has one socket per watch; 'leases' has one. */
export type Pool = 'calls' | 'watches' | 'leases';

export class Transport {
  readonly fingerprint: string;
  readonly #pools: Readonly<Record<Pool, Dispatcher>>;

  /** @throws TerminalError for a proxy that is not spoken here */
  constructor(credentials: Credentials, connections: number) {
    this.fingerprint = credentials.fingerprint;
    this.#pools = {
      calls: dispatcher(credentials, connections),
      watches: dispatcher(credentials, undefined),
      leases: dispatcher(credentials, 1),
    };
  }

  pool(pool: Pool): Dispatcher {
    return this.#pools[pool];
  }

  /** Lets what is in flight end in order; no new request may come. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.close()));
  }

  /** Breaks what is in flight. */
  async destroy(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.destroy()));
  }
}

function dispatcher({ tls, proxyUrl }: Credentials, connections: number | undefined): Dispatcher {
  const options = {
    // Timeouts are ours, by the injected clock.
    headersTimeout: 0,
    bodyTimeout: 0,
    // The server keeps idle connections for minutes; a new TLS handshake costs more than the call.
    keepAliveTimeout: 60_000,
    pipelining: 1,
    allowH2: false,
    ...(connections === undefined ? {} : { connections }),
  };
  if (proxyUrl === undefined) return new Agent({ ...options, connect: { ...tls, keepAliveInitialDelay: 30_000 } });
  if (/^https?:/.test(proxyUrl)) return new ProxyAgent({ ...options, uri: proxyUrl, requestTls: tls });
  throw new TerminalError(`proxy ${proxyUrl} is not supported: use an http:// or https:// proxy-url`, {
    code: 'UnsupportedProxy',
  });
}
