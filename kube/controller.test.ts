import { describe, expect, test } from '@jest/globals';
import { KubeClient } from './client.ts';
import { FakeClock } from './clock.ts';
import { connect } from './connection.ts';
import { Controller, done, requeueAfter, type ControllerOptions, type Reconcile } from './controller.ts';
import { ApiError, TerminalError, TransientError } from './errors.ts';
import { MetricRegistry } from './metrics.ts';
import { Reflector } from './reflector.ts';
import { eventually } from './testing/eventually.ts';
import { StubApiServer, json, openWatch, sendEvent } from './testing/stub-api-server.ts';
import { recordingLog, silent, widget, widgetList, widgets } from './testing/widget.ts';

interface Rig {
  readonly clock: FakeClock;
  readonly controller: Controller;
  /** When each reconcile began: `key@ms`. */
  readonly runs: string[];
  readonly lines: { level: number; msg: string }[];
  readonly metrics: MetricRegistry;
}

function start(reconcile: Reconcile, more: Partial<ControllerOptions> & { clock?: FakeClock } = {}): Rig {
  const { clock = new FakeClock() } = more;
  const runs: string[] = [];
  const { log, lines } = recordingLog();
  const metrics = new MetricRegistry();
  const controller = new Controller({
    name: 'test',
    log,
    metrics,
    backoff: { initialMs: 100, maxMs: 1_000, jitter: 0 },
    random: () => 0.5,
    ...more,
    clock,
    reconcile: (key, signal) => {
      runs.push(`${key}@${clock.monotonic()}`);
      return reconcile(key, signal);
    },
  });
  controller.start();
  return { clock, controller, runs, lines, metrics };
}

/** Throws these one after the other, then is done. */
function failing(...errors: unknown[]): Reconcile {
  return async () => {
    if (errors.length > 0) throw errors.shift();
    return done;
  };
}

