import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { KubeClient } from './client.ts';
import { FakeClock } from './clock.ts';
import { connect, type Connection } from './connection.ts';
import { EventRecorder, type Event, type EventInput } from './events.ts';
import { toStored } from './stored.ts';
import { eventually } from './testing/eventually.ts';
import { StubApiServer, json, refuse, type StubRequest } from './testing/stub-api-server.ts';
import { recordingLog, widget, widgets } from './testing/widget.ts';

let stored: Map<string, Event>;
let trouble: ((response: ServerResponse) => void) | undefined;
let stub: StubApiServer;
let clock: FakeClock;
let connection: Connection;
let recorder: EventRecorder;
let lines: { level: number; msg: string }[];

function serve({ body }: StubRequest, response: ServerResponse): void {
  if (trouble !== undefined) return trouble(response);
  const sent = JSON.parse(body) as Event;
  const name = sent.metadata?.name ?? '';
  const kept = { ...sent, metadata: { ...sent.metadata, name, uid: name, resourceVersion: '1' } };
  stored.set(name, kept);
  json(response, 200, kept);
}

beforeEach(async () => {
  stored = new Map();
  trouble = undefined;
  stub = await StubApiServer.start(serve);
  clock = new FakeClock(Date.UTC(2030, 0, 1));
  connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test', clock });
  const recording = recordingLog();
  lines = recording.lines;
  const client = new KubeClient(connection);
  recorder = new EventRecorder({ client, controller: 'lab/test', instance: 'here', clock, log: recording.log });
  recorder.start();
});

afterEach(async () => {
  const stopped = recorder.stop(0);
  await clock.advance(0);
  await stopped;
  await connection.close();
  await stub[Symbol.asyncDispose]();
  expect(clock.pendingTimers).toBe(0);
});

function event(note: string, object = 'a'): EventInput {
  const regarding = toStored(widgets, widget(object, '5'));
  return { regarding, type: 'Normal', reason: 'Placed', action: 'Place', note };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  await eventually(what, condition, { clock });
}

describe('EventRecorder', () => {
  test('writes what it was told, once', async () => {
    recorder.record(event('on n1'));
    await until('sent', () => stored.size === 1);
    const [sent] = stored.values();
    expect(sent).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: 'lab', name: expect.stringMatching(/^a\.[0-9a-f]{16}$/) },
      eventTime: '2030-01-01T00:00:00.000000Z',
      reportingController: 'lab/test',
      reportingInstance: 'here',
      type: 'Normal',
      reason: 'Placed',
      action: 'Place',
      note: 'on n1',
      regarding: { apiVersion: 'lab.example/v1', kind: 'Widget', name: 'a', namespace: 'lab', uid: 'uid-a' },
    });
    expect(sent).not.toHaveProperty('series');
    await clock.advance(600_000);
    expect(stub.requests).toHaveLength(1);
  });

  test('repetitions become a series, written together; after a long pause it is news again', async () => {
    recorder.record(event('on n1'));
    await until('sent', () => stored.size === 1);
    for (let n = 0; n < 50; n++) recorder.record(event('on n1'));
    await until('the series is written', () => [...stored.values()].some(({ series }) => series?.count === 51));
    expect(stub.requests.map(({ method }) => method)).toEqual(['POST', 'PUT']);
    expect(stored.size).toBe(1);
    await clock.advance(6 * 60_000);
    recorder.record(event('on n1'));
    await until('a second event', () => stored.size === 2);
  });

  test('each object has a bounded rate of new events, others are not hurt by it', async () => {
    for (let n = 0; n < 100; n++) recorder.record(event(`attempt ${n}`));
    recorder.record(event('other', 'b'));
    await until('sent', () => [...stored.values()].some(({ note }) => note === 'other'));
    expect(stored.size).toBe(26);
    await clock.advance(61_000);
    for (let n = 0; n < 10; n++) recorder.record(event(`later ${n}`));
    await until('two more', () => stored.size === 28);
  });

  test('a server in trouble is asked again; a refusal is dropped with a line in the log; the caller sees neither', async () => {
    trouble = (response) => refuse(response, 500, 'Down');
    recorder.record(event('first'));
    await until('tried', () => stub.requests.length >= 3);
    trouble = undefined;
    await until('sent after all', () => stored.size === 1);

    trouble = (response) => refuse(response, 403, 'Forbidden');
    const asked = stub.requests.length;
    recorder.record(event('second'));
    await until('dropped', () => lines.some(({ msg }) => msg === 'event dropped'));
    trouble = undefined;
    await clock.advance(600_000);
    expect(stub.requests).toHaveLength(asked + 1);
  });

  test('what nobody could be told for minutes is dropped', async () => {
    trouble = (response) => refuse(response, 500, 'Down');
    recorder.record(event('old news'));
    await eventually('dropped', () => lines.some(({ msg }) => msg === 'event dropped'), { clock, stepMs: 1_000 });
    expect(clock.now() - Date.UTC(2030, 0, 1)).toBeLessThan(180_000);
  });

  test('stop sends what is left, but waits only so long', async () => {
    for (let n = 0; n < 10; n++) recorder.record(event(`note ${n}`));
    await recorder.stop();
    expect(stored.size).toBe(10);
    recorder.record(event('too late'));
    await clock.advance(60_000);
    expect(stored.size).toBe(10);
  });

  test('stop gives a hanging server up', async () => {
    trouble = () => undefined;
    recorder.record(event('lost'));
    await until('asked', () => stub.requests.length === 1);
    let stopped = false;
    const stopping = recorder.stop(2_000).then(() => (stopped = true));
    await clock.advance(1_999);
    expect(stopped).toBe(false);
    await clock.advance(1);
    await stopping;
  });

  test('a note is cut to what the server takes, between characters', async () => {
    recorder.record(event('ü'.repeat(600)));
    recorder.record(event('€'.repeat(600)));
    await until('sent', () => stored.size === 2);
    expect([...stored.values()].map(({ note }) => note)).toEqual(['ü'.repeat(512), '€'.repeat(341)]);
  });
});
