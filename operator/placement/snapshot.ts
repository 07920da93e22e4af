// A private picture of the cluster for one cycle: nodes, contexts and what is booked in them. Nothing else changes it.
import type { ContextState } from './context-state.ts';
import { gpuFilters, nodeFilters } from './filters.ts';
import type { GpuBook } from './gpu-book.ts';
import { GpuState } from './gpu-state.ts';
import { compareText } from './order.ts';
import { Pool } from './pool.ts';
import { QuotaBook } from './quota-book.ts';
import type { Place, PlacementNode, PlacementTask } from './terms.ts';

export class Snapshot {
  readonly nodes: readonly PlacementNode[];
  /** That have contexts, by the names of nodes and their own. */
  readonly gpus: readonly GpuState[];
  readonly contexts: readonly ContextState[];
  readonly #byPlace: ReadonlyMap<string, ContextState>;
  readonly #pools = new Map<string, ReadonlyMap<string, Pool>>();
  /** Those whose sums may have become less, as often as that has happened. */
  readonly #lowered: GpuBook[] = [];

  constructor(nodes: readonly PlacementNode[]) {
    this.nodes = nodes.toSorted((a, b) => compareText(a.name, b.name));
    this.gpus = gpusOf(this.nodes, this.#lowered);
    this.contexts = this.gpus.flatMap(({ contexts }) => contexts);
    this.#byPlace = new Map(this.contexts.map((context) => [placeKey(context.place), context]));
  }

  at(place: Place): ContextState | undefined {
    return this.#byPlace.get(placeKey(place));
  }

  /** The GPUs that a task of its class may use, by kind. */
  poolsFor(task: PlacementTask): ReadonlyMap<string, Pool> {
    const known = this.#pools.get(task.gpuClass);
    if (known !== undefined) return known;
    const eligible = new Set(this.nodes.filter((node) => nodeFilters.every((filter) => filter.passes(task, node))));
    const byKind = Map.groupBy(
      this.gpus.filter((each) => eligible.has(each.node) && mayRun(task, each)),
      ({ gpu }) => gpu.kind,
    );
    const pools = new Map([...byKind].map(([kind, gpus]) => [kind, new Pool(gpus, this.#lowered)]));
    this.#pools.set(task.gpuClass, pools);
    return pools;
  }
}

function mayRun(task: PlacementTask, gpu: GpuState): boolean {
  return gpuFilters.every((filter) => filter.passes(task, gpu));
}

function placeKey(place: Place): string {
  return `${place.node}/${place.gpu}/${place.context}`;
}

/** `nodes` in order of their names; GPUs without contexts are left out. */
function gpusOf(nodes: readonly PlacementNode[], lowered: GpuBook[]): GpuState[] {
  const found: GpuState[] = [];
  const books = new Map<string, QuotaBook>();
  for (const node of nodes) {
    const quotas = quotaBook(books, node);
    for (const gpu of node.gpus.toSorted((a, b) => compareText(a.uuid, b.uuid))) {
      if (gpu.contexts.length === 0) continue;
      found.push(new GpuState({ node, gpu, rank: found.length, quotas, lowered: (own) => lowered.push(own) }));
    }
  }
  return found;
}

/** One book for all nodes of a policy. */
function quotaBook(books: Map<string, QuotaBook>, { quotas }: PlacementNode): QuotaBook | undefined {
  if (quotas === undefined) return undefined;
  const book = books.get(quotas.policy) ?? new QuotaBook(quotas);
  books.set(quotas.policy, book);
  return book;
}
