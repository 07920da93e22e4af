// Waiting for a condition with a deadline: the only way in which tests and the demo wait for anything.
// The last failure is part of the error, so that a timeout says what was still missing.
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** What is being waited for, as it should read after "timed out waiting for". */
  what: string;
  timeoutMs: number;
  intervalMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Calls `probe` until it answers something other than undefined.
 * A probe that throws counts as "not yet"; its message is kept for the error at the deadline.
 */
export async function waitFor<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let last = 'no attempt finished';
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
      last = 'the condition was not met';
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() >= deadline) {
      throw new Error(`timed out after ${options.timeoutMs / 1000} s waiting for ${options.what}: ${last}`);
    }
    await delay(options.intervalMs ?? 50, undefined, { signal: options.signal });
  }
}
