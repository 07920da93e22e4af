import { expect, test } from '@jest/globals';
import { FakeClock } from '../kube/clock.ts';
import { type Candidate, figuresEveryMs, planWrites } from './plan.ts';
import type { Change } from './status.ts';

const never = Number.NEGATIVE_INFINITY;

function candidate(id: string, change: Change, writtenMs = never, notBeforeMs?: number): Candidate {
  return { id, change, writtenMs, notBeforeMs };
}

test.each([
  ['nothing changed: nothing is written, nothing is waited for', [candidate('a', 'none')], never, [], undefined],
  [
    'all transitions at once',
    [candidate('a', 'transition'), candidate('b', 'transition')],
    1_000,
    ['a', 'b'],
    undefined,
  ],
  [
    'figures: the oldest',
    [candidate('a', 'figures', 5), candidate('b', 'figures', 3)],
    never,
    ['b'],
    1_000 + figuresEveryMs,
  ],
  [
    'figures: never written is oldest',
    [candidate('a', 'figures', 5), candidate('b', 'figures')],
    never,
    ['b'],
    1_000 + figuresEveryMs,
  ],
  ['figures: not within the interval', [candidate('a', 'figures')], 500, [], 500 + figuresEveryMs],
  [
    'transitions do not wait for the interval',
    [candidate('a', 'figures'), candidate('b', 'transition')],
    500,
    ['b'],
    500 + figuresEveryMs,
  ],
  [
    'what failed waits, and blocks nobody',
    [candidate('a', 'transition', never, 1_500), candidate('b', 'transition')],
    never,
    ['b'],
    1_500,
  ],
])('%s', (_, candidates, figuresWrittenMs, due, nextMs) => {
  expect(planWrites(candidates, figuresWrittenMs, 1_000)).toEqual({ due, nextMs });
});

// A repeatable source of numbers in [0, 1): mulberry32.
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Write {
  readonly atMs: number;
  readonly id: string;
  readonly change: Change;
}

/** Runs the plan over a node's life: changes come at random, the clock goes where the plan says or the next change is. */
async function live(seed: number, tasks: number): Promise<{ writes: Write[]; raised: Write[] }> {
  const random = randomFrom(seed);
  const clock = new FakeClock();
  const ids = Array.from({ length: tasks }, (_, index) => `task-${index}`);
  const changes = new Map<string, Change>(ids.map((id) => [id, 'none']));
  const writtenMs = new Map<string, number>();
  const writes: Write[] = [];
  const raised: Write[] = [];
  let figuresWrittenMs = never;
  while (clock.monotonic() < 300_000) {
    const nowMs = clock.monotonic();
    const id = ids[Math.floor(random() * tasks)] ?? '';
    const change: Change = random() < 0.05 ? 'transition' : 'figures';
    if (changes.get(id) !== 'transition') changes.set(id, change);
    if (change === 'transition') raised.push({ atMs: nowMs, id, change });
    const candidates = ids.map((each) => candidate(each, changes.get(each) ?? 'none', writtenMs.get(each)));
    const plan = planWrites(candidates, figuresWrittenMs, nowMs);
    for (const due of plan.due) {
      const written = changes.get(due) ?? 'none';
      writes.push({ atMs: nowMs, id: due, change: written });
      if (written === 'figures') figuresWrittenMs = nowMs;
      changes.set(due, 'none');
      writtenMs.set(due, nowMs);
    }
    const waitMs = Math.min(random() * 400, (plan.nextMs ?? Number.POSITIVE_INFINITY) - nowMs);
    await clock.advance(Math.max(1, Math.round(waitMs)));
  }
  return { writes, raised };
}

test.each([1, 2, 3, 4, 5])('over a node’s life (seed %i)', async (seed) => {
  const tasks = 1 + seed * 4;
  const { writes, raised } = await live(seed, tasks);
  const figures = writes.filter((write) => write.change === 'figures');
  figures.slice(1).forEach((write, index) => {
    expect(write.atMs - (figures[index]?.atMs ?? never)).toBeGreaterThanOrEqual(figuresEveryMs);
  });
  for (const { atMs, id } of raised) {
    expect(writes).toContainEqual({ atMs, id, change: 'transition' });
  }
  // The budget is used: nobody's figures wait while there is room.
  expect(figures.length).toBeGreaterThanOrEqual(300_000 / figuresEveryMs - 5);
  // Oldest first: nobody is forgotten.
  expect(new Set(writes.map((write) => write.id)).size).toBe(tasks);
});
