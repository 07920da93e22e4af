/**
 * The operational endpoint of a process: /metrics, /healthz and /readyz, GET only, with tight limits.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { AppError } from './errors.ts';
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
  /** What the process is at present, in a word: /readyz ends with it. Must return at once. */
  readonly role?: (() => string) | undefined;
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
    const { status, type, body } = this.#route(request.method ?? '', (request.url ?? '').split('?')[0] ?? '');
    response.writeHead(status, { 'content-type': type, ...(status === 405 && { allow: 'GET' }) }).end(body);
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
        return plain(404, 'there are /metrics, /healthz and /readyz\n');
    }
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
