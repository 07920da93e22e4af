/**
 * Waiting in tests: for a condition, with a deadline in real time, never for a time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { FakeClock } from '../clock.ts';

export interface EventuallyOptions {
  /** Moved on by `stepMs` at each look, for code that waits by it while real sockets work. */
  readonly clock?: FakeClock | undefined;
  readonly stepMs?: number | undefined;
  /** Real time; absent: 10,000. */
  readonly deadlineMs?: number | undefined;
}

/** Resolves once `condition` holds. @throws Error naming `what` when it does not in time */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: EventuallyOptions = {},
): Promise<void> {
  const { clock, stepMs = 50, deadlineMs = 10_000 } = options;
  const endMs = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(2);
    await clock?.advance(stepMs);
  }
}
