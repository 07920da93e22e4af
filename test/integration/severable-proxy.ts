// A TCP proxy on a loopback port that can be cut and mended: an API server that is out of reach for one client only.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

import { joinSockets } from './joined-sockets.ts';

export class SeverableProxy {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #severed = false;

  /** `target`: the URL of the server behind it. */
  constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Resolves to the URL under which the target is reached through the proxy. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    return `https://127.0.0.1:${address.port}`;
  }

  /** Breaks all connections and refuses new ones. */
  sever(): void {
    this.#severed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#severed = false;
  }

  async stop(): Promise<void> {
    this.sever();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(inner: Socket): void {
    if (this.#severed) {
      inner.destroy();
      return;
    }
    const outer = connect(Number(this.#target.port), this.#target.hostname);
    joinSockets(inner, outer, this.#sockets);
  }
}
