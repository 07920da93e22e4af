import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { KubeClient } from './client.ts';
import { FakeClock } from './clock.ts';
import { connect, type Connection } from './connection.ts';
import { MetricRegistry } from './metrics.ts';
import { Reflector, type Listener } from './reflector.ts';
import { eventually } from './testing/eventually.ts';
import { StubApiServer, json, openWatch, refuse, sendEvent, type StubRequest } from './testing/stub-api-server.ts';
import { recordingLog, widget, widgetList, widgets, type Widget } from './testing/widget.ts';

type Answer = (response: ServerResponse, request: StubRequest) => void;

const empty: Answer = (response) => json(response, 200, widgetList('10', []));

/** What the server does: the next list is answered by the next entry of `lists`, and watches are kept for the test. */
let lists: Answer[];
let watches: { readonly request: StubRequest; readonly response: ServerResponse }[];
let refuseWatch: Answer | undefined;

let stub: StubApiServer;
let clock: FakeClock;
let connection: Connection;
let reflector: Reflector<Widget>;
let seen: string[];
let lines: { level: number; msg: string }[];
const metrics = new MetricRegistry();

beforeEach(async () => {
  lists = [];
  watches = [];
  refuseWatch = undefined;
  seen = [];
  stub = await StubApiServer.start((request, response) => {
    if (!request.query.has('watch')) return (lists.shift() ?? empty)(response, request);
    if (refuseWatch !== undefined) return refuseWatch(response, request);
    watches.push({ request, response: openWatch(response) });
  });
  clock = new FakeClock();
  connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test', clock });
  const recording = recordingLog();
  lines = recording.lines;
  const indexes = { bySize: (object: Widget) => [String(object.spec?.size ?? 0)] };
  const client = new KubeClient(connection);
  reflector = new Reflector({
    client,
    resource: widgets,
    clock,
    log: recording.log,
    random: () => 0.5,
    metrics,
    indexes,
  });
  reflector.subscribe(note);
});

afterEach(async () => {
  await reflector.stop();
  await connection.close();
  await stub[Symbol.asyncDispose]();
  expect(clock.pendingTimers).toBe(0);
});

const note: Listener<Widget> = (key, before, now) => {
  const [from, to] = [before, now].map((object) => object?.metadata.resourceVersion ?? '-');
  seen.push(`${key} ${from}>${to}`);
};

async function watching(count: number, stepMs = 50): Promise<ServerResponse> {
  await eventually(`watch number ${count}`, () => watches.length >= count, { clock, stepMs });
  const watch = watches[count - 1];
  if (watch === undefined) throw new Error('no watch');
  return watch.response;
}

function versionsAsked(): (string | null)[] {
  return watches.map(({ request }) => request.query.get('resourceVersion'));
}

async function sees(...expected: string[]): Promise<void> {
  await eventually(`sees ${expected.join(', ')}`, () => seen.length >= expected.length, { clock });
  expect(seen.splice(0)).toEqual(expected);
}

function listCount(): number {
  return stub.requests.filter(({ query }) => !query.has('watch')).length;
}

