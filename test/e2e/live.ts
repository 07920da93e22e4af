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
  private last: ObservedState | undefined;
  private identities: TaskIdentity[] = [];

  constructor(stack: Stack, output: WriteStream) {
    this.stack = stack;
    this.output = output;
  }

  start(): void {
    this.last = undefined;
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
      const state = this.stack.watch.latest;
      if (this.output.isTTY) this.drawTable(state);
      else this.printLine(state);
    } catch {
      // While parts stop there is nothing to show; the acts themselves say what is wrong.
    }
  }

  private drawTable(state: ObservedState | undefined): void {
    const width = this.output.columns;
    const room = this.output.rows - 4;
    const lines = renderTable(state, this.identities).slice(0, room);
    this.erase();
    for (const line of lines) this.output.write(`  ${line.slice(0, width - 3)}\n`);
    this.drawnLines = lines.length;
  }

  private printLine(state: ObservedState | undefined): void {
    const before = this.last;
    this.last = state;
    if (state === undefined || before === undefined || before.instanceId !== state.instanceId) return;
    if (this.identities.length === 0 || state.timeUs === before.timeUs) return;
    this.output.write(`    ${renderLine(before, state, this.identities, this.stack.streams)}\n`);
  }

  private erase(): void {
    if (this.drawnLines > 0) this.output.write(`\u001B[${this.drawnLines}A\u001B[J`);
    this.drawnLines = 0;
  }
}
