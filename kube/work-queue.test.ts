import { describe, expect, test } from '@jest/globals';
import { FakeClock } from './clock.ts';
import { WorkQueue } from './work-queue.ts';

const noJitter = { initialMs: 100, maxMs: 1_000, jitter: 0 };

function setUp(): { clock: FakeClock; queue: WorkQueue } {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, backoff: noJitter }) };
}

describe('WorkQueue', () => {
  test('hands out keys in order of arrival, each once', async () => {
    const { queue } = setUp();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.depth).toBe(3);
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['a', 'b', 'c']);
    expect(queue.depth).toBe(0);
    expect(queue.inFlight).toBe(3);
  });

  test('a key added in flight comes again after done, once', async () => {
    const { queue } = setUp();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(queue.depth).toBe(1);
    expect(await queue.take()).toBe('a');
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  test('of several delays the earliest wins, and add beats them all', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 5_000);
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 9_000);
    await clock.advance(999);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
    expect(clock.pendingTimers).toBe(0);

    queue.addAfter('b', 1_000);
    queue.add('b');
    expect(queue.depth).toBe(2);
    expect(clock.pendingTimers).toBe(0);
  });

  test('backoff doubles to its cap, per key, and forget ends it', () => {
    const { queue } = setUp();
    expect([1, 2, 3, 4, 5, 6].map(() => queue.addRateLimited('a'))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(queue.addRateLimited('b')).toBe(100);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(100);
    expect(queue.addRateLimited('a', 7_000)).toBe(7_000);
  });

  test('shutdown answers waiting takers, forgets what waits, and waits for what is in flight', async () => {
    const { clock, queue } = setUp();
    queue.add('a');
    await queue.take();
    queue.addAfter('b', 10);
    const waiting = queue.take();
    let drained = false;
    const shutdown = queue.shutdown().then(() => (drained = true));
    expect(await waiting).toBeUndefined();
    queue.add('c');
    expect(await queue.take()).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
    expect(drained).toBe(false);
    queue.done('a');
    await shutdown;
    expect(drained).toBe(true);
  });
});

/** Numbers in [0, 1) that are the same in every run of a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('WorkQueue under random use', () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];

  // What every use must keep: no key is lost (a run starts at or after each request, at the latest when it is due and a
  // worker is free), and no key is ever in flight twice.
  test.each(Array.from({ length: 40 }, (_, seed) => seed))('seed %i', async (seed) => {
    const random = seeded(seed + 1);
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock, random, backoff: { initialMs: 20, maxMs: 200 } });
    const flying = new Set<string>();
    const startedAt = new Map<string, number>();
    const owed = new Map<string, { sinceStep: number; dueMs: number }>();
    let step = 0;

    const owe = (key: string, dueMs: number): void => {
      const old = owed.get(key);
      owed.set(key, { sinceStep: old?.sinceStep ?? step, dueMs: Math.min(old?.dueMs ?? Infinity, dueMs) });
    };
    const worker = async (): Promise<void> => {
      for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
        expect(flying.has(key)).toBe(false);
        flying.add(key);
        startedAt.set(key, step);
        owed.delete(key);
        await clock.sleep(random() * 50);
        const fails = random() < 0.3;
        if (fails) owe(key, clock.monotonic() + queue.addRateLimited(key));
        else queue.forget(key);
        flying.delete(key);
        queue.done(key);
      }
    };
    const workers = [worker(), worker(), worker()];

    for (step = 1; step <= 200; step++) {
      const key = keys[Math.floor(random() * keys.length)] ?? 'a';
      if (random() < 0.5) {
        owe(key, clock.monotonic());
        queue.add(key);
      } else {
        const delayMs = random() * 100;
        owe(key, clock.monotonic() + delayMs);
        queue.addAfter(key, delayMs);
      }
      await clock.advance(random() * 30);
      for (const { dueMs } of owed.values()) {
        // Five keys of at most 50 ms each share three workers.
        expect(clock.monotonic() - dueMs).toBeLessThan(300);
      }
    }
    await clock.advance(60_000);
    expect([...owed.keys()]).toEqual([]);
    expect(startedAt.size).toBe(keys.length);
    const shutdown = queue.shutdown();
    await clock.advance(100);
    await Promise.all([shutdown, ...workers]);
    expect(clock.pendingTimers).toBe(0);
  });
});
