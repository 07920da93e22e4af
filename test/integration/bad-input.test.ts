// What users get wrong, on the whole system: each is answered in words, and the tasks beside it run on.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { findCondition, type Condition } from '../../api/conditions.ts';
import type { InferenceModel, RealtimeInferenceTask } from '../../api/resources.ts';
import type { JobCounters, ObservedState } from '../../node-agent/native/gen/runtime.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { noJobs } from '../e2e/counters.ts';
import { Stack } from '../e2e/stack.ts';
import { conditionOf, isReady } from '../e2e/tasks.ts';

import { damages, digestOf, variant } from './damaged-packages.ts';

const built = join(repositoryRoot, 'build', 'models');
// A name that is free without being taken yet: where a filter skips these tests nothing must be left.
const modelRoot = join(tmpdir(), `daris-bad-input-${randomUUID()}`);
const stack = new Stack({
  logDir: join(repositoryRoot, 'build', 'tests', 'bad-input-logs'),
  modelRoot,
  signal: new AbortController().signal,
  onStep: () => undefined,
});
const neighbours = ['neighbour-high', 'neighbour-low'];
const timeoutMs = 30_000;
let before: ObservedState;

const periodic = { model: 'person-detector', release: 'Periodic', period: '100ms' };

function apply(kind: string, name: string, spec: object): Promise<void> {
  return stack.cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind, metadata: { name }, spec });
}

function applyModel(name: string, digest: string, uri = `file:///${name}`): Promise<void> {
  return apply('InferenceModel', name, { source: { uri, digest } });
}

function applyTask(name: string, spec: object): Promise<void> {
  return apply('RealtimeInferenceTask', name, { ...periodic, priority: 'Low', ...spec });
}

function untilTask(name: string, condition: (task: RealtimeInferenceTask) => boolean): Promise<RealtimeInferenceTask> {
  return stack.tasks.until(name, condition, { what: name, timeoutMs });
}

/** Waits for a condition of a model with that reason, of its present generation. */
async function modelCondition(name: string, type: string, reason: string): Promise<Condition> {
  return waitFor(
    async () => {
      const model = JSON.parse(await stack.cluster.kubectl(['get', 'im', name, '-o', 'json'])) as InferenceModel;
      const condition = findCondition(model.status?.conditions, type);
      if (condition?.reason !== reason || condition.observedGeneration !== model.metadata.generation) {
        throw new Error(`${name} has ${JSON.stringify(model.status?.conditions)}`);
      }
      return condition;
    },
    { what: `${type} of ${name} to have reason ${reason}`, timeoutMs, intervalMs: 300 },
  );
}

async function jobsOf(name: string, state: ObservedState): Promise<JobCounters> {
  const identity = (await stack.tasks.identities()).find((task) => task.name === name);
  return state.tasks.find(({ uid }) => uid === identity?.uid)?.jobs ?? noJobs;
}

beforeAll(async () => {
  mkdirSync(modelRoot);
  cpSync(join(built, 'person-detector'), join(modelRoot, 'person-detector'), { recursive: true });
  await stack.start();
  await applyModel('person-detector', digestOf(join(modelRoot, 'person-detector')));
  await applyTask('neighbour-high', { priority: 'High' });
  await applyTask('neighbour-low', { offset: '50ms' });
  await stack.tasks.allReady(2, { timeoutMs: 60_000 });
}, 120_000);

afterAll(async () => {
  await stack.stop();
  rmSync(modelRoot, { recursive: true, force: true });
}, 60_000);

beforeEach(async () => {
  before = await stack.node1.watch.fresh();
});

afterEach(async () => {
  stack.assertRunning();
  const { instanceId } = before;
  for (const name of neighbours) {
    await untilTask(name, isReady);
    const { completed } = await jobsOf(name, before);
    await waitFor(
      async () => (await jobsOf(name, await stack.node1.watch.fresh())).completed > completed || undefined,
      {
        what: `${name} to run on`,
        timeoutMs,
      },
    );
  }
  expect(stack.node1.watch.latest?.instanceId).toBe(instanceId);
}, timeoutMs);

test('a task waits for a model that does not exist, says so, and runs once it appears', async () => {
  await applyTask('waiting', { model: 'later' });
  const waiting = await untilTask('waiting', (task) => conditionOf(task, 'ModelReady')?.reason === 'ModelNotFound');
  expect(conditionOf(waiting, 'ModelReady')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('later'),
  });
  expect(conditionOf(waiting, 'Ready')?.status).toBe('False');

  await applyModel('later', digestOf(join(modelRoot, 'person-detector')), 'file:///person-detector');
  await untilTask('waiting', isReady);
  await stack.cluster.kubectl(['delete', 'rit/waiting', 'im/later']);
}, 90_000);

test('a model whose package is not there', async () => {
  await applyModel('absent', `sha256:${'0'.repeat(64)}`);
  expect((await modelCondition('absent', 'Inspected', 'NotFound')).message).toContain('absent');
  await stack.cluster.kubectl(['delete', 'im', 'absent']);
}, 60_000);

