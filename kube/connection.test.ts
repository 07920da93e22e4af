import { describe, expect, test } from '@jest/globals';
import { FakeClock } from './clock.ts';
import { connect, type Connection, type ConnectOptions } from './connection.ts';
import { TerminalError, TransientError } from './errors.ts';
import { MetricRegistry } from './metrics.ts';
import { eventually } from './testing/eventually.ts';
import { StubApiServer, json, refuse, type StubHandler } from './testing/stub-api-server.ts';

const nodes = { method: 'GET', path: '/api/v1/nodes' } as const;

async function withStub(
  handler: StubHandler,
  run: (stub: StubApiServer, connection: Connection) => Promise<void>,
  options: Partial<ConnectOptions> & { user?: object; files?: Record<string, string> } = {},
): Promise<void> {
  await using stub = await StubApiServer.start(handler, options.user, options.files);
  const connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test/1', ...options });
  try {
    await run(stub, connection);
  } finally {
    await connection.close();
  }
}

describe('connections, on a stub server', () => {
  test('200 calls, 20 at a time, share two connections; leases and watches have their own', async () => {
    const metrics = new MetricRegistry();
    await withStub(
      (_, response) => json(response, 200, {}),
      async (stub, connection) => {
        for (let round = 0; round < 10; round++) {
          await Promise.all(Array.from({ length: 20 }, () => connection.call(nodes)));
        }
        expect(stub.requests).toHaveLength(200);
        expect(stub.connections).toBe(2);
        await connection.call({ ...nodes, pool: 'leases' });
        expect(stub.connections).toBe(3);
        expect(metrics.expose()).toContain('kube_client_requests_total{method="GET",status="200"} 201');
      },
      { metrics },
    );
  });

  test('a server that never answers: the call ends by its time limit, and others go on', async () => {
    const clock = new FakeClock();
    await withStub(
      ({ path }, response) => {
        if (path !== '/hang') json(response, 200, { ok: true });
      },
      async (stub, connection) => {
        const hanging = connection.call({ method: 'GET', path: '/hang', timeoutMs: 5_000 });
        const failed = expect(hanging).rejects.toMatchObject({ name: 'TransientError', code: 'Timeout' });
        await eventually('the server has it', () => stub.requests.length === 1);
        expect(await connection.call(nodes)).toEqual({ ok: true });
        await clock.advance(5_000);
        await failed;
        expect(clock.pendingTimers).toBe(0);
      },
      { clock },
    );
  });

  test("the caller's own abort reason comes back, also while it waits for a connection", async () => {
    await withStub(
      () => undefined,
      async (stub, connection) => {
        const reason = new Error('not needed any more');
        const controller = new AbortController();
        const calls = [1, 2, 3].map(() => connection.call({ ...nodes, signal: controller.signal }));
        const failed = Promise.all(calls.map((call) => expect(call).rejects.toBe(reason)));
        await eventually('two of them are out', () => stub.requests.length === 2);
        controller.abort(reason);
        await failed;
      },
    );
  });

  test('a reset is repeated for reads, and goes to the caller for writes', async () => {
    let left = 1;
    await withStub(
      (_, response) => (left-- > 0 ? response.destroy() : json(response, 200, { ok: true })),
      async (stub, connection) => {
        expect(await connection.call(nodes)).toEqual({ ok: true });
        left = 1;
        const post = connection.call({ ...nodes, method: 'POST', body: {} });
        await expect(post).rejects.toMatchObject({ name: 'TransientError', code: 'ConnectionFailed' });
        expect(stub.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
      },
    );
  });

  test('an answer cut off in its body is no answer', async () => {
    await withStub(
      (_, response) => {
        response.writeHead(200, { 'content-length': 1_000 });
        response.write('{"kind":');
        response.socket?.destroySoon();
      },
      async (_, connection) => {
        await expect(connection.call({ ...nodes, method: 'POST', body: {} })).rejects.toBeInstanceOf(TransientError);
      },
    );
  });

  test('a rotated token file is read again after a minute, and at once after a 401', async () => {
    const clock = new FakeClock();
    let valid = 'first';
    await withStub(
      ({ headers }, response) =>
        headers.authorization === `Bearer ${valid}` ? json(response, 200, {}) : refuse(response, 401, 'Unauthorized'),
      async (stub, connection) => {
        const tokens = (): (string | undefined)[] =>
          stub.requests.splice(0).map(({ headers }) => headers.authorization);
        await connection.call(nodes);
        stub.writeFile('token', 'second\n');
        await connection.call(nodes);
        expect(tokens()).toEqual(['Bearer first', 'Bearer first']);

        valid = 'second';
        await clock.advance(2_000);
        await connection.call(nodes);
        expect(tokens()).toEqual(['Bearer first', 'Bearer second']);

        stub.writeFile('token', 'third\n');
        await clock.advance(61_000);
        valid = 'third';
        await connection.call(nodes);
        expect(tokens()).toEqual(['Bearer third']);

        valid = 'unknown';
        await clock.advance(2_000);
        await expect(connection.call(nodes)).rejects.toMatchObject({ status: 401 });
        expect(tokens()).toHaveLength(2);
        expect(stub.connections).toBeLessThanOrEqual(2);
      },
      { clock, user: { tokenFile: 'token' }, files: { token: 'first' } },
    );
  });

  test('nothing is sent after close, and what is in flight fails', async () => {
    await withStub(
      () => undefined,
      async (stub, connection) => {
        const failed = expect(connection.call(nodes)).rejects.toMatchObject({ code: 'ConnectionClosed' });
        await eventually('the server has it', () => stub.requests.length === 1);
        await connection.close();
        await failed;
        await expect(connection.call(nodes)).rejects.toBeInstanceOf(TerminalError);
      },
    );
  });
});

describe('configuration', () => {
  test('a missing or empty kubeconfig is a terminal error that names it', () => {
    expect(() => connect({ kubeconfigPath: '/nowhere/config', userAgent: 't' })).toThrow(TerminalError);
    expect(() => connect({ kubeconfigPath: '/nowhere/config', userAgent: 't' })).toThrow('/nowhere/config');
  });

  test('outside a pod there is no service account', () => {
    expect(() => connect({ inCluster: true, userAgent: 't' })).toThrow('the service account');
  });
});
