// What follows for others when tasks leave a GPU whose policy joins jobs: with fewer of a class, fewer go together. Pure;
// each question builds a book of what would be left, since nothing is ever taken out of one.
import type { ContextState } from './context-state.ts';
import { type JoinedContext, JoiningBook } from './joining-book.ts';
import type { Snapshot } from './snapshot.ts';
import type { PlacementTask } from './terms.ts';

/** The last High tasks of each context beyond its limit: as few as leave all contexts of the GPU within theirs. */
export function tasksBeyondLimits({ contexts }: Snapshot): PlacementTask[] {
  const beyond = contexts.filter(({ joining, highE9, limitE9 }) => joining !== undefined && highE9 > limitE9);
  return [...new Set(beyond.map(({ joining }) => joining))].flatMap((joining) =>
    excess(contexts.filter((context) => context.joining === joining)),
  );
}

function excess(contexts: readonly ContextState[]): PlacementTask[] {
  const gone = new Set<PlacementTask>();
  for (;;) {
    const left = withoutTasks(contexts, gone);
    const over = contexts.find((context) => (left.get(context)?.sums.highE9 ?? 0) > context.limitE9);
    const last = over?.tasks.findLast((task) => task.priority === 'High' && !gone.has(task));
    if (last === undefined) return [...gone];
    gone.add(last);
  }
}

/** The contexts of one GPU as they would be without some of its tasks. */
export function withoutTasks(
  contexts: readonly ContextState[],
  gone: ReadonlySet<PlacementTask>,
): ReadonlyMap<ContextState, JoinedContext> {
  const book = new JoiningBook();
  const left = new Map(
    contexts.map((context) => [context, book.addContext(context.place.context, context.limitE9)] as const),
  );
  for (const [context, where] of left) {
    for (const task of context.tasks) if (!gone.has(task)) book.book(task, where);
  }
  return left;
}