describe('Reflector', () => {
  test('lists page by page, then watches from there with bookmarks and a random time limit', async () => {
    lists = [
      (response) => json(response, 200, widgetList('7', [widget('a', '3')], 'more')),
      (response, { query }) =>
        json(response, 200, widgetList('7', [widget('b', query.get('continue') === 'more' ? '4' : '?')])),
    ];
    reflector.start();
    await reflector.synced();
    expect(seen.splice(0)).toEqual(['lab/a ->3', 'lab/b ->4']);
    const watch = await watching(1);
    expect(Object.fromEntries(watches[0]?.request.query ?? [])).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '7',
      timeoutSeconds: '450',
    });

    sendEvent(watch, 'ADDED', widget('c', '8', { size: 5 }));
    sendEvent(watch, 'MODIFIED', widget('a', '9', { size: 5 }));
    sendEvent(watch, 'DELETED', widget('b', '10'));
    await sees('lab/c ->8', 'lab/a 3>9', 'lab/b 4>-');
    expect(
      reflector.store
        .byIndex('bySize', '5')
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual(['a', 'c']);
    expect(reflector.store.byIndex('bySize', '1')).toEqual([]);
    expect(reflector.store.get('lab/a')?.metadata).not.toHaveProperty('managedFields');
  });

  test('goes on from the last bookmark after the server ended the watch in order, without a new list', async () => {
    reflector.start();
    const watch = await watching(1);
    sendEvent(watch, 'BOOKMARK', { kind: 'Widget', apiVersion: 'lab.example/v1', metadata: { resourceVersion: '99' } });
    watch.end();
    await watching(2);
    expect(versionsAsked()).toEqual(['10', '99']);
    expect(listCount()).toBe(1);
  });

  test('a reset in the middle of an event: the event comes with the next watch', async () => {
    reflector.start();
    const watch = await watching(1);
    sendEvent(watch, 'ADDED', widget('a', '11'));
    watch.write('{"type":"ADDED","object":{"apiVersion":"lab.exa');
    await sees('lab/a ->11');
    watch.destroy();
    sendEvent(await watching(2), 'ADDED', widget('b', '12'));
    await sees('lab/b ->12');
    expect(versionsAsked()).toEqual(['10', '11']);
    expect(listCount()).toBe(1);
  });

  test('truncated JSON on a whole line is not trusted: list anew', async () => {
    reflector.start();
    (await watching(1)).write('{"type":"ADDED","object":{"apiVersion":\n');
    await watching(2);
    expect(listCount()).toBe(2);
  });

  test('a watch that hangs without a byte is given up after the inactivity limit', async () => {
    reflector.start();
    await watching(1);
    await clock.advance(149_000);
    expect(watches).toHaveLength(1);
    expect(reflector.ageMs()).toBeGreaterThanOrEqual(149_000);
    await clock.advance(2_000);
    sendEvent(await watching(2), 'ADDED', widget('a', '11'));
    await sees('lab/a ->11');
    expect(reflector.ageMs()).toBeLessThan(1_000);
    expect(listCount()).toBe(1);
  });

  test('410 on the watch, as status or as ERROR event: what changed meanwhile is told from a new list', async () => {
    lists = [
      (response) => json(response, 200, widgetList('10', [widget('a', '1'), widget('b', '2'), widget('c', '3')])),
      (response) => json(response, 200, widgetList('20', [widget('a', '1'), widget('b', '15')])),
      (response) => json(response, 200, widgetList('30', [widget('b', '15')])),
    ];
    reflector.start();
    const watch = await watching(1);
    expect(seen.splice(0)).toHaveLength(3);
    sendEvent(watch, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
    watch.end();
    await sees('lab/c 3>-', 'lab/b 2>15');
    refuseWatch = (response) => {
      refuseWatch = undefined;
      refuse(response, 410, 'Gone');
    };
    (await watching(2)).end();
    await sees('lab/a 1>-');
    await watching(3);
    expect(versionsAsked()).toEqual(['10', '20', '30']);
  });

  test('410 between two pages: the list is read again in one piece', async () => {
    lists = [
      (response) => json(response, 200, widgetList('5', [widget('old', '1')], 'token')),
      (response) => refuse(response, 410, 'Expired'),
      (response, { query }) =>
        json(response, 200, widgetList('6', [widget(query.has('limit') ? 'paged' : 'whole', '2')])),
    ];
    reflector.start();
    await reflector.synced();
    expect(seen).toEqual(['lab/whole ->2']);
  });

  test('429, 500 and an unreachable server are retried without end, Retry-After is honoured, the version is kept', async () => {
    reflector.start();
    await watching(1);
    const codes = [429, 500, 503, 500, 500, 401, 500, 429];
    let refusedAtMs = 0;
    refuseWatch = (response) => {
      const code = codes.shift();
      if (code === undefined) {
        refuseWatch = undefined;
        refusedAtMs = clock.monotonic();
        return refuse(response, 429, 'TooManyRequests', { 'Retry-After': '77' });
      }
      refuse(response, code, 'Trouble');
    };
    watches[0]?.response.destroy();
    await watching(2, 1_000);
    expect(clock.monotonic() - refusedAtMs).toBeGreaterThanOrEqual(77_000);
    expect(versionsAsked()).toEqual(['10', '10']);
    expect(listCount()).toBe(1);
    expect(metrics.expose()).toMatch(/reflector_failures_total\{kind="Widget",code="Trouble"\} \d/);
  });

  test('deleted and created anew while nobody watched: gone, then added', async () => {
    lists = [
      (response) => json(response, 200, widgetList('10', [widget('a', '1')])),
      (response) => json(response, 200, widgetList('20', [widget('a', '15', { uid: 'another' })])),
    ];
    reflector.start();
    const watch = await watching(1);
    await sees('lab/a ->1');
    sendEvent(watch, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await sees('lab/a 1>-', 'lab/a ->15');
    expect(reflector.store.get('lab/a')?.metadata.uid).toBe('another');
  });

  test('an object of another kind in the stream is not trusted', async () => {
    reflector.start();
    sendEvent(await watching(1), 'ADDED', { ...widget('a', '11'), kind: 'Gadget' });
    await watching(2);
    expect(reflector.store.size).toBe(0);
    expect(listCount()).toBe(2);
  });

  test('a listener that throws is told again until it takes the change; others hear it at once', async () => {
    let failures = 3;
    const taken: string[] = [];
    reflector.subscribe((key, before, now) => {
      if (failures-- > 0) throw new Error('not now');
      taken.push(`${key} ${before?.metadata.resourceVersion ?? '-'}>${now?.metadata.resourceVersion ?? '-'}`);
    });
    reflector.start();
    const watch = await watching(1);
    sendEvent(watch, 'ADDED', widget('a', '11'));
    sendEvent(watch, 'MODIFIED', widget('a', '12'));
    await sees('lab/a ->11', 'lab/a 11>12');
    expect(taken).toEqual([]);
    await eventually('the listener takes it', () => taken.length > 0, { clock });
    expect(taken).toEqual(['lab/a ->12']);
    expect(lines.some(({ level, msg }) => level === 50 && msg.includes('listener failed'))).toBe(true);
    await clock.advance(120_000);
    expect(taken).toHaveLength(1);
  });

  test('a late subscriber begins with what is there, and hears no more after it left', async () => {
    lists = [(response) => json(response, 200, widgetList('10', [widget('a', '1')]))];
    reflector.start();
    await reflector.synced();
    const late: string[] = [];
    const leave = reflector.subscribe((key) => late.push(key));
    expect(late).toEqual(['lab/a']);
    leave();
    sendEvent(await watching(1), 'ADDED', widget('b', '11'));
    await sees('lab/a ->1', 'lab/b ->11');
    expect(late).toEqual(['lab/a']);
  });

  test('synced waits for the first list that works, and can be given up', async () => {
    lists = [(response) => refuse(response, 500, 'Down'), (response) => refuse(response, 404, 'NotFound'), empty];
    const impatient = new AbortController();
    const givenUp = expect(reflector.synced(impatient.signal)).rejects.toBe('no time');
    let synced = false;
    const waiting = reflector.synced().then(() => (synced = true));
    expect(reflector.ageMs()).toBe(Infinity);
    reflector.start();
    impatient.abort('no time');
    await givenUp;
    await eventually('two lists have failed', () => lists.length === 1, { clock });
    expect(synced).toBe(false);
    await eventually('synced', () => synced, { clock });
    await waiting;
  });
});
