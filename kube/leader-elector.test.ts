// One elector against a Lease in memory, with a clock that is advanced by hand. Several of them: leader-election.test.ts.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from './clock.ts';
import { KubeClient } from './client.ts';
import { connect, type Connection } from './connection.ts';
import { LeaderElector } from './leader-elector.ts';
import type { Lease } from './lease.ts';
import { eventually } from './testing/eventually.ts';
import { LeaseServer, SimulatedProcess } from './testing/lease-server.ts';
import { StubApiServer, json, refuse } from './testing/stub-api-server.ts';
import { silent } from './testing/widget.ts';

const timing = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const lost = { there: 'lost', back: 'lost' } as const;
let server: LeaseServer;
let clock: FakeClock;
let own: SimulatedProcess;
let elector: LeaderElector;
let elected: number[];
let losses: string[];

function electorOf(identity: string, process: SimulatedProcess): LeaderElector {
  return new LeaderElector({
    client: process.clientOf(server),
    lease: { namespace: 'lab', name: 'leader' },
    identity,
    timing,
    clock: process,
    random: () => 0,
    log: silent(),
    onElected: (transitions) => elected.push(transitions),
    onLost: (reason) => losses.push(reason),
  });
}

beforeEach(() => {
  server = new LeaseServer();
  clock = new FakeClock();
  own = new SimulatedProcess(clock);
  elected = [];
  losses = [];
  elector = electorOf('me', own);
});

afterEach(async () => {
  await stop(elector);
  expect(clock.pendingTimers).toBe(0);
});

async function stop(each: LeaderElector): Promise<void> {
  let stopped = false;
  const stopping = each.stop().finally(() => (stopped = true));
  await eventually('it to stop', () => stopped, { clock, stepMs: 100 });
  await stopping;
}

function foreign(spec: Lease['spec'] = {}): void {
  const others = { holderIdentity: 'other', leaseDurationSeconds: 15, leaseTransitions: 4, ...spec };
  if (server.stored === undefined) server.create({ metadata: { namespace: 'lab' }, spec: others });
  else server.replace({ ...server.stored, spec: others });
}

async function lead(): Promise<void> {
  elector.start();
  await clock.advance(10);
  expect(elector.leading).toBe(true);
}

describe('electing', () => {
  test('may not write before it leads, and leads at once where nobody does', async () => {
    expect(() => elector.assertLeading()).toThrow('this process may not write: it is not the leader');
    expect(elector.problem()).toBe('Lease lab/leader was not read yet');
    await lead();
    expect(server.stored?.spec).toMatchObject({ holderIdentity: 'me', leaseDurationSeconds: 15, leaseTransitions: 1 });
    expect([elected, elector.transitions]).toEqual([[1], 1]);
    expect(elector.problem()).toBeUndefined();
  });

  test('stands by while another renews, and takes over when that stands still', async () => {
    foreign();
    elector.start();
    for (let renewal = 0; renewal < 10; renewal++) {
      await clock.advance(5_000);
      foreign({ renewTime: String(renewal) });
    }
    expect(elector.state).toMatchObject({ kind: 'Standby', holder: 'other' });
    expect(elector.problem()).toBeUndefined();
    const stillMs = clock.monotonic();
    await eventually('taken over', () => elector.leading, { clock, stepMs: 100 });
    expect(clock.monotonic() - stillMs).toBeGreaterThanOrEqual(15_000);
    expect(clock.monotonic() - stillMs).toBeLessThanOrEqual(17_100);
    expect(elected).toEqual([5]);
  });

  test('takes a released Lease at its next look, under a number of its own', async () => {
    foreign();
    elector.start();
    await clock.advance(1_000);
    foreign({ holderIdentity: '', leaseDurationSeconds: 1 });
    await clock.advance(2_000);
    expect(elected).toEqual([5]);
  });

  test('a standby that cannot read the Lease could not take over, and says so', async () => {
    foreign();
    elector.start();
    await clock.advance(1_000);
    own.passage = () => lost;
    await clock.advance(16_000);
    expect(elector.problem()).toBe('Lease lab/leader could not be read for 17 s');
  });

  test('an acquisition whose answer comes too late is no leadership by itself', async () => {
    let calls = 0;
    own.passage = () => (++calls === 2 ? { there: 0, back: 'lost' } : { there: 0, back: 0 });
    elector.start();
    await clock.advance(100);
    expect(server.stored?.spec?.holderIdentity).toBe('me');
    expect(elector.leading).toBe(false);
    await clock.advance(6_000);
    expect([elected, elector.leading]).toEqual([[1], true]);
  });
});

