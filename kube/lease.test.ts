import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { KubeClient } from './client.ts';
import { FakeClock } from './clock.ts';
import { connect, type Connection } from './connection.ts';
import { LeaseHolder, microTime, type Lease } from './lease.ts';
import { eventually } from './testing/eventually.ts';
import { StubApiServer, json, refuse, type StubRequest } from './testing/stub-api-server.ts';
import { silent } from './testing/widget.ts';

/** The one Lease that the stub keeps, with the API server's optimistic concurrency. */
let stored: Lease | undefined;
let version: number;
let trouble: ((response: ServerResponse) => void) | undefined;
let stall: ((goOn: () => void) => void) | undefined;
let stub: StubApiServer;
let clock: FakeClock;
let connection: Connection;
let holder: LeaseHolder;
/** Holders that are proven to have ended. */
let ended: Set<string>;
let turns: (string | undefined)[];

function serve(request: StubRequest, response: ServerResponse): void {
  if (trouble !== undefined) return trouble(response);
  if (stall !== undefined) return stall(() => answer(request, response));
  answer(request, response);
}

function answer({ method, body }: StubRequest, response: ServerResponse): void {
  if (method === 'GET') return stored === undefined ? refuse(response, 404, 'NotFound') : json(response, 200, stored);
  const sent = JSON.parse(body) as Lease;
  if (method === 'POST' && stored !== undefined) return refuse(response, 409, 'AlreadyExists');
  if (method === 'PUT' && sent.metadata?.resourceVersion !== String(version)) return refuse(response, 409, 'Conflict');
  store(sent);
  json(response, 200, stored);
}

function store(lease: Lease): void {
  stored = { ...lease, metadata: { ...lease.metadata, name: 'n1', uid: 'u', resourceVersion: String(++version) } };
}

function foreign(renewTime: string): void {
  const spec = { holderIdentity: 'other', leaseDurationSeconds: 10, renewTime, leaseTransitions: 4 };
  store({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: 'lab' }, spec });
}

beforeEach(async () => {
  stored = undefined;
  version = 0;
  trouble = undefined;
  stall = undefined;
  [ended, turns] = [new Set(), []];
  stub = await StubApiServer.start(serve);
  clock = new FakeClock(Date.UTC(2030, 5, 1, 12, 0, 0, 7));
  connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test', clock });
  const lease = { namespace: 'lab', name: 'n1' };
  const client = new KubeClient(connection);
  holder = new LeaseHolder({
    client,
    lease,
    holder: 'me',
    durationMs: 10_000,
    renewEveryMs: 3_000,
    ended: async (other) => Promise.resolve(ended.has(other)),
    turned: () => turns.push(holder.held ? 'held' : holder.rival),
    clock,
    log: silent(),
  });
});

afterEach(async () => {
  trouble = undefined;
  await holder.stop();
  await connection.close();
  await stub[Symbol.asyncDispose]();
  expect(clock.pendingTimers).toBe(0);
});

async function until(what: string, condition: () => boolean): Promise<void> {
  await eventually(what, condition, { clock, stepMs: 20 });
}

