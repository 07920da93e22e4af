import { beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { FakeClock } from '../kube/clock.ts';
import { ApiError, TransientError } from '../kube/errors.ts';
import { figuresEveryMs } from './plan.ts';
import type { Change } from './status.ts';
import { StatusWriter } from './status-writer.ts';

let clock: FakeClock;
let changes: Map<string, Change>;
let failures: Map<string, Error>;
/** Attempts, with the time of each. */
let attempts: { id: string; atMs: number }[];
let writer: StatusWriter;

beforeEach(() => {
  clock = new FakeClock();
  changes = new Map();
  failures = new Map();
  attempts = [];
  writer = new StatusWriter({
    items: () =>
      [...changes].map(([id, change]) => ({
        id,
        kind: 'Task',
        uid: id,
        change,
        write: () => Promise.resolve(write(id)),
      })),
    wrote: () => undefined,
    passed: () => undefined,
    clock,
    log: pino({ level: 'silent' }),
    random: () => 0,
  });
});

function write(id: string): void {
  attempts.push({ id, atMs: clock.monotonic() });
  const failure = failures.get(id);
  if (failure !== undefined) throw failure;
  changes.set(id, 'none');
}

const refusal = new ApiError('status.runtime: invalid', { status: 422, reason: 'Invalid' });

test('nothing is written before start, everything that is due after it', async () => {
  changes.set('a', 'transition');
  writer.wake();
  await clock.advance(60_000);
  expect(attempts).toEqual([]);
  writer.start();
  await clock.advance(100);
  expect(attempts.map(({ id }) => id)).toEqual(['a']);
});

test('figures are written at their pace without being woken', async () => {
  for (const id of ['a', 'b', 'c']) changes.set(id, 'figures');
  writer.start();
  await clock.advance(2.5 * figuresEveryMs);
  expect(attempts.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  const [first, second, third] = attempts.map(({ atMs }) => atMs);
  expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(figuresEveryMs);
  expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(figuresEveryMs);
});

test('nothing changed: no write, and no timer', async () => {
  changes.set('a', 'none');
  writer.start();
  await clock.advance(60_000);
  expect(attempts).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

test('an object that is refused backs off, and the others are written at once', async () => {
  failures.set('bad', refusal);
  changes.set('bad', 'transition').set('good', 'transition');
  writer.start();
  await clock.advance(100);
  expect(changes.get('good')).toBe('none');
  await clock.advance(120_000);
  const tried = attempts.filter(({ id }) => id === 'bad').length;
  expect(tried).toBeGreaterThan(4);
  expect(tried).toBeLessThan(12);
});

test('a server that does not answer is not asked for each object, and all is written once it is back', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `task-${index}`);
  for (const id of ids) {
    changes.set(id, 'transition');
    failures.set(id, new TransientError('connection refused', { code: 'ConnectionFailed' }));
  }
  writer.start();
  await clock.advance(60_000);
  expect(attempts.length).toBeLessThan(30);
  failures.clear();
  await clock.advance(5_100);
  expect(ids.filter((id) => changes.get(id) !== 'none')).toEqual([]);
});

test('after stop nothing is written, also not what was due', async () => {
  changes.set('a', 'transition');
  writer.start();
  await writer.stop();
  writer.wake();
  await clock.advance(60_000);
  expect(attempts).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});