describe('leading', () => {
  test('renews every retry period, with one call and no read', async () => {
    await lead();
    const before = server.writes.length;
    await clock.advance(20_000);
    expect(server.writes.length - before).toBe(10);
    expect(server.writes.every(({ leaseTransitions }) => leaseTransitions === 1)).toBe(true);
  });

  test('a call that hangs costs one attempt', async () => {
    await lead();
    let calls = 0;
    own.passage = () => (++calls === 1 ? lost : { there: 0, back: 0 });
    await clock.advance(30_000);
    expect([elector.leading, losses]).toEqual([true, []]);
  });

  test('a write that arrived though its answer did not is found out, and is no loss', async () => {
    await lead();
    let calls = 0;
    own.passage = () => (++calls === 1 ? { there: 0, back: 'lost' } : { there: 0, back: 0 });
    await clock.advance(30_000);
    expect([elector.leading, losses]).toEqual([true, []]);
  });

  test('a deleted Lease is made anew under the same number', async () => {
    await lead();
    server.delete();
    // The refused renewal, and the next attempt.
    await clock.advance(4_100);
    expect([elector.leading, losses]).toEqual([true, []]);
    expect(server.stored?.spec).toMatchObject({ holderIdentity: 'me', leaseTransitions: 1 });
  });

  test('not renewed within the deadline: it is lost before anybody may take over, and stays lost', async () => {
    await lead();
    own.passage = () => lost;
    await clock.advance(9_900);
    expect(elector.leading).toBe(true);
    await clock.advance(200);
    expect(losses).toEqual(['the Lease was not renewed for 10.0 s']);
    own.passage = () => ({ there: 0, back: 0 });
    await clock.advance(60_000);
    expect(() => elector.assertLeading()).toThrow('this process may not write: the Lease was not renewed for 10.0 s');
    expect(elector.problem()).toBe('leadership was lost: the Lease was not renewed for 10.0 s');
    expect([losses.length, elected]).toEqual([1, [1]]);
  });

  test('another holder: it is lost at the next renewal', async () => {
    await lead();
    foreign({ holderIdentity: 'thief', leaseTransitions: 2 });
    // The refused renewal, and the look at what is there now.
    await clock.advance(4_100);
    expect(losses).toEqual(['thief holds the Lease now']);
  });

  test('halted past its deadline and continued: the first write is refused, before any timer has run', async () => {
    await lead();
    own.halt();
    await clock.advance(60_000);
    expect(losses).toEqual([]);
    expect(() => elector.assertLeading()).toThrow('the Lease was not renewed for 60.0 s');
    const before = server.writes.length;
    own.continue();
    await clock.advance(10_000);
    expect([losses.length, server.writes.length]).toEqual([1, before]);
  });
});

describe('stopping', () => {
  test('a leader gives the Lease up, and may not write any more', async () => {
    await lead();
    await stop(elector);
    expect(server.stored?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 1 });
    expect(() => elector.assertLeading()).toThrow('it is not the leader');
    expect(losses).toEqual([]);
  });

  test('in the middle of a renewal: it is free in the end, whichever arrives first', async () => {
    await lead();
    own.passage = () => ({ there: 1_500, back: 0 });
    await clock.advance(2_100);
    own.passage = () => ({ there: 300, back: 0 });
    await stop(elector);
    await clock.advance(2_000);
    expect(server.stored?.spec?.holderIdentity).toBe('');
  });

  test('a standby leaves the Lease alone', async () => {
    foreign();
    elector.start();
    await clock.advance(1_000);
    await stop(elector);
    expect(server.stored?.spec?.holderIdentity).toBe('other');
  });

  test('without a server it ends all the same', async () => {
    await lead();
    own.passage = () => lost;
    const startMs = clock.monotonic();
    await stop(elector);
    expect(clock.monotonic() - startMs).toBeLessThan(2_500);
  });
});

describe('the guard of a connection', () => {
  let stub: StubApiServer;
  let connection: Connection;

  beforeEach(async () => {
    stub = await StubApiServer.start((_request, response) => json(response, 200, { ok: true }));
    const beforeWrite = (): void => elector.assertLeading();
    connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test', beforeWrite });
  });

  afterEach(async () => {
    await connection.close();
    await stub[Symbol.asyncDispose]();
  });

  test('reads pass always, writes while it leads; after that none reaches the server', async () => {
    const write = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE') => connection.call({ method, path: '/x', body: {} });
    await expect(write('POST')).rejects.toMatchObject({ code: 'NotLeader' });
    await connection.call({ method: 'GET', path: '/x' });
    await lead();
    await write('PATCH');
    expect(stub.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH']);
    own.halt();
    await clock.advance(10_000);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      await expect(write(method)).rejects.toMatchObject({ code: 'NotLeader' });
    }
    expect(stub.requests).toHaveLength(2);
    own.continue();
  });
});

test('renewals go on beside a flood of writes that the server does not answer', async () => {
  await using stub = await StubApiServer.start(({ method, path, body }, response) => {
    if (!path.includes('/leases')) return;
    if (method === 'GET' && server.stored === undefined) return refuse(response, 404, 'NotFound');
    const lease = method === 'GET' ? undefined : (JSON.parse(body) as Lease);
    if (lease !== undefined) server[method === 'POST' ? 'create' : 'replace'](lease);
    json(response, 200, server.stored);
  });
  const to = { kubeconfigPath: stub.kubeconfigPath, userAgent: 'test', clock };
  const [work, election] = [connect({ ...to, timeoutMs: 3_600_000 }), connect({ ...to, connections: 1 })];
  const leading = new LeaderElector({
    client: new KubeClient(election),
    lease: { namespace: 'lab', name: 'leader' },
    identity: 'busy',
    timing,
    clock,
    log: silent(),
    onElected: (transitions) => elected.push(transitions),
    onLost: (reason) => losses.push(reason),
  });
  const flood = Array.from({ length: 200 }, () => work.call({ method: 'PATCH', path: '/x', body: {} }));
  const ended = Promise.allSettled(flood);
  leading.start();
  await eventually('twenty renewals', () => server.writes.length > 20, { clock, stepMs: 100 });
  expect([leading.leading, losses]).toEqual([true, []]);
  await stop(leading);
  await Promise.all([work.close(), election.close(), ended]);
});
