// What a cycle decides stands until the statuses show it, and only news are told.
import { beforeEach, describe, expect, test } from '@jest/globals';

import type { InferenceModel, GpuNode, ModelProfile } from '../../../api/resources.ts';
import { FakeClock } from '../../../kube/clock.ts';
import { MetricRegistry } from '../../../kube/metrics.ts';
import { Store } from '../../../kube/store.ts';
import { Latest } from '../../latest.ts';
import { OperatorMetrics } from '../../metrics.ts';
import { Nodes } from '../../nodes.ts';
import type { Node, StoredTask } from '../../resources.ts';
import {
  conditionOf,
  effective,
  inspectedStatus,
  measuredStatus,
  storedModel,
  storedProfile,
  storedTask,
} from '../testing.ts';
import { CycleRunner } from './cycle-runner.ts';

const contexts = [0, 1].map((index) => ({ index, sms: 1, streams: 1 }));
const gpu = { uuid: 'gpu-0', product: 'test', sms: 2, memoryBytes: 1, engine: 'openvino', contexts };
const named = { uid: 'uid-n1', resourceVersion: '1', name: 'n1' };

let tasks: Store<StoredTask>;
let models: Store<InferenceModel>;
let profiles: Store<ModelProfile>;
let needs: readonly string[];
let news: string[];
let runner: CycleRunner;

beforeEach(() => {
  tasks = new Store<StoredTask>();
  models = new Store<InferenceModel>();
  models.set(storedModel({ status: inspectedStatus() }));
  profiles = new Store<ModelProfile>();
  profiles.set(storedProfile({ status: measuredStatus() }));
  const gpuNodes = new Store<GpuNode>();
  const status = { conditions: [conditionOf('Ready', 'True', 'Serving')], gpus: [gpu] };
  gpuNodes.set({ apiVersion: 'daris.dev/v1alpha1', kind: 'GpuNode', metadata: named, status });
  const nodes = new Store<Node>();
  nodes.set({ apiVersion: 'v1', kind: 'Node', metadata: named });
  news = [];
  runner = new CycleRunner({
    tasks: new Latest(tasks),
    models,
    profiles: new Latest(profiles),
    nodes: new Nodes({ gpuNodes, nodes, policies: new Store(), liveness: { lost: () => undefined } }),
    clock: new FakeClock(),
    metrics: new OperatorMetrics(new MetricRegistry()),
    changed: (key) => news.push(key),
    needed: (all) => (needs = [...all.keys()]),
  });
});

function add(name: string, period: string, status?: StoredTask['status']): void {
  const task = storedTask({ spec: { period, priority: 'Low' }, ...(status === undefined ? {} : { status }) });
  const metadata = { ...named, namespace: 'vision', name, uid: `uid-${name}`, generation: 1 };
  tasks.set({ ...task, metadata });
}

function contextOf(name: string): number | undefined {
  const verdict = runner.decided(`vision/${name}`)?.verdict;
  return verdict?.kind === 'Placed' ? verdict.place.context : undefined;
}

function run(): string[] {
  news = [];
  runner.run();
  return news;
}

describe('a cycle', () => {
  test('tells of each task once, and then of news only', () => {
    add('a', '40ms');
    expect(run()).toEqual(['vision/a']);
    expect(run()).toEqual([]);
    add('b', '40ms');
    expect(run()).toEqual(['vision/b']);
  });

  test('keeps a place that no status shows yet, whoever comes', () => {
    add('a', '40ms');
    run();
    expect(contextOf('a')).toBe(0);
    // Larger, so it would be placed first, into context 0, if `a` were still to be placed.
    add('b', '20ms');
    run();
    expect([contextOf('a'), contextOf('b')]).toEqual([0, 1]);
  });

  test('goes by the status once it shows the place', () => {
    const terms = effective({ priority: 'Low', periodUs: 40_000, deadlineUs: 40_000, releaseJitterUs: 20_000 });
    const place = { node: 'n1', gpu: 'gpu-0', gpuProduct: 'test', context: 1 };
    const placement = { ...place, epoch: 1, bookedUtilization: '0.1', leaderTransitions: 0 };
    add('a', '40ms');
    run();
    add('a', '40ms', { effective: terms, placement });
    run();
    // Decided was context 0 and is assumed; the status says otherwise, but what was decided last is still to be written.
    expect(contextOf('a')).toBe(0);
    add('a', '40ms', { effective: terms, placement: { ...placement, context: 0 } });
    run();
    run();
    add('a', '40ms', { effective: terms, placement });
    run();
    expect(contextOf('a')).toBe(1);
  });

  test('asks for one profile for all tasks of a package, and waits for it', () => {
    const profile = storedProfile({ status: measuredStatus() });
    profiles.delete(profile.metadata.name);
    add('a', '40ms');
    add('b', '20ms', {});
    run();
    expect(needs).toEqual([profile.metadata.name]);
    expect(runner.decided('vision/a')?.verdict).toMatchObject({ kind: 'Refused', reason: 'Profiling', never: false });
    profiles.set(profile);
    expect(new Set(run())).toEqual(new Set(['vision/a', 'vision/b']));
    expect(contextOf('a')).toBeDefined();
    expect(needs).toEqual([profile.metadata.name]);
  });

  test('what runs goes on when its profile is deleted, which is asked for again', () => {
    add('a', '40ms');
    run();
    const profile = storedProfile();
    profiles.delete(profile.metadata.name);
    run();
    expect(contextOf('a')).toBe(0);
    expect(needs).toEqual([profile.metadata.name]);
  });

  test('an object that cannot be read concerns itself alone', () => {
    add('a', '40ms');
    const broken = { ...storedTask(), spec: undefined } as unknown as StoredTask;
    tasks.set(broken);
    run();
    expect(runner.decided('vision/lane')?.evaluation.kind).toBe('Invalid');
    expect(contextOf('a')).toBe(0);
  });

  test('forgets what is gone', () => {
    add('a', '40ms');
    run();
    tasks.delete('vision/a');
    expect(run()).toEqual([]);
    expect(runner.decided('vision/a')).toBeUndefined();
  });
});
