// The kernel beside an API server that compacts its history, is out of reach, and restarts.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';

import { KubeClient } from '../../kube/client.ts';
import { SystemClock } from '../../kube/clock.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { isGone } from '../../kube/errors.ts';
import { Reflector } from '../../kube/reflector.ts';
import { collectionPath, defineResource, type KubeObject, type ObjectMeta } from '../../kube/resource.ts';
import { watch } from '../../kube/watch.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import { waitFor } from '../control-plane/wait.ts';

import { SeverableProxy } from './severable-proxy.ts';

interface ConfigMap extends KubeObject {
  metadata?: ObjectMeta;
  data?: { [key: string]: string };
}

const configMaps = defineResource<ConfigMap>({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
});

const clock = new SystemClock();
const log = pino({ level: 'silent' });
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));

let plane: ControlPlane;
let proxy: SeverableProxy;
let direct: Connection;
let distant: Connection;

beforeAll(async () => {
  plane = await ControlPlane.start({ controllerManager: false, apiServerFlags: ['--etcd-compaction-interval=1s'] });
  direct = connect({ kubeconfigPath: plane.cluster.kubeconfig, userAgent: 'kube-test' });
  proxy = new SeverableProxy(direct.server);
  const path = join(folder, 'distant.kubeconfig');
  const config = readFileSync(plane.cluster.kubeconfig, 'utf8');
  writeFileSync(path, config.replaceAll(direct.server, await proxy.start()));
  distant = connect({ kubeconfigPath: path, userAgent: 'kube-test' });
}, 90_000);

afterAll(async () => {
  await distant.close();
  await direct.close();
  await proxy.stop();
  await plane.stop();
  rmSync(folder, { recursive: true });
}, 30_000);

test('410 for an old page and an old watch; a reflector that was cut off finds out what it missed', async () => {
  const near = new KubeClient(direct);
  const place = { namespace: 'default' };
  const create = (name: string): Promise<unknown> => near.create(configMaps, { metadata: { ...place, name } });
  for (let index = 0; index < 5; index++) await create(`kept-${index}`);
  await create('recreated');
  await create('removed');

  const reflector = new Reflector({
    client: new KubeClient(distant),
    resource: configMaps,
    selection: place,
    clock,
    log,
  });
  const seen: string[] = [];
  reflector.subscribe((key, before, now) => {
    if (key.endsWith('created')) seen.push(`${before?.metadata.uid ?? '-'}>${now?.metadata.uid ?? '-'}`);
  });
  reflector.start();
  await reflector.synced(AbortSignal.timeout(10_000));
  const old = reflector.store.get('default/recreated')?.metadata.uid;
  expect(seen.splice(0)).toEqual([`->${old}`]);

  const path = collectionPath(configMaps, 'default');
  const page = (await direct.call({ method: 'GET', path, query: { limit: 2 } })) as {
    metadata: { continue: string; resourceVersion: string };
  };
  proxy.sever();
  for (const name of ['recreated', 'removed']) await near.delete(configMaps, { ...place, name });
  await create('recreated');
  // Compaction forgets what is older than one interval; the restart empties the watch cache.
  const next = { limit: 2, continue: page.metadata.continue };
  const gone = async (): Promise<true | undefined> => {
    await near.apply(
      configMaps,
      { metadata: { ...place, name: 'tick' }, data: { at: String(Date.now()) } },
      { fieldManager: 'kube-test' },
    );
    const error = await direct.call({ method: 'GET', path, query: next }).catch((caught: unknown) => caught);
    return isGone(error) || undefined;
  };
  await waitFor(gone, { what: 'the page to expire', timeoutMs: 30_000, intervalMs: 200 });
  await plane.restartApiServer();
  const late = watch(direct, configMaps, {
    ...place,
    resourceVersion: page.metadata.resourceVersion,
    timeoutSeconds: 5,
    inactivityMs: 10_000,
  });
  const error = await late[Symbol.asyncIterator]()
    .next()
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'WatchError', cause: { status: 410 } });

  proxy.mend();
  const caughtUp = (): true | undefined => reflector.store.get('default/tick') !== undefined || undefined;
  await waitFor(caughtUp, { what: 'the reflector to catch up', timeoutMs: 60_000 });
  const fresh = reflector.store.get('default/recreated')?.metadata.uid;
  expect(fresh).not.toBe(old);
  expect(seen).toEqual([`${old}>-`, `->${fresh}`]);
  expect(reflector.store.get('default/removed')).toBeUndefined();

  await create('afterwards');
  const live = (): true | undefined => reflector.store.get('default/afterwards') !== undefined || undefined;
  await waitFor(live, { what: 'the watch to go on', timeoutMs: 30_000 });
  await reflector.stop();
}, 150_000);