describe('LeaseHolder', () => {
  test('times have six fractional digits', () => {
    expect(microTime(Date.UTC(2030, 5, 1, 12, 0, 0, 7))).toBe('2030-06-01T12:00:00.007000Z');
  });

  test('creates the lease, renews it every interval with one call, and releases it', async () => {
    holder.start();
    expect(holder.held).toBe(false);
    await until('created', () => holder.held);
    expect(stored?.spec).toEqual({
      holderIdentity: 'me',
      leaseDurationSeconds: 10,
      acquireTime: '2030-06-01T12:00:00.007000Z',
      renewTime: '2030-06-01T12:00:00.007000Z',
      leaseTransitions: 0,
    });
    stub.requests.splice(0);
    const startMs = clock.monotonic();
    await until('renewed twice', () => version === 3 && holder.ageMs() < 1_000);
    expect(stub.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT']);
    expect(clock.monotonic() - startMs).toBeLessThanOrEqual(6_500);
    expect(stub.connections).toBe(1);
    await holder.stop({ release: true });
    expect(stored?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(holder.held).toBe(false);
  });

  test('released in the middle of a renewal: that one ends first, and does not undo the release', async () => {
    holder.start();
    await until('created', () => holder.held);
    let goOn: (() => void) | undefined;
    stall = (renew) => {
      stall = undefined;
      goOn = renew;
    };
    await until('a renewal is under way', () => goOn !== undefined);
    const stopping = holder.stop({ release: true });
    goOn?.();
    await stopping;
    expect(stored?.spec?.holderIdentity).toBe('');
  });

  test('a failing server is asked again sooner than at the next interval, and held turns false when the time is up', async () => {
    holder.start();
    await until('created', () => holder.held);
    trouble = (response) => refuse(response, 500, 'Down');
    const asked = stub.requests.length;
    await until('no longer held', () => !holder.held);
    expect(stub.requests.length - asked).toBeGreaterThan(4);
    trouble = undefined;
    await until('held again', () => holder.held);
    expect(stored?.spec?.leaseTransitions).toBe(0);
  });

  test('a server that hangs costs one interval, not the lease', async () => {
    holder.start();
    await until('created', () => holder.held);
    let hung = 0;
    trouble = () => {
      hung++;
      trouble = undefined;
    };
    await until('renewed after the one that hung', () => version === 2);
    expect(hung).toBe(1);
    await until('and known', () => holder.ageMs() < 1_000);
    expect(holder.held).toBe(true);
  });

  test('changed by others in between: reads it anew and goes on', async () => {
    holder.start();
    await until('created', () => holder.held);
    store({ ...stored, spec: { ...stored?.spec, leaseTransitions: 9 } });
    await until('renewed', () => version === 3);
    expect(stored?.spec).toMatchObject({ holderIdentity: 'me', leaseTransitions: 9 });
  });

  test("another holder's lease is left alone while it is renewed, and taken over once it stands still", async () => {
    // By its wall clock long expired: clocks of two machines are not compared.
    foreign('2001-01-01T00:00:00.000000Z');
    holder.start();
    for (let second = 0; second < 12; second++) {
      await eventually('looked at', () => stub.requests.length > second, { clock, stepMs: 250 });
      foreign(`2001-01-01T00:00:${10 + second}.000000Z`);
      await clock.advance(1_000);
    }
    expect(stored?.spec?.holderIdentity).toBe('other');
    expect(holder.held).toBe(false);
    const stillMs = clock.monotonic();
    await until('taken over', () => stored?.spec?.holderIdentity === 'me');
    expect(clock.monotonic() - stillMs).toBeGreaterThan(8_000);
    expect(stored?.spec?.leaseTransitions).toBe(5);
  });

  test('a holder that is proven to have ended is not waited for', async () => {
    foreign('2001-01-01T00:00:00.000000Z');
    ended.add('other');
    const startMs = clock.monotonic();
    holder.start();
    await until('taken over', () => holder.held);
    expect(clock.monotonic() - startMs).toBeLessThan(1_000);
    expect(stored?.spec).toMatchObject({ holderIdentity: 'me', leaseTransitions: 5 });
    expect(turns).toEqual(['held']);
  });

  test('a holder whose Lease another took learns of it, and is told again when it has it back', async () => {
    holder.start();
    await until('created', () => holder.held);
    foreign('2001-01-01T00:00:00.000000Z');
    await until('displaced', () => holder.rival === 'other');
    expect(holder.held).toBe(false);
    await until('taken back', () => holder.held);
    expect(holder.rival).toBeUndefined();
    expect(turns).toEqual(['held', 'other', 'held']);
  });

  test("another's Lease is taken when its time is up, not an interval later", async () => {
    foreign('2001-01-01T00:00:00.000000Z');
    const startMs = clock.monotonic();
    holder.start();
    await until('taken over', () => holder.held);
    expect(clock.monotonic() - startMs).toBeLessThan(10_500);
  });
});
