// Short ways to write down nodes and tasks in tables of tests.
import { utilizationE9 } from '../../api/utilization.ts';
import type { PlacementNode, PlacementTask, Priority } from './terms.ts';
import { gpuClassOf } from './tolerations.ts';

/** A Ready node `name` with one GPU `gpu-0` of so many contexts, one stream each. */
export function node(name: string, contexts: number, changes: Partial<PlacementNode> = {}): PlacementNode {
  return {
    name,
    state: 'Ready',
    message: '',
    labels: {},
    taints: [],
    highLimitE9: 750_000_000,
    gpus: [gpu('gpu-0', contexts)],
    ...changes,
  };
}

export function gpu(
  uuid: string,
  contexts: number,
  streams = 1,
  kind = 'test',
  engine = 'openvino',
): PlacementNode['gpus'][number] {
  return {
    uuid,
    product: 'test',
    kind,
    engine,
    contexts: Array.from({ length: contexts }, (_, index) => ({ index, streams })),
  };
}

export interface TaskTerms {
  readonly priority?: Priority;
  readonly afetMs: number;
  readonly periodMs: number;
  readonly deadlineMs?: number;
  /** Absent: a quarter of the AFET. */
  readonly longestStageMs?: number;
  readonly changes?: Partial<PlacementTask>;
}

export function task(name: string, terms: TaskTerms): PlacementTask {
  const [afetUs, periodUs] = [terms.afetMs * 1_000, terms.periodMs * 1_000];
  const deadlineUs = (terms.deadlineMs ?? terms.periodMs) * 1_000;
  const { nodeSelector = {}, tolerations = [], namespace = 'ns', package: loaded } = terms.changes ?? {};
  return {
    key: `ns/${name}`,
    namespace,
    priority: terms.priority ?? 'High',
    periodUs,
    deadlineUs,
    demand: {
      afetUs,
      longestStageUs: terms.longestStageMs === undefined ? Math.ceil(afetUs / 4) : terms.longestStageMs * 1_000,
      utilizationE9: utilizationE9(afetUs, deadlineUs, periodUs),
    },
    nodeSelector,
    tolerations,
    gpuClass: gpuClassOf({ nodeSelector, tolerations, namespace, engines: loaded?.engines }),
    suspended: false,
    settled: false,
    ...terms.changes,
  };
}
