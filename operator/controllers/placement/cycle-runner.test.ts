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
import { betweenMovesMs, steadyMs } from './rebalancer.ts';

const contexts = [0, 1].map((index) => ({ index, sms: 1, streams: 1 }));
const gpu = { uuid: 'gpu-0', product: 'test', sms: 2, memoryBytes: 1, engine: 'openvino', contexts };
const named = { uid: 'uid-n1', resourceVersion: '1', name: 'n1' };
const serving = { conditions: [conditionOf('Ready', 'True', 'Serving')], gpus: [gpu] };

let tasks: Store<StoredTask>;
let models: Store<InferenceModel>;
let profiles: Store<ModelProfile>;
let needs: readonly string[];
let news: string[];
let runner: CycleRunner;
let clock: FakeClock;
let gpuNodes: Store<GpuNode>;
let nodes: Store<Node>;

beforeEach(() => {
  tasks = new Store<StoredTask>();
  models = new Store<InferenceModel>();
  models.set(storedModel({ status: inspectedStatus() }));
  profiles = new Store<ModelProfile>();
  profiles.set(storedProfile({ status: measuredStatus() }));
  clock = new FakeClock();
  gpuNodes = new Store<GpuNode>();
  nodes = new Store<Node>();
  addNode('n1');
  news = [];
  runner = new CycleRunner({
    tasks: new Latest(tasks),
    models,
    profiles: new Latest(profiles),
    nodes: new Nodes({ gpuNodes, nodes, policies: new Store(), liveness: { lost: () => undefined } }),
    clock,
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

function addNode(name: string): void {
  const metadata = { ...named, uid: `uid-${name}`, name };
  gpuNodes.set({ apiVersion: 'daris.dev/v1alpha1', kind: 'GpuNode', metadata, status: serving });
  nodes.set({ apiVersion: 'v1', kind: 'Node', metadata });
}

function nodeOf(name: string): string | undefined {
  const verdict = runner.decided(`vision/${name}`)?.verdict;
  return verdict?.kind === 'Placed' ? verdict.place.node : undefined;
}

/** As its status shows what was decided of it. */
function show(name: string): void {
  const decided = runner.decided(`vision/${name}`);
  if (decided?.verdict?.kind !== 'Placed' || decided.evaluation.kind !== 'Candidate')
    throw new Error(`${name} has no place`);
  const { place, gpuProduct, utilizationE9 } = decided.verdict;
  const booked = { epoch: 1, bookedUtilization: String(utilizationE9 / 1e9), leaderTransitions: 0 };
  add(name, '10ms', { effective: decided.evaluation.effective, placement: { ...place, gpuProduct, ...booked } });
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

describe('a node that joins', () => {
  const names = ['a', 'b', 'c', 'd'];

  /** Two tasks of 0.4 in each context of n1, for long enough, and n2 beside it for as long. */
  async function joined(): Promise<void> {
    for (const name of names) add(name, '10ms');
    run();
    for (const name of names) show(name);
    addNode('n2');
    expect(runner.run()).toBe(betweenMovesMs);
    await clock.advance(steadyMs);
  }

  test('gets a task, of which all is told until its status shows the new place', async () => {
    await joined();
    expect(run()).toEqual(['vision/a']);
    expect(names.map(nodeOf)).toEqual(['n2', 'n1', 'n1', 'n1']);
    const words =
      'from gpu-0 of node n1 (utilization 0.8 per stream) to context 0 of gpu-0 of node n2 (0), which is less utilized';
    expect(runner.decided('vision/a')?.rebalanced).toBe(words);
    expect(run()).toEqual([]);
    expect(runner.decided('vision/a')?.rebalanced).toBe(words);
    show('a');
    expect(run()).toEqual([]);
    expect(runner.decided('vision/a')?.rebalanced).toBeUndefined();
    expect(nodeOf('a')).toBe('n2');
  });

  test('is given one after another, until both are as utilized', async () => {
    await joined();
    for (let againInMs = runner.run(); againInMs !== undefined; againInMs = runner.run())
      await clock.advance(againInMs);
    expect(names.map(nodeOf)).toEqual(['n2', 'n2', 'n1', 'n1']);
  });

  test('a task that is edited while it moves stays where it goes', async () => {
    await joined();
    run();
    add('a', '20ms');
    run();
    expect(nodeOf('a')).toBe('n2');
    expect(runner.decided('vision/a')?.verdict).toMatchObject({ utilizationE9: 200_000_000 });
  });

  test('a task whose new node is lost before its status shows it is not told of as moved there', async () => {
    await joined();
    run();
    nodes.delete('n2');
    run();
    expect(nodeOf('a')).toBe('n1');
    expect(runner.decided('vision/a')?.rebalanced).toBeUndefined();
  });
});
