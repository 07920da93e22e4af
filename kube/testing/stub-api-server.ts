/**
 * An HTTP server on a loopback port whose answers a test scripts, down to broken connections. For what the real API server
 * does only when it is in trouble.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request; what it throws becomes a 500. */
export type StubHandler = (request: StubRequest, response: ServerResponse) => void;

export class StubApiServer implements AsyncDisposable {
  /** Every request so far, in order. */
  readonly requests: StubRequest[] = [];
  readonly kubeconfigPath: string;
  readonly #dir: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  /** Sockets ever accepted. */
  connections = 0;

  private constructor(server: Server, sockets: Set<Socket>, dir: string) {
    this.#server = server;
    this.#sockets = sockets;
    this.#dir = dir;
    this.kubeconfigPath = join(dir, 'kubeconfig');
  }

  /** `user` is the kubeconfig's; `files` lie beside it. */
  static async start(
    handler: StubHandler,
    user: object = { token: 'test' },
    files: { readonly [name: string]: string } = {},
  ): Promise<StubApiServer> {
    const server = createServer();
    const sockets = new Set<Socket>();
    const stub = new StubApiServer(server, sockets, mkdtempSync(join(tmpdir(), 'stub-api-server-')));
    server.on('connection', (socket) => stub.#accepted(socket));
    server.on('request', (request, response) => void stub.#serve(handler, request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (const [name, text] of Object.entries(files)) stub.writeFile(name, text);
    stub.#writeKubeconfig(user);
    return stub;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** A kubeconfig as JSON, which is YAML. client-node talks plain HTTP only where TLS checks are off. */
  #writeKubeconfig(user: object): void {
    const cluster = { server: this.url, 'insecure-skip-tls-verify': true };
    const config = {
      clusters: [{ name: 'stub', cluster }],
      users: [{ name: 'me', user }],
      contexts: [{ name: 'here', context: { cluster: 'stub', user: 'me', namespace: 'lab' } }],
      'current-context': 'here',
    };
    writeFileSync(this.kubeconfigPath, JSON.stringify(config));
  }

  writeFile(name: string, text: string): void {
    writeFileSync(join(this.#dir, name), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #accepted(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #serve(handler: StubHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const url = new URL(request.url ?? '', this.url);
    const { method = '', headers } = request;
    const seen = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: Buffer.concat(chunks).toString(),
    };
    this.requests.push(seen);
    try {
      handler(seen, response);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  }
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Answers with a Status object, as the API server refuses. */
export function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  json(response, code, { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message: reason }, headers);
}

/** Writes one event of a watch, opening the answer with the first. */
export function sendEvent(response: ServerResponse, type: string, object: unknown): void {
  openWatch(response).write(`${JSON.stringify({ type, object })}\n`);
}

/** Sends the head of a watch's answer, as the API server does before there is anything to tell. */
export function openWatch(response: ServerResponse): ServerResponse {
  if (!response.headersSent) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
  }
  return response;
}
