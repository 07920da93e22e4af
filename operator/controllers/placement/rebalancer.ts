// When a Low task is moved to another GPU: `chooseMove` says which, this says how long tasks and nodes must have stood
// before, how much time lies between two moves, and that nobody is moved twice while nothing else changes.
import type { Clock } from '../../../kube/clock.ts';
import { chooseMove, type Move, type Standing } from '../../placement/rebalance.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import type { PlacementNode } from '../../placement/terms.ts';

/**
 * How long a node must have been Ready, and a task in its place. Twice what a node's Lease lasts unless flags say otherwise:
 * a node that comes and goes attracts nothing, and a task has loaded its model and served from where it is.
 */
export const steadyMs = 20_000;
/** Between two moves: the moved task loads its model and is served again before the next one has its turn. */
export const betweenMovesMs = 5_000;

export interface Situation {
  readonly snapshot: Snapshot;
  /** The tasks that have a place, by key: text that is another where task or GPU is. */
  readonly places: ReadonlyMap<string, string>;
  /** Text that is another where tasks, their terms or nodes are: what makes it worth moving a moved task again. */
  readonly circumstances: () => string;
}

export interface Turn {
  readonly move?: Move;
  /** When to look again although nothing happens. */
  readonly againInMs?: number;
}

export class Rebalancer {
  readonly #clock: Clock;
  readonly #tasks = new Since();
  readonly #nodes = new Since();
  readonly #moved = new Set<string>();
  /** Under which those have moved. */
  #circumstances = '';
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** After each cycle; a move that it answers is made. */
  consider({ snapshot, places, circumstances }: Situation): Turn {
    const nowMs = this.#clock.monotonic();
    this.#tasks.note(places, nowMs);
    this.#nodes.note(readyNodes(snapshot.nodes), nowMs);
    this.#forgetMoved(circumstances);
    const best = chooseMove(snapshot, { task: (key) => !this.#moved.has(key), node: () => true });
    if (best === undefined) return {};
    const waitMs = this.#waitMs(best, nowMs);
    const move = waitMs <= 0 ? best : this.#allowed(snapshot, nowMs);
    // Something else may be allowed before the best is.
    if (move === undefined) return { againInMs: Math.min(waitMs, betweenMovesMs) };
    if (this.#moved.size === 0) this.#circumstances = circumstances();
    this.#moved.add(move.task.key);
    this.#nextMs = nowMs + betweenMovesMs;
    return { move, againInMs: betweenMovesMs };
  }

  /** Where the best move must wait, another one may not have to. */
  #allowed(snapshot: Snapshot, nowMs: number): Move | undefined {
    if (nowMs < this.#nextMs) return undefined;
    const standing: Standing = {
      task: (key) => !this.#moved.has(key) && this.#tasks.waitMs(key, nowMs) <= 0,
      node: (name) => this.#nodes.waitMs(name, nowMs) <= 0,
    };
    return chooseMove(snapshot, standing);
  }

  #waitMs({ task, to }: Move, nowMs: number): number {
    const node = this.#nodes.waitMs(to.node.name, nowMs);
    return Math.max(this.#nextMs - nowMs, this.#tasks.waitMs(task.key, nowMs), node);
  }

  #forgetMoved(circumstances: () => string): void {
    if (this.#moved.size > 0 && circumstances() !== this.#circumstances) this.#moved.clear();
  }
}

function readyNodes(nodes: readonly PlacementNode[]): ReadonlyMap<string, string> {
  return new Map(nodes.filter(({ state }) => state === 'Ready').map(({ name }) => [name, '']));
}

/** Since when something is as it is, by this process's own clock: after a change of leader all begins anew. */
class Since {
  #known = new Map<string, { readonly as: string; readonly sinceMs: number }>();

  note(present: ReadonlyMap<string, string>, nowMs: number): void {
    const known = new Map<string, { readonly as: string; readonly sinceMs: number }>();
    for (const [key, as] of present) {
      const before = this.#known.get(key);
      known.set(key, before?.as === as ? before : { as, sinceMs: nowMs });
    }
    this.#known = known;
  }

  /** Until it has stood for long enough; 0 or less: it has. */
  waitMs(key: string, nowMs: number): number {
    return (this.#known.get(key)?.sinceMs ?? nowMs) + steadyMs - nowMs;
  }
}
