// One runtime as a process of its own, with the example packages, and what it says of itself over its socket.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { SystemClock } from '../../kube/clock.ts';
import { NativeClient } from '../../node-agent/native/client.ts';
import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { allowedCores } from '../e2e/cores.ts';

const startTimeoutMs = 20_000;

/** Absolute path of what `make setup` builds. */
export function built(...path: string[]): string {
  const found = join(repositoryRoot, 'build', ...path);
  if (!existsSync(found)) throw new Error(`${found} is missing: make setup builds it`);
  return found;
}

/** Where an example package lies below the model root, and its digest. */
export function exampleSource(name: string): { uri: string; digest: string } {
  const { examples } = JSON.parse(readFileSync(built('models', 'examples.json'), 'utf8')) as {
    examples: Record<string, { digest: string }>;
  };
  const digest = examples[name]?.digest;
  if (digest === undefined) throw new Error(`there is no example ${name}`);
  return { uri: `file:///${name}`, digest };
}

export interface RuntimeOptions {
  readonly socketPath: string;
  readonly logFile: string;
  /** host:port for inference requests; absent: any port on loopback. */
  readonly inferenceAddress?: string;
  /** A command to run it by, like `ip netns exec NAME`. */
  readonly by?: readonly string[];
}

export async function startRuntime(options: RuntimeOptions): Promise<Daemon> {
  const { socketPath, logFile, inferenceAddress = '127.0.0.1:0', by = [] } = options;
  const flags = [`--socket=${socketPath}`, `--model-root=${built('models')}`];
  const where = [`--inference-address=${inferenceAddress}`, `--cores=${allowedCores().join(',')}`];
  const [command, ...args] = [...by, built('bin', 'daris-runtime'), ...flags, ...where];
  const daemon = await Daemon.start({ name: 'daris-runtime', command: command ?? '', args, logFile });
  await daemon.ready(async () => Promise.resolve(existsSync(socketPath)), startTimeoutMs);
  return daemon;
}

/** What the runtime says now, asked past every agent. */
export async function observe(socketPath: string): Promise<ObservedState> {
  const client = new NativeClient({ socketPath, clock: new SystemClock() });
  try {
    for await (const { value } of client.watch(1_000, AbortSignal.timeout(5_000))) return value;
    throw new Error('the runtime ended the stream without a state');
  } finally {
    client.close();
  }
}