describe('Controller', () => {
  test('done: nothing until something happens; requeueAfter: again then', async () => {
    let outcome = requeueAfter(5_000);
    const { clock, controller, runs } = start(async () => outcome);
    controller.enqueue('a');
    await clock.advance(4_999);
    expect(runs).toEqual(['a@0']);
    outcome = done;
    await clock.advance(3_600_000);
    expect(runs).toEqual(['a@0', 'a@5000']);
    controller.enqueueAfter('a', 10);
    await clock.advance(10);
    expect(runs).toHaveLength(3);
    await controller.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('errors are retried with growing delays, not before Retry-After, and a success ends that', async () => {
    const errors = [
      new TransientError('x', { code: 'X' }),
      new Error('a bug'),
      'not even an error',
      new ApiError('busy', { status: 429, reason: 'TooManyRequests', retryAfterMs: 7_000 }),
    ];
    const { clock, controller, runs, metrics } = start(failing(...errors));
    controller.enqueue('a');
    await clock.advance(60_000);
    expect(runs).toEqual(['a@0', 'a@100', 'a@300', 'a@700', 'a@7700']);
    controller.enqueue('a');
    await clock.advance(0);
    expect(runs).toHaveLength(6);
    expect(metrics.expose()).toContain('controller_reconciles_total{controller="test",result="retry"} 4');
    expect(metrics.expose()).toContain('controller_reconciles_total{controller="test",result="done"} 2');
    await controller.stop();
  });

  test('a terminal error is logged once and not retried before something changes', async () => {
    const { clock, controller, runs, lines } = start(failing(new TerminalError('no such model', { code: 'NoModel' })));
    controller.enqueue('a');
    await clock.advance(3_600_000);
    expect(runs).toHaveLength(1);
    expect(lines.filter(({ level }) => level >= 50)).toHaveLength(1);
    controller.enqueue('a');
    await clock.advance(0);
    expect(runs).toHaveLength(2);
    await controller.stop();
  });

  test('a reconcile that throws without being async fails like any other', async () => {
    let broken = true;
    const { clock, controller, runs } = start(() => {
      if (broken) throw new Error('at once');
      return Promise.resolve(done);
    });
    controller.enqueue('a');
    await clock.advance(50);
    broken = false;
    await clock.advance(1_000);
    expect(runs).toEqual(['a@0', 'a@100']);
    await controller.stop();
  });

  test('as many keys at a time as there are workers, never the same one twice', async () => {
    const open: string[] = [];
    let most = 0;
    const clock = new FakeClock();
    const reconcile: Reconcile = async (key, signal) => {
      expect(open).not.toContain(key);
      open.push(key);
      most = Math.max(most, open.length);
      await clock.sleep(100, signal);
      open.splice(open.indexOf(key), 1);
      return done;
    };
    const { controller, runs } = start(reconcile, { workers: 2, clock });
    for (const key of ['a', 'b', 'c']) controller.enqueue(key);
    await clock.advance(50);
    controller.enqueue('a');
    await clock.advance(1_000);
    expect(most).toBe(2);
    expect(runs.map((run) => run.split('@')[0])).toEqual(['a', 'b', 'c', 'a']);
    await controller.stop();
  });

  test('one that takes too long is told so by its signal, and tried again', async () => {
    const clock = new FakeClock();
    const reasons: unknown[] = [];
    const reconcile: Reconcile = async (_, signal) => {
      if (reasons.length > 0) return done;
      await clock.sleep(3_600_000, signal).catch((reason: unknown) => reasons.push(reason));
      throw signal.reason;
    };
    const { controller, runs } = start(reconcile, { clock, timeoutMs: 2_000 });
    controller.enqueue('a');
    await clock.advance(10_000);
    expect(runs).toEqual(['a@0', 'a@2100']);
    expect(reasons).toEqual([expect.objectContaining({ code: 'Timeout' })]);
    await controller.stop();
  });

  test('stop aborts what runs, waits for it, and starts nothing more', async () => {
    const clock = new FakeClock();
    let ended = false;
    const reconcile: Reconcile = async (_, signal) => {
      await clock.sleep(3_600_000, signal).catch(() => undefined);
      await clock.sleep(100);
      ended = true;
      throw signal.reason;
    };
    const { controller, runs, lines } = start(reconcile, { clock });
    controller.enqueue('a');
    controller.enqueue('b');
    await clock.advance(10);
    const stopping = controller.stop();
    await clock.advance(99);
    expect(ended).toBe(false);
    await clock.advance(1);
    await stopping;
    expect(ended).toBe(true);
    expect(runs).toEqual(['a@0']);
    expect(lines).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('Controller on a reflector', () => {
  test('begins after the first list; maps old and new state to keys; resync looks at all again', async () => {
    let held: (() => void) | undefined;
    let watch: Parameters<typeof sendEvent>[0] | undefined;
    await using stub = await StubApiServer.start(({ query }, response) => {
      if (query.has('watch')) watch = openWatch(response);
      else
        held = () =>
          json(response, 200, widgetList('5', [widget('a', '1', { size: 1 }), widget('b', '2', { size: 1 })]));
    });
    const clock = new FakeClock();
    const connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test', clock });
    const reflector = new Reflector({ client: new KubeClient(connection), resource: widgets, clock, log: silent() });
    const runs: string[] = [];
    const controller = new Controller({
      name: 'sizes',
      clock,
      log: silent(),
      resyncMs: 60_000,
      random: () => 0.5,
      reconcile: async (key) => {
        runs.push(key);
        return done;
      },
    }).watch(reflector, (object) => [`size-${object.spec?.size ?? 0}`]);
    controller.start();
    controller.enqueue('early');
    reflector.start();
    await eventually('the list is asked for', () => held !== undefined);
    await clock.advance(0);
    expect(runs).toEqual([]);
    held?.();
    await eventually('both are reconciled', () => runs.length === 2);
    expect(runs.splice(0).sort()).toEqual(['early', 'size-1']);

    await eventually('the watch is open', () => watch !== undefined);
    if (watch !== undefined) sendEvent(watch, 'MODIFIED', widget('b', '6', { size: 7 }));
    await eventually('old and new size are reconciled', () => runs.length === 2);
    expect(runs.splice(0).sort()).toEqual(['size-1', 'size-7']);

    if (watch !== undefined) sendEvent(watch, 'MODIFIED', widget('b', '7', { size: 7 }));
    await eventually('the new version is here', () => reflector.store.get('lab/b')?.metadata.resourceVersion === '7');
    await clock.advance(0);
    expect(runs.splice(0)).toEqual(['size-7']);

    await clock.advance(89_999);
    expect(runs).toEqual([]);
    await clock.advance(1);
    expect(runs.splice(0).sort()).toEqual(['size-1', 'size-7']);
    await controller.stop();
    await reflector.stop();
    await connection.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('stop before the first list ends it all', async () => {
    await using stub = await StubApiServer.start(() => undefined);
    const clock = new FakeClock();
    const connection = connect({ kubeconfigPath: stub.kubeconfigPath, userAgent: 'test', clock });
    const reflector = new Reflector({ client: new KubeClient(connection), resource: widgets, clock, log: silent() });
    const controller = new Controller({ name: 'never', clock, log: silent(), reconcile: async () => done });
    controller.watch(reflector).start();
    reflector.start();
    await controller.stop();
    await reflector.stop();
    await connection.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
