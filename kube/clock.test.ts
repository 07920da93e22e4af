import { describe, expect, test } from '@jest/globals';
import { Backoff, backoffDelay } from './backoff.ts';
import { Deadline, FakeClock, SystemClock } from './clock.ts';

describe.each([
  ['FakeClock', () => new FakeClock()],
  ['SystemClock', () => new SystemClock()],
])('%s', (_, make) => {
  test('sleep rejects with the reason of its signal, at once where that is aborted', async () => {
    const clock = make();
    const controller = new AbortController();
    const reason = new Error('enough');
    const sleeping = clock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(clock.sleep(60_000, controller.signal)).rejects.toBe(reason);
  });

  test('a cancelled timer does not fire, and time goes on', async () => {
    const clock = make();
    const startMs = clock.monotonic();
    const fired: string[] = [];
    clock.setTimer(5, () => fired.push('cancelled')).cancel();
    clock.setTimer(10, () => fired.push('kept'));
    const sleeping = clock.sleep(30);
    if (clock instanceof FakeClock) await clock.advance(30);
    await sleeping;
    expect(fired).toEqual(['kept']);
    expect(clock.monotonic() - startMs).toBeGreaterThanOrEqual(29);
  });
});

describe('FakeClock', () => {
  test('runs what is due in order of time, also what was set meanwhile', async () => {
    const clock = new FakeClock();
    const order: string[] = [];
    clock.setTimer(20, () => order.push(`late at ${clock.monotonic()}`));
    clock.setTimer(10, () => {
      order.push(`early at ${clock.monotonic()}`);
      clock.setTimer(5, () => order.push(`nested at ${clock.monotonic()}`));
    });
    clock.setTimer(31, () => order.push('never'));
    await clock.advance(30);
    expect(order).toEqual(['early at 10', 'nested at 15', 'late at 20']);
    expect(clock.monotonic()).toBe(30);
  });

  test('a step of the wall clock leaves durations alone', async () => {
    const clock = new FakeClock(1_000_000);
    await clock.advance(500);
    expect(clock.now()).toBe(1_000_500);
    clock.setWall(0);
    await clock.advance(500);
    expect(clock.now()).toBe(500);
    expect(clock.monotonic()).toBe(1_000);
  });
});

const late = (): Error => new Error('late');

describe('Deadline', () => {
  test('aborts with its reason when time is up; restart gives the time anew', async () => {
    const clock = new FakeClock();
    using deadline = new Deadline(clock, 100, late);
    await clock.advance(90);
    deadline.restart(100);
    await clock.advance(90);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(10);
    expect(deadline.signal.reason).toEqual(late());
  });

  test('follows its parents, also those aborted before, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const parent = new AbortController();
    const other = new AbortController();
    {
      using deadline = new Deadline(clock, 100, late, parent.signal, undefined, other.signal);
      other.abort('stop');
      expect(deadline.signal.reason).toBe('stop');
    }
    using second = new Deadline(clock, 100, late, other.signal);
    expect(second.signal.aborted).toBe(true);
    expect(second.signal.reason).toBe('stop');
    {
      using third = new Deadline(clock, 100, late, parent.signal);
      expect(third.signal.aborted).toBe(false);
    }
    second[Symbol.dispose]();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('backoff', () => {
  test('grows to its cap; jitter only shortens', () => {
    const options = { initialMs: 100, maxMs: 1_000, jitter: 0.5 };
    expect([0, 1, 2, 3, 4, 100].map((attempt) => backoffDelay(options, attempt, () => 0))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(backoffDelay(options, 4, () => 0.999)).toBeCloseTo(500.5);
  });

  test('next never undercuts what the other side asked for', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1_000, jitter: 0 }, () => 0);
    expect([backoff.next(), backoff.next(5_000), backoff.next()]).toEqual([100, 5_000, 400]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });
});
