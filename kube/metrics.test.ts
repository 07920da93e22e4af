import { afterEach, describe, expect, test } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { HttpServer, type Check } from './http.ts';
import { MetricRegistry } from './metrics.ts';
import { silent } from './testing/widget.ts';

describe('MetricRegistry', () => {
  test('exposes counters, gauges and histograms as Prometheus reads them', () => {
    const registry = new MetricRegistry();
    const jobs = registry.counter({ name: 'jobs_total', help: 'Jobs.\nAll of them.', labels: ['task', 'result'] });
    jobs.add(2, { task: 'a"b\\c\n', result: 'ok' });
    jobs.add(1, { task: 'a"b\\c\n', result: 'ok' });
    registry.gauge({ name: 'load', help: 'Load.' }).set(0.25, {});
    const latency = registry.histogram({
      name: 'latency_seconds',
      help: 'Latency.',
      labels: ['task'],
      buckets: [0.1, 1],
    });
    for (const value of [0.05, 0.1, 0.5, 3]) latency.observe(value, { task: 'x' });
    expect(registry.expose()).toBe(
      [
        '# HELP jobs_total Jobs.\\nAll of them.',
        '# TYPE jobs_total counter',
        'jobs_total{task="a\\"b\\\\c\\n",result="ok"} 3',
        '# HELP load Load.',
        '# TYPE load gauge',
        'load 0.25',
        '# HELP latency_seconds Latency.',
        '# TYPE latency_seconds histogram',
        'latency_seconds_bucket{task="x",le="0.1"} 2',
        'latency_seconds_bucket{task="x",le="1"} 3',
        'latency_seconds_bucket{task="x",le="+Inf"} 4',
        'latency_seconds_sum{task="x"} 3.65',
        'latency_seconds_count{task="x"} 4',
        '# HELP metrics_overflow_total Observations lost because a metric had its full number of label sets.',
        '# TYPE metrics_overflow_total counter',
        '',
      ].join('\n'),
    );
  });

  test('mirrors totals and histograms that are kept elsewhere; removed series vanish', () => {
    const registry = new MetricRegistry();
    const total = registry.counter({ name: 'x_total', help: 'X.', labels: ['task'] });
    total.setTotal(41, { task: 'a' });
    total.setTotal(42, { task: 'a' });
    total.setTotal(7, { task: 'b' });
    total.remove({ task: 'b' });
    const histogram = registry.histogram({ name: 'h', help: 'H.', buckets: [1, 2] });
    histogram.setCounts([1, 2, 3], 12, {});
    const text = registry.expose();
    expect(text).toContain('x_total{task="a"} 42\n');
    expect(text).not.toContain('task="b"');
    expect(text).toContain('h_bucket{le="1"} 1\nh_bucket{le="2"} 3\nh_bucket{le="+Inf"} 6\nh_sum 12\nh_count 6\n');
    expect(() => histogram.setCounts([1, 2], 12, {})).toThrow('has 3 buckets, 2 were given');
  });

  test('asking again gives the same metric; another shape is refused', () => {
    const registry = new MetricRegistry();
    registry.counter({ name: 'x_total', help: 'X.', labels: ['a'] }).add(1, { a: '1' });
    registry.counter({ name: 'x_total', help: 'X.', labels: ['a'] }).add(1, { a: '1' });
    expect(registry.expose()).toContain('x_total{a="1"} 2');
    expect(() => registry.counter({ name: 'x_total', help: 'X.', labels: ['b'] })).toThrow('exists as counter by a');
    expect(() => registry.gauge({ name: 'x_total', help: 'X.', labels: ['a'] })).toThrow('asked for as gauge');
    expect(() => registry.gauge({ name: 'bad-name', help: 'X.' })).toThrow(RangeError);
    expect(() => registry.counter({ name: 'y_total', help: 'Y.' }).add(-1, {})).toThrow(RangeError);
  });

  test('label sets beyond the bound are dropped and counted; removal makes room', () => {
    const registry = new MetricRegistry();
    const gauge = registry.gauge({ name: 'g', help: 'G.', labels: ['n'], maxSeries: 2 });
    for (const n of ['1', '2', '3', '4']) gauge.set(1, { n });
    expect(registry.expose()).toContain('metrics_overflow_total{metric="g"} 2');
    expect(registry.expose()).not.toContain('g{n="3"}');
    gauge.remove({ n: '1' });
    gauge.set(1, { n: '3' });
    expect(registry.expose()).toContain('g{n="3"} 1');
  });
});

const boom: Check = () => {
  throw new Error('boom');
};

describe('HttpServer', () => {
  let server: HttpServer | undefined;
  afterEach(() => server?.stop());

  async function serve(checks: { [name: string]: Check }, metrics = new MetricRegistry()): Promise<string> {
    server = new HttpServer({ port: 0, metrics, readiness: checks, health: {}, log: silent() });
    const { address, port } = await server.start();
    return `http://${address}:${port}`;
  }

  test('readiness names what is wrong, health stands apart, metrics are collected at that moment', async () => {
    const metrics = new MetricRegistry();
    const gauge = metrics.gauge({ name: 'collected', help: 'C.' });
    metrics.onCollect(() => gauge.set(17, {}));
    let problem: string | undefined = 'first list outstanding';
    const url = await serve({ store: () => problem, other: () => undefined }, metrics);
    const notReady = await fetch(`${url}/readyz`);
    expect(notReady.status).toBe(503);
    expect(await notReady.text()).toBe('[-]store failed: first list outstanding\n[+]other ok\nfailed\n');
    expect((await fetch(`${url}/healthz?verbose`)).status).toBe(200);
    problem = undefined;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('collected 17\n');
  });

  test('/readyz ends with what the process is', async () => {
    const log = silent();
    server = new HttpServer({ port: 0, metrics: new MetricRegistry(), role: () => 'standby, other leads', log });
    const { port } = await server.start();
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([answer.status, await answer.text()]).toEqual([200, 'ok: standby, other leads\n']);
  });

  test('a check or a collector that throws is a failure, not the end', async () => {
    const metrics = new MetricRegistry();
    metrics.onCollect(() => {
      throw new Error('broken');
    });
    const url = await serve({ check: boom }, metrics);
    expect(await (await fetch(`${url}/readyz`)).text()).toContain(
      '[-]check failed: the check itself failed: Error: boom',
    );
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('only GET, only the known paths', async () => {
    const url = await serve({});
    const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await fetch(`${url}/other`)).status).toBe(404);
  });

  test('stop ends open connections; a taken port is an error that names it', async () => {
    const url = new URL(await serve({}));
    const socket: Socket = connect(Number(url.port), url.hostname);
    await once(socket, 'connect');
    const second = new HttpServer({ port: Number(url.port), metrics: new MetricRegistry(), log: silent() });
    await expect(second.start()).rejects.toMatchObject({
      code: 'ListenFailed',
      message: expect.stringContaining(url.port),
    });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined).resume();
    await server?.stop();
    await closed;
  });
});
