// The operator's own side of leadership: a leader whose monotonic clock says that its time is up writes nothing, though the
// API server would still take it, no timer has fired, and nobody else leads.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';

import { SystemClock } from '../../kube/clock.ts';
import { isNotFound } from '../../kube/errors.ts';
import { createApp, type App } from '../../operator/app.ts';
import { parseConfig } from '../../operator/config.ts';
import { servicesResource } from '../../operator/resources.ts';

import { OperatorWorld, placed } from './operator-world.ts';

/** The time that passes while the process does not run: its timers know nothing of it. */
class JumpingClock extends SystemClock {
  #jumpedMs = 0;

  jump(ms: number): void {
    this.#jumpedMs += ms;
  }

  override monotonic(): number {
    return super.monotonic() + this.#jumpedMs;
  }
}

const world = new OperatorWorld();
const clock = new JumpingClock();
// The next renewal is further away than the test lasts: the elector itself will not notice.
const election = ['--leader-lease-seconds=1200', '--leader-renew-seconds=1000', '--leader-retry-seconds=800'];
jest.setTimeout(60_000);
let app: App;

beforeAll(async () => {
  await world.startWithoutOperator();
  const config = parseConfig(world.operatorArgs(election), {});
  if (config === 'help') throw new Error('no help was asked for');
  app = createApp({ config, clock, log: pino({ level: process.env['DARIS_TEST_LOG'] ?? 'silent' }) });
  await app.start();
}, 60_000);

afterAll(() => world.stop(), 60_000);

test('time is up: no status and no Service is written any more', async () => {
  const node = await world.addNode('n1', 2, '10.1.2.3:8001');
  await world.readyModel('detector', 'a');
  await world.applyTask('lane', node);
  await world.untilTask('lane', placed);
  await world.untilTask('lane', ({ status }) => status?.endpoint?.service !== undefined);
  const before = await world.task('lane');

  clock.jump(1_000_000);
  await world.cluster.kubectl(['delete', 'service', 'lane', '-n', world.namespace]);
  const patch = JSON.stringify({ spec: { period: '40ms' } });
  await world.cluster.kubectl(['patch', 'rit', 'lane', '-n', world.namespace, '--type=merge', '-p', patch]);
  expect(await app.lost).toMatch(/^the Lease was not renewed for 1\d\d\d\.\d s$/);
  // After this there is nothing in hand that could still be written.
  await app.stop();

  expect((await world.task('lane')).status).toEqual(before.status);
  const service = world.client.get(servicesResource, { name: 'lane', namespace: world.namespace });
  await expect(service.catch((error: unknown) => isNotFound(error))).resolves.toBe(true);
});
