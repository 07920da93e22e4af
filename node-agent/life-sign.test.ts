// Whether another agent of the same runtime has ended, by the sockets that processes leave behind. Real sockets.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { LifeSign } from './life-sign.ts';

const log = pino({ level: 'silent' });
let folder: string;
let runtimeSocket: string;
let own: LifeSign;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
  runtimeSocket = join(folder, 'runtime.sock');
  own = new LifeSign(runtimeSocket, log);
});

afterEach(async () => {
  await own.hide();
  rmSync(folder, { recursive: true });
});

/** The file that a process leaves whose sockets the kernel has closed: an orderly close would remove it by its first name. */
async function leftBehind(name: string): Promise<void> {
  const [first, last] = ['first', name].map((each) => join(folder, each)) as [string, string];
  const server = createServer().listen(first);
  await once(server, 'listening');
  renameSync(first, last);
  server.close();
  await once(server, 'close');
}

test('one that listens has not ended, also by its own word', async () => {
  await own.show();
  const other = new LifeSign(runtimeSocket, log);
  expect(await other.ended(own.holder)).toBe(false);
  expect(await own.ended(own.holder)).toBe(false);
  expect(other.holder).not.toBe(own.holder);
});

test('a file that refuses connections proves an end, and is removed once that does not matter any more', async () => {
  await leftBehind('runtime.sock.agent-0123abcd');
  await leftBehind('other.sock.agent-0123abcd');
  expect(await own.ended('some_host_0123abcd')).toBe(true);
  await own.show();
  await own.sweep();
  expect(await own.ended('some_host_0123abcd')).toBe(false);
  const kept = readdirSync(folder);
  expect(kept).toContain('other.sock.agent-0123abcd');
  expect(kept.filter((file) => file.startsWith('runtime.sock.agent-'))).toHaveLength(1);
});

test.each(['n1', 'host_89abcdef', 'host_../../x', '', 'daris-operator_12345678'])(
  'no file proves nothing: %s',
  async (holder) => {
    expect(await own.ended(holder)).toBe(false);
  },
);

test('one that ends in order leaves no file', async () => {
  await own.show();
  await own.hide();
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder that cannot be written to, or a path that is too long, is told and borne', async () => {
  const told: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => told.push(line) });
  for (const path of [join(folder, 'missing', 'runtime.sock'), join(folder, 'x'.repeat(120))]) {
    const sign = new LifeSign(path, logger);
    await sign.show();
    await sign.sweep();
    await sign.hide();
    expect(existsSync(path)).toBe(false);
  }
  expect(told).toHaveLength(2);
});
