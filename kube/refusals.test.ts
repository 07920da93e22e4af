import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from './clock.ts';
import { connect, type Connection } from './connection.ts';
import { ApiError } from './errors.ts';
import { eventually } from './testing/eventually.ts';

const nodes = { method: 'GET', path: '/api/v1/nodes' } as const;

describe('refusals, by nock', () => {
  const server = 'https://10.1.2.3:6443';
  let dir: string;
  let clock: FakeClock;
  let connection: Connection;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'connection-test-'));
    const config = {
      clusters: [{ name: 'c', cluster: { server } }],
      users: [{ name: 'u', user: { token: 'secret' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(join(dir, 'kubeconfig'), JSON.stringify(config));
    clock = new FakeClock();
    connection = connect({ kubeconfigPath: join(dir, 'kubeconfig'), userAgent: 'test/1', clock, random: () => 0 });
  });

  afterEach(async () => {
    await connection.close();
    nock.cleanAll();
    nock.restore();
    nock.activate();
    rmSync(dir, { recursive: true });
  });

  // It patches Node's own modules, which test files that run later in this process share.
  afterAll(() => nock.restore());

  function refuseWith(code: number, reason: string, headers: Record<string, string> = {}): object {
    const body = { kind: 'Status', code, reason, message: `because ${reason}` };
    return nock(server).get('/api/v1/nodes').reply(code, body, headers);
  }

  test('sends who we are, and parses the answer', async () => {
    const headers = { authorization: 'Bearer secret', 'user-agent': 'test/1', accept: 'application/json' };
    nock(server, { reqheaders: headers }).get('/api/v1/nodes').query({ limit: '5' }).reply(200, { kind: 'NodeList' });
    const query = { limit: 5, continue: undefined };
    expect(await connection.call({ ...nodes, query })).toEqual({ kind: 'NodeList' });
    expect(connection.namespace).toBe('default');
  });

  test('429 is tried again after Retry-After, not before', async () => {
    refuseWith(429, 'TooManyRequests', { 'Retry-After': '3' });
    nock(server).get('/api/v1/nodes').reply(200, { kind: 'NodeList' });
    let answered = false;
    const call = connection.call(nodes).then(() => (answered = true));
    await eventually('the first answer is 429', () => nock.pendingMocks().length === 1);
    await clock.advance(2_900);
    expect([answered, nock.pendingMocks().length]).toEqual([false, 1]);
    await eventually('the second answer', () => answered, { clock });
    await call;
  });

  test('429 without end: the retries are bounded and the error says why', async () => {
    let sent = 0;
    const interceptor = nock(server).get('/api/v1/nodes').times(20);
    const scope = interceptor.reply(429, { kind: 'Status', reason: 'TooManyRequests', message: 'busy' });
    scope.on('request', () => sent++);
    let error: unknown;
    const call = connection.call({ ...nodes, timeoutMs: 3_600_000 }).catch((caught: unknown) => (error = caught));
    await eventually('the call gives up', () => error !== undefined, { clock, stepMs: 500 });
    await call;
    expect(error).toMatchObject({ name: 'ApiError', status: 429, reason: 'TooManyRequests' });
    expect(sent).toBe(6);
  });

  test('a Retry-After beyond the time limit is not waited for', async () => {
    refuseWith(503, 'ServiceUnavailable', { 'Retry-After': '60' });
    await expect(connection.call(nodes)).rejects.toMatchObject({ status: 503, retryAfterMs: 60_000 });
    expect(clock.monotonic()).toBe(0);
  });

  test('500 goes to the caller at once, with status, reason and message', async () => {
    refuseWith(500, 'InternalError');
    const error = await connection.call(nodes).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 500, code: 'InternalError' });
    expect(String(error)).toContain('GET /api/v1/nodes: because InternalError');
  });

  test('a refusal that is no Status is an ApiError all the same', async () => {
    nock(server).get('/api/v1/nodes').reply(502, '<html>bad gateway</html>');
    await expect(connection.call(nodes)).rejects.toMatchObject({ status: 502, reason: '', code: 'Http502' });
  });

  test('truncated JSON is a BadResponse, never a value', async () => {
    nock(server).get('/api/v1/nodes').reply(200, '{"kind":"NodeList","items":[{"metada');
    await expect(connection.call(nodes)).rejects.toMatchObject({ name: 'TransientError', code: 'BadResponse' });
  });

  test('the fields that a validation refused are kept', async () => {
    const causes = [{ field: 'spec.period', message: 'must be longer', reason: 'FieldValueInvalid' }];
    const body = { kind: 'Status', code: 422, reason: 'Invalid', message: 'no', details: { causes } };
    nock(server).post('/api/v1/nodes', { a: 1 }).reply(422, body);
    const call = connection.call({ ...nodes, method: 'POST', body: { a: 1 } });
    await expect(call).rejects.toMatchObject({
      status: 422,
      causes: [{ field: 'spec.period', message: 'must be longer' }],
    });
  });
});
