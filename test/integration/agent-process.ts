// One node agent as a process of its own: started, asked, halted, killed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';

const startTimeoutMs = 30_000;
const script = join(repositoryRoot, 'node-agent', 'main.ts');

export interface AgentProcessOptions {
  readonly name: string;
  readonly args: readonly string[];
  /** A file of its own each time, since it tells what this process said. */
  readonly logFile: string;
  /** A command to run it by, like `ip netns exec NAME`. */
  readonly by?: readonly string[];
}

export class AgentProcess {
  readonly daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.daemon = daemon;
  }

  /** Resolves when its operational endpoint listens. */
  static async start({ name, args, logFile, by = [] }: AgentProcessOptions): Promise<AgentProcess> {
    const [command, ...rest] = [...by, process.execPath, script, '--metrics-address=127.0.0.1:0', ...args];
    const daemon = await Daemon.start({ name, command: command ?? '', args: rest, logFile });
    const agent = new AgentProcess(daemon);
    await daemon.ready(async () => Promise.resolve(agent.logged('started').length > 0), startTimeoutMs);
    return agent;
  }

  /** Status and text; only where it runs in our own network namespace. */
  async readyz(): Promise<string> {
    const [started] = this.logged('started');
    const address = `http://127.0.0.1:${String(started?.['metricsPort'])}/readyz`;
    const answer = await fetch(address, { signal: AbortSignal.timeout(5_000) });
    return `${answer.status} ${await answer.text()}`;
  }

  /** All of its log that was written with this message. */
  logged(message: string): Record<string, unknown>[] {
    return readFileSync(this.daemon.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }
}
