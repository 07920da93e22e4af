/**
 * The operational endpoint of a process: /metrics, /healthz and /readyz, and what the process has to hand out on its own
 * host; GET only, with tight limits.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError, TerminalError, TransientError } from './errors.ts';
import type { MetricRegistry } from './metrics.ts';

/** Undefined: well. A text: what is wrong. Must return at once. */
export type Check = () => string | undefined;

export interface Download {
  readonly type: string;
  /** Nothing was sent before its first piece, so that what fails until then is answered as an error. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The signal aborts when the caller goes away. A TerminalError is the caller's fault, a TransientError passes. */
export type Downloader = (query: URLSearchParams, signal: AbortSignal) => Download;

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
  /** What the process is at present, in a word: /readyz ends with it. Must return at once. */
  readonly role?: (() => string) | undefined;
  /** By path; answered to callers on this host alone, since they may say more than everyone in the cluster should see. */
  readonly downloads?: { readonly [path: string]: Downloader } | undefined;
  readonly log: Logger;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #stopping = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const limits = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 30_000, maxHeaderSize: 8_192 };
    this.#server = createServer(limits, (request, response) => this.#answer(request, response));
    this.#server.maxConnections = 64;
    this.#server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  /** Resolves when it listens. @throws AppError (code ListenFailed) where the address is taken or not ours */
  async start(): Promise<{ readonly address: string; readonly port: number }> {
    const { address = '127.0.0.1', port } = this.#options;
    this.#server.listen(port, address);
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      throw new AppError(`cannot listen on ${address} port ${port}`, { code: 'ListenFailed', cause });
    }
    const bound = this.#server.address();
    return { address, port: typeof bound === 'object' && bound !== null ? bound.port : port };
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#stopping = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  // The server's own list of connections misses one that is accepted while it closes, and would wait for it for ever.
  #accept(socket: Socket): void {
    if (this.#stopping) return void socket.destroy();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const download = this.#options.downloads?.[path];
    if (download !== undefined && request.method === 'GET') {
      if (!isLoopback(request.socket.remoteAddress)) return reply(response, elsewhere);
      void this.#send(download, new URLSearchParams(query), response);
      return;
    }
    reply(response, this.#route(request.method ?? '', path));
  }

  async #send(download: Downloader, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort(new TransientError('the caller went away', { code: 'Gone' })));
    try {
      const { type, body } = download(query, gone.signal);
      const pieces = body[Symbol.asyncIterator]();
      const first = await pieces.next();
      response.writeHead(200, { 'content-type': type });
      await pipeline(Readable.from(rest(first, pieces)), response);
    } catch (err) {
      if (gone.signal.aborted || response.headersSent) response.destroy();
      else reply(response, refusal(err));
      if (!gone.signal.aborted) this.#options.log.warn({ err }, 'download failed');
    }
  }

  #route(method: string, path: string): Reply {
    if (method !== 'GET') return plain(405, 'only GET is answered here\n');
    switch (path) {
      case '/metrics':
        return this.#metrics();
      case '/healthz':
        return report(this.#options.health ?? {});
      case '/readyz':
        return report(this.#options.readiness ?? {}, this.#options.role);
      default:
        return plain(404, `there are ${['/metrics', '/healthz', '/readyz', ...this.#downloads()].join(', ')}\n`);
    }
  }

  #downloads(): string[] {
    return Object.keys(this.#options.downloads ?? {});
  }

  #metrics(): Reply {
    try {
      const body = this.#options.metrics.expose();
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body };
    } catch (err) {
      this.#options.log.error({ err }, 'metrics could not be collected');
      return plain(500, 'metrics could not be collected\n');
    }
  }
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function plain(status: number, body: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body };
}

const elsewhere = plain(403, 'this is for callers on this host; kubectl port-forward makes you one\n');

function reply(response: ServerResponse, { status, type, body }: Reply): void {
  response.writeHead(status, { 'content-type': type, ...(status === 405 && { allow: 'GET' }) }).end(body);
}

function refusal(error: unknown): Reply {
  if (error instanceof TerminalError) return plain(400, `${error.message}\n`);
  if (error instanceof TransientError) return plain(503, `${error.message}\n`);
  return plain(500, 'this could not be read\n');
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address);
}

async function* rest(
  first: IteratorResult<Uint8Array>,
  pieces: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  try {
    for (let next = first; next.done !== true; next = await pieces.next()) yield next.value;
  } finally {
    await pieces.return?.();
  }
}

/** One line a check, as the API server's own endpoints write it. */
function report(checks: { readonly [name: string]: Check }, role?: () => string): Reply {
  const results = Object.entries(checks).map(([name, check]) => ({ name, problem: run(check) }));
  const lines = results.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  );
  const failed = results.some(({ problem }) => problem !== undefined);
  const verdict = failed ? 'failed' : 'ok';
  return plain(failed ? 503 : 200, [...lines, role === undefined ? verdict : `${verdict}: ${role()}`, ''].join('\n'));
}

function run(check: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return `the check itself failed: ${String(error)}`;
  }
}
