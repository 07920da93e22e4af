// An operator or an agent as a process of its own under this process's Node: started until it is ready, and asked for its
// metrics.
import { join } from 'node:path';

import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { freePorts } from '../control-plane/ports.ts';

export const readyTimeoutMs = 30_000;

export interface PartOptions {
  readonly name: string;
  /** From the repository's root. */
  readonly script: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly signal: AbortSignal;
}

export class Part {
  readonly daemon: Daemon;
  readonly metricsPort: number;

  private constructor(daemon: Daemon, metricsPort: number) {
    this.daemon = daemon;
    this.metricsPort = metricsPort;
  }

  /** Resolves when its /readyz says so; `started` is told before, so that whoever fails to wait can stop it. */
  static async start(options: PartOptions, started: (part: Part) => void): Promise<void> {
    const [port = 0] = await freePorts(1);
    const { name, script, args, logFile, signal } = options;
    const daemon = await Daemon.start({
      name,
      command: process.execPath,
      args: [join(repositoryRoot, script), ...args, `--metrics-address=127.0.0.1:${port}`],
      logFile,
    });
    started(new Part(daemon, port));
    const ready = async (): Promise<boolean> =>
      (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
    await daemon.ready(ready, readyTimeoutMs, signal);
  }

  /** What it exposes to Prometheus, as text. */
  async metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`, { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`/metrics of the ${this.daemon.name}: HTTP ${answer.status}`);
    return answer.text();
  }
}
