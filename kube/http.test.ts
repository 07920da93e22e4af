import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { TerminalError, TransientError } from './errors.ts';
import { type Download, type Downloader, HttpServer } from './http.ts';
import { MetricRegistry } from './metrics.ts';
import { eventually } from './testing/eventually.ts';
import { silent } from './testing/widget.ts';

let server: HttpServer | undefined;
afterEach(() => server?.stop());

async function serve(download: Downloader): Promise<string> {
  server = new HttpServer({
    port: 0,
    metrics: new MetricRegistry(),
    downloads: { '/pieces': download },
    log: silent(),
  });
  const { port } = await server.start();
  return `http://127.0.0.1:${port}`;
}

function textOf(pieces: () => AsyncGenerator<string>): Download {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces()) yield Buffer.from(piece);
  }
  return { type: 'text/plain', body: bytes() };
}

test('a download is sent piece by piece, with what the caller asked for', async () => {
  const url = await serve((query) =>
    textOf(async function* () {
      yield `seconds ${query.get('seconds')}\n`;
      yield 'and more\n';
    }),
  );
  const answer = await fetch(`${url}/pieces?seconds=3`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain']);
  expect(await answer.text()).toBe('seconds 3\nand more\n');
  expect(await (await fetch(`${url}/other`)).text()).toBe('there are /metrics, /healthz, /readyz, /pieces\n');
  expect((await fetch(`${url}/pieces`, { method: 'POST' })).status).toBe(405);
});

test.each([
  [new TerminalError('seconds=x: write a number', { code: 'BadQuery' }), 400, 'seconds=x: write a number\n'],
  [new TransientError('no runtime is connected', { code: 'UNAVAILABLE' }), 503, 'no runtime is connected\n'],
  [new Error('a bug'), 500, 'this could not be read\n'],
])('what fails before the first piece is an answer: %s', async (error, status, text) => {
  for (const early of [true, false]) {
    const url = await serve(() => {
      if (early) throw error;
      // eslint-disable-next-line require-yield
      return textOf(async function* () {
        throw error;
      });
    });
    const answer = await fetch(`${url}/pieces`);
    expect([answer.status, await answer.text()]).toEqual([status, text]);
    await server?.stop();
  }
});

test('what fails later breaks the connection, so that nobody takes the part for the whole', async () => {
  const url = await serve(() =>
    textOf(async function* () {
      yield 'a part';
      throw new TransientError('the runtime went away', { code: 'UNAVAILABLE' });
    }),
  );
  const answer = await fetch(`${url}/pieces`);
  expect(answer.status).toBe(200);
  await expect(answer.text()).rejects.toThrow();
});

test('a caller that goes away ends the download, and one that does not read holds it back', async () => {
  let made = 0;
  let ended = false;
  const url = await serve((_query, signal) =>
    textOf(async function* () {
      try {
        for (; !signal.aborted; made += 1) yield 'x'.repeat(65_536);
      } finally {
        ended = true;
      }
    }),
  );
  const asked = get(`${url}/pieces`);
  const [answer]: IncomingMessage[] = await once(asked, 'response');
  answer?.pause();
  let before = -1;
  await eventually('the pieces to be held back', async () => {
    const same = made === before;
    before = made;
    return same;
  });
  expect(ended).toBe(false);
  asked.on('error', () => undefined).destroy();
  await eventually('the download to end', () => ended);
});
