// Tells agents of one runtime whether another of them still lives: each listens on a Unix socket of its own beside the
// runtime's. The kernel ends the listening with the process, however that ends, and leaves the file: a file that refuses
// connections proves an end, and a name is never used twice. No file proves nothing: that agent may drive another runtime.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { basename, dirname } from 'node:path';
import type { Logger } from 'pino';

export class LifeSign {
  /** Names this process among all agents, to people as well: HOST_8 hexadecimal digits. */
  readonly holder: string;
  readonly #path: string;
  readonly #runtimeSocket: string;
  readonly #log: Logger;
  readonly #server: Server = createServer((socket) => socket.destroy());

  /** `runtimeSocket`: the path of the socket that the runtime listens on. */
  constructor(runtimeSocket: string, log: Logger) {
    const id = randomBytes(4).toString('hex');
    this.holder = `${hostname()}_${id}`;
    this.#path = pathOf(runtimeSocket, id);
    this.#runtimeSocket = runtimeSocket;
    this.#log = log;
  }

  /** Where it cannot listen, the agent goes on all the same: its successor waits for the Lease to expire. */
  async show(): Promise<void> {
    const path = this.#path;
    try {
      this.#server.listen(path);
      await once(this.#server, 'listening');
      this.#server.unref();
    } catch (err) {
      this.#log.warn(
        { err, path },
        'no socket beside that of the runtime: after a crash its Lease has to expire first',
      );
    }
  }

  /** True: that agent drove the same runtime, and has ended. */
  async ended(holder: string): Promise<boolean> {
    const [, id] = /_([0-9a-f]{8})$/.exec(holder) ?? [];
    return id !== undefined && (await refuses(pathOf(this.#runtimeSocket, id)));
  }

  /** Removes what agents left behind that have ended. */
  async sweep(): Promise<void> {
    const folder = dirname(this.#runtimeSocket);
    const prefix = pathOf(basename(this.#runtimeSocket), '');
    try {
      const files = (await readdir(folder)).filter((file) => file.startsWith(prefix));
      for (const file of files) if (await refuses(`${folder}/${file}`)) await unlink(`${folder}/${file}`);
    } catch (err) {
      this.#log.debug({ err, folder }, 'what former agents left was not removed');
    }
  }

  async hide(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function pathOf(runtimeSocket: string, id: string): string {
  return `${runtimeSocket}.agent-${id}`;
}

/** There is such a socket, and nobody listens on it. */
function refuses(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (refused: boolean): void => {
      socket.destroy();
      resolve(refused);
    };
    socket.once('connect', () => answer(false));
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code === 'ECONNREFUSED'));
  });
}
