// One operator as a process of its own: started, asked, stopped, killed, halted and continued.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';

const readyTimeoutMs = 30_000;

export interface OperatorProcessOptions {
  readonly name: string;
  readonly args: readonly string[];
  /** A file of its own each time, since the first line of it tells the port. */
  readonly logFile: string;
}

export const operatorScript = join(repositoryRoot, 'operator', 'main.ts');

export class OperatorProcess {
  readonly daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.daemon = daemon;
  }

  /** Resolves when it leads and has planned, or stands by. */
  static async start({ name, args, logFile }: OperatorProcessOptions): Promise<OperatorProcess> {
    const command = process.execPath;
    const daemon = await Daemon.start({ name, command, args: [operatorScript, ...args], logFile });
    const operator = new OperatorProcess(daemon);
    await daemon.ready(async () => (await operator.get('/readyz')).ok, readyTimeoutMs);
    return operator;
  }

  async readyz(): Promise<string> {
    const answer = await this.get('/readyz');
    return `${answer.status} ${await answer.text()}`;
  }

  async metrics(): Promise<Map<string, number>> {
    const text = await (await this.get('/metrics')).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.replace(/ [^ ]*$/, ''), Number(line.replace(/^.* /, ''))]));
  }

  async leads(): Promise<boolean> {
    return (await this.metrics()).get('daris_leader') === 1;
  }

  /** All of its log that was written with this message. */
  logged(message: string): Record<string, unknown>[] {
    return readFileSync(this.daemon.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }

  private get(path: string): Promise<Response> {
    const [started] = this.logged('operator started');
    if (started === undefined) throw new Error('the operator has not said its port yet');
    const address = `http://127.0.0.1:${String(started['metricsPort'])}`;
    return fetch(address + path, { signal: AbortSignal.timeout(5_000) });
  }
}
