// The live view while acts run: a table that is redrawn in place on a terminal, a line every few seconds elsewhere.
import type { WriteStream } from 'node:tty';

import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import type { TaskIdentity } from './counters.ts';
import type { Stack } from './stack.ts';
import { renderLine, renderTable } from './table.ts';

const terminalIntervalMs = 1000;
const lineIntervalMs = 5000;

export class LiveView {
  private readonly stack: Stack;
  private readonly output: WriteStream;
  private timer: NodeJS.Timeout | undefined;
  private drawing: Promise<void> = Promise.resolve();
  private drawnLines = 0;
  /** By node, as of the last line. */
  private last = new Map<string, ObservedState>();
  private identities: TaskIdentity[] = [];

  constructor(stack: Stack, output: WriteStream) {
    this.stack = stack;
    this.output = output;
  }

  start(): void {
    this.last.clear();
    const interval = this.output.isTTY ? terminalIntervalMs : lineIntervalMs;
    this.timer = setInterval(() => {
      this.drawing = this.draw();
    }, interval);
  }

  /** Stops, and takes the table away so that the act's line stands alone. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.drawing;
    this.erase();
  }

  private async draw(): Promise<void> {
    try {
      this.identities = await this.stack.tasks.identities(AbortSignal.timeout(2000));
      if (this.output.isTTY) this.drawTable();
      else for (const { name, streams } of this.stack.nodes) this.printLine(name, streams);
    } catch {
      // While parts stop there is nothing to show; the acts themselves say what is wrong.
    }
  }

  private drawTable(): void {
    const states = this.stack.nodes.flatMap(({ name }) => this.stack.tally.stateOf(name) ?? []);
    const width = this.output.columns;
    const room = this.output.rows - 4;
    const lines = renderTable(states, this.identities).slice(0, room);
    this.erase();
    for (const line of lines) this.output.write(`  ${line.slice(0, width - 3)}\n`);
    this.drawnLines = lines.length;
  }

  /** Says nothing of a node that runs nothing, or that is silent. */
  private printLine(node: string, streams: number): void {
    const state = this.stack.tally.stateOf(node);
    const before = this.last.get(node);
    if (state === undefined) return;
    this.last.set(node, state);
    if (before === undefined || before.instanceId !== state.instanceId || state.timeUs === before.timeUs) return;
    // A task that has just come brings counters of its past along.
    const here = this.identities.filter(({ uid }) =>
      [before, state].every(({ tasks }) => tasks.some((task) => task.uid === uid)),
    );
    if (here.length > 0) this.output.write(`    ${node}: ${renderLine(before, state, here, streams)}\n`);
  }

  private erase(): void {
    if (this.drawnLines > 0) this.output.write(`\u001B[${this.drawnLines}A\u001B[J`);
    this.drawnLines = 0;
  }
}
