import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SystemClock } from '../kube/clock.ts';
import { HttpServer } from '../kube/http.ts';
import { MetricRegistry } from '../kube/metrics.ts';
import { eventually } from '../kube/testing/eventually.ts';
import { silent } from '../kube/testing/widget.ts';
import { Runtimes } from './native/runtimes.ts';
import { StubRuntime } from './testing/stub-runtime.ts';
import { traceDownload } from './trace.ts';

const clock = new SystemClock();
let runtime: StubRuntime;
let runtimes: Runtimes;
let server: HttpServer;
let url: string;
let observed: number;

beforeEach(async () => {
  runtime = new StubRuntime();
  observed = 0;
  runtimes = new Runtimes({
    socketPath: runtime.socketPath,
    listener: {
      connected: () => undefined,
      observed: () => (observed += 1),
      lost: () => (observed = 0),
      broke: () => undefined,
    },
    intervalMs: 100,
    clock,
    log: silent(),
  });
  runtimes.start();
  server = new HttpServer({
    port: 0,
    metrics: new MetricRegistry(),
    downloads: {
      '/trace': (query, signal) => traceDownload((...asked) => runtimes.trace(...asked), query, signal),
    },
    log: silent(),
  });
  url = `http://127.0.0.1:${(await server.start()).port}/trace`;
});

afterEach(async () => {
  await server.stop();
  await runtimes.stop();
  await runtime[Symbol.asyncDispose]();
});

async function connected(): Promise<void> {
  await runtime.start();
  await eventually('the runtime', () => observed > 0);
}

test('hands out what the runtime tells, in the format and for the seconds asked for', async () => {
  await connected();
  runtime.trace = ['[', ']'];
  const chrome = await fetch(url);
  expect(chrome.headers.get('content-type')).toBe('application/json');
  expect(await chrome.text()).toBe('{"seconds":5,"format":1}[]');
  expect(await (await fetch(`${url}?seconds=60&format=records`)).text()).toBe('{"seconds":60,"format":2}[]');
  expect(await (await fetch(`${url}?seconds=all`)).text()).toBe('{"seconds":0,"format":1}[]');
});

test.each([
  ['seconds=0', 'seconds=0: write an integer from 1 to 3600, or all\n'],
  ['seconds=-1', 'seconds=-1: write an integer from 1 to 3600, or all\n'],
  ['seconds=1.5', 'seconds=1.5: write an integer from 1 to 3600, or all\n'],
  ['seconds=', 'seconds=: write an integer from 1 to 3600, or all\n'],
  ['seconds=3601', 'seconds=3601: write an integer from 1 to 3600, or all\n'],
  ['format=svg', 'format=svg: write one of chrome, records\n'],
  ['secs=1', 'secs is no parameter: there are seconds, format and gpu\n'],
])('%s is refused with what would work', async (query, words) => {
  await connected();
  const answer = await fetch(`${url}?${query}`);
  expect([answer.status, await answer.text()]).toEqual([400, words]);
});

test('without a runtime, or refused by it, the answer says why', async () => {
  const missing = await fetch(url);
  expect([missing.status, await missing.text()]).toEqual([503, 'no runtime is connected\n']);
  await connected();
  runtime.traceError = 'two traces are being read already; try again later';
  const refused = await fetch(url);
  expect([refused.status, await refused.text()]).toEqual([503, `${runtime.traceError}\n`]);
});

test('a caller that goes away cancels the call to the runtime', async () => {
  await connected();
  runtime.trace = Array.from({ length: 400 }, () => 'x'.repeat(65_536));
  const gone = new AbortController();
  const answer = await fetch(url, { signal: gone.signal });
  expect(answer.status).toBe(200);
  gone.abort();
  await expect(answer.text()).rejects.toThrow();
  await eventually('the cancellation to arrive', () => runtime.tracesCancelled > 0);
});