test.each(damages.map((damage, index) => [damage.what, damage, `damaged-${index}`] as const))(
  'a package with %s is refused before it is loaded',
  async (_what, damage, name) => {
    const packageFolder = join(modelRoot, name);
    cpSync(join(built, 'person-detector'), packageFolder, { recursive: true });
    // A digest of its own: what is loaded already under the same one is not opened again, so it could not be refused.
    variant(packageFolder, name);
    try {
      await applyModel(name, damage.apply(packageFolder));
      await applyTask('hopeful', { model: name });
      const inspected = await modelCondition(name, 'Inspected', damage.reason);
      expect(inspected).toMatchObject({ status: 'False', message: expect.stringMatching(damage.names) });
      const hopeful = await untilTask('hopeful', (task) => conditionOf(task, 'ModelReady')?.status === 'False');
      expect(conditionOf(hopeful, 'Ready')?.status).not.toBe('True');
    } finally {
      await stack.remove(['rit/hopeful', `im/${name}`]);
    }
  },
  90_000,
);

test('a model edited to a bad package leaves its tasks on the old one; to a good one, moves them with their counters', async () => {
  await applyModel('edited', digestOf(join(modelRoot, 'person-detector')), 'file:///person-detector');
  await applyTask('loyal', { model: 'edited' });
  const first = await untilTask('loyal', (task) => isReady(task) && (task.status?.runtime?.jobs?.completed ?? 0) > 0);

  await applyModel('edited', `sha256:${'1'.repeat(64)}`, 'file:///person-detector');
  await modelCondition('edited', 'Inspected', 'DigestMismatch');
  const kept = await untilTask('loyal', (task) => conditionOf(task, 'ModelReady')?.reason === 'PreviousPackage');
  expect(kept.status?.effective?.model).toEqual(first.status?.effective?.model);
  expect(isReady(kept)).toBe(true);

  const next = join(modelRoot, 'person-detector-2');
  cpSync(join(built, 'person-detector'), next, { recursive: true });
  const digest = variant(next, 'person-detector-2');
  await applyModel('edited', digest, 'file:///person-detector-2');
  const moved = await untilTask('loyal', (task) => isReady(task) && task.status?.effective?.model.digest === digest);
  expect(moved.status?.placement?.epoch).toBeGreaterThan(first.status?.placement?.epoch ?? 0);
  expect(moved.status?.runtime?.jobs?.released).toBeGreaterThanOrEqual(first.status?.runtime?.jobs?.released ?? 0);
  await stack.cluster.kubectl(['delete', 'rit/loyal', 'im/edited']);
}, 120_000);

describe('a request', () => {
  const answers = new Map<string, { code: string; message: string }>();

  beforeAll(async () => {
    const spec = { model: 'person-detector', priority: 'Low', period: '100ms' };
    await apply('RealtimeInferenceTask', 'asked', spec);
    await apply('RealtimeInferenceTask', 'asleep', { ...spec, suspend: true });
    const asked = await untilTask('asked', (task) => isReady(task) && task.status?.endpoint?.address !== undefined);
    await untilTask('asleep', (task) => conditionOf(task, 'Placed')?.reason === 'Suspended');
    const { stdout } = await promisify(execFile)(join(repositoryRoot, 'build', 'venv', 'bin', 'python'), [
      join(repositoryRoot, 'test', 'integration', 'bad_requests.py'),
      `--address=${asked.status?.endpoint?.address}`,
      `--model=asked.${stack.namespace}`,
      `--suspended=asleep.${stack.namespace}`,
      '--shape=1,3,240,240',
    ]);
    for (const [name, code, message] of JSON.parse(stdout) as [string, string, string][]) {
      answers.set(name, { code, message });
    }
  }, 60_000);

  test.each<[what: string, code: string, names: RegExp]>([
    ['wrong shape', 'INVALID_ARGUMENT', /image.*240/],
    ['wrong rank', 'INVALID_ARGUMENT', /image/],
    ['wrong batch', 'INVALID_ARGUMENT', /image/],
    ['negative dimension', 'INVALID_ARGUMENT', /image/],
    ['wrong type', 'INVALID_ARGUMENT', /image.*FP32/],
    ['too short', 'INVALID_ARGUMENT', /image.*691200/],
    ['too long', 'INVALID_ARGUMENT', /image.*691200/],
    ['unknown input', 'INVALID_ARGUMENT', /picture/],
    ['no input', 'INVALID_ARGUMENT', /image/],
    ['unknown task', 'NOT_FOUND', /nobody\.default/],
    ['suspended task', 'NOT_FOUND', /asleep\.default/],
  ])('with %s is answered %s', (what, code, names) => {
    expect(answers.get(what)).toEqual({ code, message: expect.stringMatching(names) });
  });
});
