// A private picture of the cluster for one cycle: nodes, contexts and what is booked in them. Nothing else changes it.
import { ContextState } from './context-state.ts';
import { gpuFilters, nodeFilters } from './filters.ts';
import { JoiningBook } from './joining-book.ts';
import { MemoryBook } from './memory-book.ts';
import { compareText } from './order.ts';
import { Pool } from './pool.ts';
import { QuotaBook } from './quota-book.ts';
import type { Place, PlacementNode, PlacementTask } from './terms.ts';

export class Snapshot {
  readonly nodes: readonly PlacementNode[];
  readonly contexts: readonly ContextState[];
  readonly #byPlace: ReadonlyMap<string, ContextState>;
  readonly #pools = new Map<string, ReadonlyMap<string, Pool>>();
  /** Contexts whose sums may have become less, as often as that has happened. */
  readonly #lowered: ContextState[] = [];

  constructor(nodes: readonly PlacementNode[]) {
    this.nodes = nodes.toSorted((a, b) => compareText(a.name, b.name));
    this.contexts = contextsOf(this.nodes, this.#lowered);
    this.#byPlace = new Map(this.contexts.map((context) => [placeKey(context.place), context]));
  }

  at(place: Place): ContextState | undefined {
    return this.#byPlace.get(placeKey(place));
  }

  /** The contexts of all GPUs that a task of its class may use, by kind of GPU. */
  poolsFor(task: PlacementTask): ReadonlyMap<string, Pool> {
    const known = this.#pools.get(task.gpuClass);
    if (known !== undefined) return known;
    const eligible = new Set(this.nodes.filter((node) => nodeFilters.every((filter) => filter.passes(task, node))));
    const byKind = Map.groupBy(
      this.contexts.filter((context) => eligible.has(context.node) && mayRun(task, context)),
      (context) => context.gpu.kind,
    );
    const pools = new Map([...byKind].map(([kind, contexts]) => [kind, new Pool(contexts, this.#lowered)]));
    this.#pools.set(task.gpuClass, pools);
    return pools;
  }
}

function mayRun(task: PlacementTask, context: ContextState): boolean {
  return gpuFilters.every((filter) => filter.passes(task, context));
}

function placeKey(place: Place): string {
  return `${place.node}/${place.gpu}/${place.context}`;
}

/** `nodes` in order of their names. */
function contextsOf(nodes: readonly PlacementNode[], lowered: ContextState[]): ContextState[] {
  const found: ContextState[] = [];
  const books = new Map<string, QuotaBook>();
  for (const node of nodes) {
    const quotas = quotaBook(books, node);
    for (const gpu of node.gpus.toSorted((a, b) => compareText(a.uuid, b.uuid))) {
      const memory = new MemoryBook(gpu.memoryBytes);
      const first = found.length;
      const all = (): ContextState[] => found.slice(first, first + gpu.contexts.length);
      const joining = gpu.joins === true ? new JoiningBook(() => lowered.push(...all())) : undefined;
      for (const context of gpu.contexts.toSorted((a, b) => a.index - b.index)) {
        found.push(new ContextState({ node, gpu, context, rank: found.length, quotas, memory, joining }));
      }
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
