// Two sockets as one connection: what comes from either goes to the other, and neither outlives the other.
import type { Socket } from 'node:net';

/** `open`: keeps those that are open, for whoever must break them. */
export function joinSockets(inner: Socket, outer: Socket, open: Set<Socket> = new Set()): void {
  for (const [socket, other] of [
    [inner, outer],
    [outer, inner],
  ] as const) {
    open.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      open.delete(socket);
      other.destroy();
    });
    socket.pipe(other);
  }
}
