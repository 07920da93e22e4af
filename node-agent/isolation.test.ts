import { beforeEach, expect, test } from '@jest/globals';
import { FakeClock } from '../kube/clock.ts';
import { Isolation } from './isolation.ts';

let clock: FakeClock;
let renewedMs: number;
let provenMs: number;
let isolation: Isolation;

beforeEach(() => {
  clock = new FakeClock();
  [renewedMs, provenMs] = [-Infinity, clock.monotonic()];
  isolation = new Isolation({
    leaseMs: 10_000,
    leaseAgeMs: () => clock.monotonic() - renewedMs,
    cacheAgeMs: () => clock.monotonic() - provenMs,
    clock,
  });
});

test('a process that has just started is not isolated, although it has not renewed the Lease yet', async () => {
  expect(isolation.isolated).toBe(false);
  await clock.advance(9_999);
  expect(isolation.isolated).toBe(false);
  await clock.advance(1);
  expect(isolation.isolated).toBe(true);
});

test('it is isolated when the Lease is over, until that is renewed and the tasks are known to be current', async () => {
  await clock.advance(60_000);
  renewedMs = clock.monotonic();
  provenMs = clock.monotonic();
  await clock.advance(9_999);
  expect(isolation.isolated).toBe(false);
  await clock.advance(1);
  expect(isolation.isolated).toBe(true);
  await clock.advance(5_000);
  expect(isolation.isolated).toBe(true);
  await clock.advance(1);
  renewedMs = clock.monotonic();
  expect(isolation.isolated).toBe(true);
  provenMs = clock.monotonic();
  expect(isolation.isolated).toBe(false);
});

test('a watch that was proven before the Lease was over proves nothing', async () => {
  renewedMs = clock.monotonic();
  await clock.advance(9_000);
  provenMs = clock.monotonic();
  await clock.advance(1_000);
  expect(isolation.isolated).toBe(true);
  renewedMs = clock.monotonic();
  expect(isolation.isolated).toBe(true);
});
