// The operators: one that leads from the start, and one that an act may start to stand by.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { systemNamespace } from '../../api/resources.ts';
import { waitFor } from '../control-plane/wait.ts';
import { valuesByLabel } from './metrics-text.ts';
import { Part } from './part.ts';
import type { Scraped } from './recorder.ts';

export type OperatorName = 'operator' | 'operator-2';

export interface OperatorsOptions {
  readonly kubeconfig: string;
  readonly logDir: string;
  readonly signal: AbortSignal;
}

/** A line of its log. */
interface LogLine {
  readonly time: number;
  readonly msg: string;
  readonly node?: string;
}

export class Operators {
  /** Their identity. */
  readonly kubeconfig: string;
  private readonly options: OperatorsOptions;
  private readonly parts = new Map<OperatorName, Part>();

  constructor(options: OperatorsOptions) {
    this.options = options;
    this.kubeconfig = options.kubeconfig;
  }

  /** It leads, or stands by where another one does. */
  async start(name: OperatorName): Promise<void> {
    const args = [`--kubeconfig=${this.kubeconfig}`, `--system-namespace=${systemNamespace}`];
    const { signal } = this.options;
    const options = { name, script: join('operator', 'main.ts'), args, logFile: this.log(name), signal };
    await Part.start(options, (part) => this.parts.set(name, part));
  }

  /** Halts it where it is; it is not told. */
  pause(name: OperatorName): void {
    this.part(name).daemon.pause();
  }

  /** Lets it go on. */
  resume(name: OperatorName): void {
    this.part(name).daemon.resume();
  }

  /** Waits until it has ended by itself; answers its exit status. */
  async ended(name: OperatorName, timeoutMs: number): Promise<number | NodeJS.Signals> {
    const status = await this.part(name).daemon.ended(timeoutMs);
    this.parts.delete(name);
    return status;
  }

  async stop(name: OperatorName): Promise<void> {
    await this.parts.get(name)?.daemon.stop();
    this.parts.delete(name);
  }

  metrics(name: OperatorName): Promise<string> {
    return this.part(name).metrics();
  }

  /** Whom a Prometheus would scrape. */
  scraped(): Scraped[] {
    return [...this.parts].map(([name, { metricsPort }]) => ({
      job: 'daris-operator',
      instance: name,
      port: metricsPort,
    }));
  }

  pidOf(name: OperatorName): number {
    return this.part(name).daemon.pid;
  }

  assertRunning(): void {
    for (const { daemon } of this.parts.values()) daemon.assertRunning();
  }

  /** How many nodes the first operator knows in a state, as its metrics say. */
  async nodesIn(state: 'Ready' | 'NotReady' | 'Lost'): Promise<number> {
    return valuesByLabel(await this.metrics('operator'), 'daris_operator_nodes', 'state').get(state) ?? 0;
  }

  /** Waits until so many nodes take tasks. */
  async nodesReady(count: number, timeoutMs: number): Promise<void> {
    const probe = async (): Promise<true | undefined> => ((await this.nodesIn('Ready')) === count ? true : undefined);
    const { signal } = this.options;
    await waitFor(probe, { what: `${count} nodes to be ready`, timeoutMs, intervalMs: 100, signal });
  }

  /** When the first operator declared a node lost, by the wall clock, ms; undefined: not since `sinceMs`. */
  declaredLostMs(node: string, sinceMs: number): number | undefined {
    const lines = readFileSync(this.log('operator'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const said = lines.map((line) => JSON.parse(line) as LogLine);
    return said.find((line) => line.node === node && line.time >= sinceMs && line.msg.startsWith('node lost'))?.time;
  }

  private log(name: OperatorName): string {
    return join(this.options.logDir, `${name}.log`);
  }

  private part(name: OperatorName): Part {
    const part = this.parts.get(name);
    if (part === undefined) throw new Error(`the ${name} was not started`);
    return part;
  }
}
