// Whether agents live, by the operator's own clock.
import { expect, test } from '@jest/globals';

import { FakeClock } from '../../../kube/clock.ts';
import { LeaseWatch } from './lease-watch.ts';

const renewed = (renewTime: string) => ({ spec: { renewTime } });

test('a node without a Lease is lost, one with a Lease lives from then on', () => {
  const watch = new LeaseWatch(new FakeClock(), 10_000);
  expect(watch.lost('n1')).toBe('its agent has no Lease');
  expect(watch.observe('n1', renewed('a'))).toBe(true);
  expect(watch.lost('n1')).toBeUndefined();
  watch.forget('n1');
  expect(watch.lost('n1')).toBe('its agent has no Lease');
});

test('time counts from the last change that was seen, not from what the Lease says', async () => {
  const clock = new FakeClock();
  const watch = new LeaseWatch(clock, 10_000);
  watch.observe('n1', renewed('1999-01-01T00:00:00.000000Z'));
  await clock.advance(4_000);
  expect(watch.remainingMs('n1')).toBe(6_000);
  expect(watch.observe('n1', renewed('1999-01-01T00:00:00.000000Z'))).toBe(false);
  expect(watch.remainingMs('n1')).toBe(6_000);
  expect(watch.observe('n1', renewed('1999-01-01T00:00:03.000000Z'))).toBe(false);
  expect(watch.remainingMs('n1')).toBe(10_000);
});

test('a wall clock that jumps loses nobody', async () => {
  const clock = new FakeClock();
  const watch = new LeaseWatch(clock, 10_000);
  watch.observe('n1', renewed('a'));
  clock.setWall(clock.now() + 3_600_000);
  expect(watch.remainingMs('n1')).toBe(10_000);
});

test('a node that is declared lost stays so until it renews', async () => {
  const clock = new FakeClock();
  const watch = new LeaseWatch(clock, 10_000);
  watch.observe('n1', renewed('a'));
  await clock.advance(10_000);
  expect(watch.remainingMs('n1')).toBe(0);
  watch.declareLost('n1');
  expect(watch.lost('n1')).toBe('its agent has not renewed its Lease for 10 s');
  expect(watch.remainingMs('n1')).toBeUndefined();
  expect(watch.observe('n1', renewed('a'))).toBe(false);
  expect(watch.lost('n1')).toBeDefined();
  expect(watch.observe('n1', renewed('b'))).toBe(true);
  expect(watch.lost('n1')).toBeUndefined();
});

test('an excused node has its whole time again', async () => {
  const clock = new FakeClock();
  const watch = new LeaseWatch(clock, 10_000);
  watch.observe('n1', renewed('a'));
  await clock.advance(10_000);
  watch.excuse('n1');
  expect(watch.remainingMs('n1')).toBe(10_000);
});

test('a node whose time is up is given one more renewal, once, before it is lost', async () => {
  const clock = new FakeClock();
  const watch = new LeaseWatch(clock, 9_000);
  watch.observe('n1', renewed('a'));
  await clock.advance(9_000);
  expect(watch.suspect('n1')).toBe(true);
  expect(watch.remainingMs('n1')).toBeCloseTo(3_000);
  expect(watch.lost('n1')).toBeUndefined();
  await clock.advance(3_000);
  expect(watch.suspect('n1')).toBe(false);
  watch.observe('n1', renewed('b'));
  await clock.advance(9_000);
  expect(watch.suspect('n1')).toBe(true);
});

async function silentBeside(renewalsAtMs: readonly number[]): Promise<LeaseWatch> {
  const clock = new FakeClock();
  const watch = new LeaseWatch(clock, 9_000);
  watch.observe('silent', renewed('a'));
  watch.observe('n2', renewed('0'));
  let now = 0;
  for (const at of renewalsAtMs) {
    await clock.advance(at - now);
    now = at;
    watch.observe('n2', renewed(String(at)));
  }
  await clock.advance(9_000 - now);
  return watch;
}

test.each([
  ['renewed all the while', [2_900, 5_900, 8_900], false],
  ['renewed again just now, after an outage of the API server', [8_900], true],
  ['renewed until a short while ago: the API server may be away for both', [2_900, 5_500], true],
  ['was seen only once', [], true],
])('a silent node is given one more renewal unless others show that they can: another %s', async (_what, at, given) => {
  const watch = await silentBeside(at);
  expect(watch.remainingMs('silent')).toBe(0);
  expect(watch.suspect('silent')).toBe(given);
});
