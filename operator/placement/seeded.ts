// Random clusters and task sets from a seed, for property tests and benchmarks: the same seed gives the same world.
import { utilizationE9 } from '../../api/utilization.ts';
import type { PlacementNode, PlacementPackage, PlacementTask } from './terms.ts';
import { gpuClassOf } from './tolerations.ts';

/** mulberry32: small, fast, good enough to vary test worlds. */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}

export interface ClusterShape {
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly contextsPerGpu: number;
  /** Absent: one to three, by chance. */
  readonly streams?: number;
  /** Of each GPU; absent: so little that it matters. */
  readonly memoryGiB?: number;
}

const zones = ['a', 'b', 'c'];
const gib = 2 ** 30;
const packageCount = 12;
const namespaceCount = 10;

export function seededNodes(seeded: Seeded, shape: ClusterShape): PlacementNode[] {
  return Array.from({ length: shape.nodes }, (_, n) => ({
    name: `n${n}`,
    state: 'Ready',
    message: '',
    labels: { zone: zones[n % zones.length] ?? '' },
    taints: n % 7 === 6 ? [{ key: 'dedicated', value: 'vision', effect: 'NoSchedule' }] : [],
    highLimitE9: 750_000_000,
    policy: `policy-${n % namespaceCount}`,
    codeNamespaces: codeNamespaces(n),
    gpus: Array.from({ length: shape.gpusPerNode }, (_unused, g) => ({
      uuid: `gpu-${n}-${g}`,
      product: 'test',
      ...(n % 5 === 4 ? { kind: 'other', engine: 'torch' } : { kind: 'test', engine: 'openvino' }),
      memoryBytes: (shape.memoryGiB ?? 8) * gib,
      contexts: Array.from({ length: shape.contextsPerGpu }, (_nothing, index) => ({
        index,
        streams: shape.streams ?? seeded.between(1, 3),
      })),
    })),
  }));
}

/** All but two of them, other ones on each node. */
function codeNamespaces(n: number): Set<string> {
  return new Set(Array.from({ length: namespaceCount - 2 }, (_, k) => `ns-${(n + k) % namespaceCount}`));
}

export interface TaskShape {
  readonly count: number;
  readonly highShare: number;
  /** Each task takes between half and one and a half times this. */
  readonly utilization: number;
}

export function seededTasks(seeded: Seeded, shape: TaskShape): PlacementTask[] {
  return Array.from({ length: shape.count }, (_, n) => seededTask(seeded, shape, n));
}

/** From a quarter to three GiB; one in four has no artifacts for the common engine. */
function packageAt(n: number): PlacementPackage {
  const which = n % packageCount;
  const engines = which % 4 === 3 ? ['torch'] : ['openvino', 'torch'];
  return { digest: `sha256:${which}`, memoryBytes: ((which + 1) * gib) / 4, engines };
}

function seededTask(seeded: Seeded, shape: TaskShape, n: number): PlacementTask {
  const key = `ns-${n % namespaceCount}/task-${n}`;
  const loaded = packageAt(n);
  const stages = Array.from({ length: seeded.between(1, 5) }, () => seeded.between(200, 3_000));
  const afetUs = stages.reduce((sum, stage) => sum + stage, 0);
  const deadlineUs = Math.max(afetUs, Math.ceil(afetUs / (shape.utilization * (0.5 + seeded.next()))));
  const periodUs = seeded.next() < 0.8 ? deadlineUs : deadlineUs * 2;
  const nodeSelector: Record<string, string> = seeded.next() < 0.3 ? { zone: zones[seeded.between(0, 2)] ?? '' } : {};
  const tolerations = seeded.next() < 0.2 ? [{ key: 'dedicated', operator: 'Exists' }] : [];
  const namespace = key.split('/')[0] ?? '';
  return {
    key,
    namespace,
    priority: seeded.next() < shape.highShare ? 'High' : 'Low',
    periodUs,
    deadlineUs,
    demand: {
      afetUs,
      longestStageUs: Math.max(...stages),
      utilizationE9: utilizationE9(afetUs, deadlineUs, periodUs),
    },
    package: loaded,
    nodeSelector,
    tolerations,
    gpuClass: gpuClassOf({ nodeSelector, tolerations, namespace, engines: loaded.engines }),
    suspended: false,
    settled: false,
  };
}
