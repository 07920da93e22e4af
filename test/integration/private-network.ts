// A network of the test's own: a network namespace for each node and one for a client, joined by veth pairs, and nothing of
// it in the machine's own namespace. The API server, on the machine's loopback, is reached through a Unix socket.
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { joinSockets } from './joined-sockets.ts';

const run = promisify(execFile);
const prefix = 'daris-test-';
const relayScript = join(repositoryRoot, 'test', 'integration', 'namespace-relay.ts');

/** Addresses of RFC 5737, which belong to nobody; each pair of neighbours has a network of four. */
const networks = ['192.0.2', '198.51.100', '203.0.113'];

/** Why there can be no such network here; undefined: there can. */
export function networkProblem(): string | undefined {
  const name = `${prefix}${process.pid}-probe`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe', timeout: 10_000 });
  } catch (error) {
    const why = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    return `network namespaces need root and iproute2: ${why}`;
  }
  execFileSync('ip', ['netns', 'delete', name], { timeout: 10_000 });
  return undefined;
}

export interface NetworkOptions {
  /** At most three. */
  readonly nodes: readonly string[];
  /** The API server's URL, on this machine's loopback; found at the same URL in every node's namespace. */
  readonly server: string;
  readonly folder: string;
}

export class PrivateNetwork {
  readonly #options: NetworkOptions;
  readonly #made: string[] = [];
  readonly #relays: Daemon[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #gate: Server;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#gate = createServer((inner) => this.#pass(inner));
  }

  async start(): Promise<void> {
    const { nodes, folder } = this.#options;
    await removeLeftovers();
    for (const name of ['client', ...nodes]) await this.#add(name);
    for (const [index, node] of nodes.entries()) await this.#join(node, index);
    this.#gate.listen(join(folder, 'gate.sock'));
    await once(this.#gate, 'listening');
    for (const node of nodes) await this.#relay(node);
  }

  /** Ends the relays and removes the namespaces, with all that is in them. */
  async stop(): Promise<void> {
    for (const relay of this.#relays) await relay.stop();
    for (const socket of this.#sockets) socket.destroy();
    this.#gate.close();
    for (const name of this.#made.splice(0)) await ip('netns', 'delete', name);
  }

  /** The command that runs another one in there; `place` is a node, or `client`. */
  by(place: string): string[] {
    return ['ip', 'netns', 'exec', namespaceOf(place)];
  }

  addressOf(node: string): string {
    return `${networks[this.#options.nodes.indexOf(node)] ?? ''}.2`;
  }

  async #add(place: string): Promise<void> {
    const name = namespaceOf(place);
    await ip('netns', 'add', name);
    this.#made.push(name);
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }

  async #join(node: string, index: number): Promise<void> {
    const [client, there, link] = [namespaceOf('client'), namespaceOf(node), `to-${index}`];
    const network = networks[index];
    if (network === undefined) throw new Error(`a private network has at most ${networks.length} nodes`);
    await ip('-n', client, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', there);
    await ip('-n', client, 'address', 'add', `${network}.1/30`, 'dev', link);
    await ip('-n', there, 'address', 'add', `${network}.2/30`, 'dev', 'eth0');
    await ip('-n', client, 'link', 'set', link, 'up');
    await ip('-n', there, 'link', 'set', 'eth0', 'up');
  }

  async #relay(node: string): Promise<void> {
    const { server, folder } = this.#options;
    const [command, ...rest] = [...this.by(node), process.execPath, relayScript];
    const args = [...rest, new URL(server).port, join(folder, 'gate.sock')];
    const logFile = join(folder, `relay-${node}.log`);
    const relay = await Daemon.start({ name: `relay of ${node}`, command: command ?? '', args, logFile });
    this.#relays.push(relay);
    await relay.ready(async () => Promise.resolve(relay.logTail(1) === 'listening'), 10_000);
  }

  #pass(inner: Socket): void {
    const { hostname, port } = new URL(this.#options.server);
    const outer = connect(Number(port), hostname);
    joinSockets(inner, outer, this.#sockets);
  }
}

function namespaceOf(place: string): string {
  return `${prefix}${process.pid}-${place}`;
}

async function ip(...args: string[]): Promise<string> {
  return (await run('ip', args, { timeout: 10_000 })).stdout;
}

/** Those of test processes that were killed before they could. */
async function removeLeftovers(): Promise<void> {
  const names = (await ip('netns', 'list')).split('\n').map((line) => line.split(' ')[0] ?? '');
  for (const name of names) {
    const [, pid] = /^daris-test-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) await ip('netns', 'delete', name);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
