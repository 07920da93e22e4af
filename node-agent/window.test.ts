import { expect, test } from '@jest/globals';
import { jobs } from './testing/fixtures.ts';
import { CounterWindow, windowMs } from './window.ts';

/** One release a tick, every tenth of them missed. */
function run(window: CounterWindow, fromMs: number, toMs: number, tickMs: number): void {
  for (let ms = fromMs; ms <= toMs; ms += tickMs) {
    const released = ms / tickMs;
    window.add(ms, jobs({ released, admitted: released, missed: Math.floor(released / 10) }));
  }
}

test('covers the last window, no more, however often samples come', () => {
  for (const tickMs of [100, 250, 1_000]) {
    const window = new CounterWindow();
    run(window, 0, 5 * windowMs, tickMs);
    const { released, missed, coveredMs } = window.figures();
    expect(coveredMs).toBe(windowMs);
    // Samples are a second apart, so the window may begin up to one sample early.
    expect(released).toBeGreaterThanOrEqual(windowMs / tickMs);
    expect(released).toBeLessThanOrEqual((windowMs + 1_000) / tickMs);
    expect(missed).toBeCloseTo(released / 10, -1);
  }
});

test('what happened before the first sample is not of this window, except for a task that began just now', () => {
  const learned = new CounterWindow();
  learned.add(0, jobs({ released: 500 }));
  learned.add(100, jobs({ released: 503 }));
  expect(learned.figures()).toMatchObject({ released: 3, coveredMs: 100 });
  const begun = new CounterWindow({ atMs: 0, jobs: jobs({}) });
  begun.add(400, jobs({ released: 8, missed: 1 }));
  expect(begun.figures()).toMatchObject({ released: 8, missed: 1 });
});

test('the newest sample counts at once, also within the second of the last one', () => {
  const window = new CounterWindow();
  window.add(0, jobs({}));
  window.add(10, jobs({ missed: 1 }));
  expect(window.figures().missed).toBe(1);
});

test('an idle task comes to rest at zero', () => {
  const window = new CounterWindow({ atMs: 0, jobs: jobs({}) });
  window.add(1_000, jobs({ released: 10 }));
  for (let ms = 2_000; ms <= 2 * windowMs; ms += 1_000) window.add(ms, jobs({ released: 10 }));
  expect(window.figures()).toEqual({ coveredMs: windowMs, released: 0, admitted: 0, missed: 0, onTime: 0 });
});

test('what grew during a gap longer than the window is of no window', () => {
  const window = new CounterWindow({ atMs: 0, jobs: jobs({}) });
  window.add(10 * windowMs, jobs({ released: 5_000, missed: 50 }));
  expect(window.figures()).toMatchObject({ coveredMs: 0, released: 0, missed: 0 });
  window.add(10 * windowMs + 1_000, jobs({ released: 5_010, missed: 51 }));
  expect(window.figures()).toMatchObject({ coveredMs: 1_000, released: 10, missed: 1 });
});

test('an empty window says zero of everything', () => {
  expect(new CounterWindow().figures()).toEqual({ coveredMs: 0, released: 0, admitted: 0, missed: 0, onTime: 0 });
});
