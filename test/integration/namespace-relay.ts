// Run in a network namespace: lets what connects to a port of its loopback out through a Unix socket, which knows no such
// namespaces. Usage: node namespace-relay.ts PORT SOCKET
import { connect, createServer } from 'node:net';

import { joinSockets } from './joined-sockets.ts';

const [port, socketPath = ''] = process.argv.slice(2);

const server = createServer((inner) => joinSockets(inner, connect(socketPath)));

server.listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
