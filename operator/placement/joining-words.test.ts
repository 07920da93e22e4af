// What people read of tasks whose jobs go together, by hand on one GPU: places, refusals, what leaves and what moves.
import { describe, expect, test } from '@jest/globals';

import { runCycle, type Verdict } from './cycle.ts';
import { shareWords } from './filters.ts';
import { chooseMove } from './rebalance.ts';
import type { JobClass, PlacementNode, PlacementTask } from './terms.ts';
import { gpu, node, task, type TaskTerms } from './testing.ts';

/** Ten ms alone, eleven for two, twelve for four. */
const radio: JobClass = {
  key: 'radio',
  units: [
    { jobs: 1, afetUs: 10_000, longestStageUs: 2_500 },
    { jobs: 2, afetUs: 11_000, longestStageUs: 2_750 },
    { jobs: 4, afetUs: 12_000, longestStageUs: 3_000 },
  ],
};

function member(name: string, terms: Partial<TaskTerms> = {}): PlacementTask {
  const made = task(name, { afetMs: 10, periodMs: 50, ...terms });
  return { ...made, demand: { ...made.demand, joins: radio } };
}

function members(count: number, terms: Partial<TaskTerms> = {}): PlacementTask[] {
  return Array.from({ length: count }, (_, n) => member(`m${n}`, terms));
}

const joiningNode = (name: string, contexts: number): PlacementNode =>
  node(name, contexts, { gpus: [{ ...gpu('gpu-0', contexts), joins: true }] });

function verdictsOf(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): (Verdict | undefined)[] {
  const { verdicts } = runCycle(nodes, tasks);
  return tasks.map(({ key }) => verdicts.get(key));
}

function messageOf(verdict: Verdict | undefined): string {
  return verdict === undefined || verdict.kind === 'Placed' ? '' : verdict.message;
}

function settled(of: PlacementTask, name = 'n1', context = 0): PlacementTask {
  return { ...of, present: { node: name, gpu: 'gpu-0', context }, settled: true };
}

test.each([
  [{ utilizationE9: 50_000_000, jobs: 16 }, '5 % of a stream as one of 16 that go together'],
  [{ utilizationE9: 7_291_667, jobs: 4 }, '0.729 % of a stream as one of 4 that go together'],
  [{ utilizationE9: 123_456_789, jobs: 1 }, '12.3 % of a stream'],
])('%j is %s', (share, words) => {
  expect(shareWords(share)).toBe(words);
});

test('High tasks beyond what each alone may book fit where their jobs go together, by shares of the largest unit', () => {
  const tasks = members(8);
  expect(verdictsOf([node('n1', 1)], tasks).filter((verdict) => verdict?.kind === 'Placed')).toHaveLength(3);
  for (const verdict of verdictsOf([joiningNode('n1', 1)], tasks)) {
    expect(verdict).toMatchObject({ kind: 'Placed', utilizationE9: 60_000_000, capacity: 4 });
  }
});

describe('a refusal says', () => {
  test('the share that the limit has no room for', () => {
    const verdicts = verdictsOf([joiningNode('n1', 1)], members(13));
    const [refused, second] = verdicts.filter((verdict) => verdict?.kind === 'Refused');
    expect(second).toBeUndefined();
    expect(messageOf(refused)).toBe(
      'HP load 0.72 + 0.06 > 0.75 on gpu-0 of n1, 6 % of a stream as one of 4 that go together (the only context)',
    );
  });

  test('that fewer would go together, whoever comes', () => {
    const there = members(12).map((each) => settled(each));
    // Two units of four take 24 ms, two of two 22 ms.
    for (const priority of ['High', 'Low'] as const) {
      const hasty = member('hasty', { priority, periodMs: 23 });
      expect(messageOf(verdictsOf([joiningNode('n1', 1)], [...there, hasty]).at(-1))).toContain(
        priority === 'High'
          ? 'HP load 1.32 + 0.24 > 0.75 on gpu-0 of n1, 23.9 % of a stream as one of 2 that go together'
          : 'fewer jobs would go together there: HP load 1.32 > 0.75 in context 0 of gpu-0 of n1',
      );
    }
  });
});

test('a suspended task reads its share among those that are there', () => {
  const there = members(7).map((each) => settled(each));
  const asks = member('asks', { changes: { suspended: true } });
  expect(messageOf(verdictsOf([joiningNode('n1', 1)], [...there, asks]).at(-1))).toBe(
    'would fit on gpu gpu-0 of node n1, context 0 (HP load 0.42 + 0.06 <= 0.75)',
  );
});

test('all of a class that run already stay, in whatever order they are looked at', () => {
  const there = members(12).map((each, n) => settled(each, 'n1', n < 6 ? 0 : 1));
  for (const verdict of verdictsOf([joiningNode('n1', 2)], there)) {
    expect(verdict).toMatchObject({ kind: 'Placed', capacity: 4, utilizationE9: 60_000_000 });
  }
});

test('those stay whose terms have changed, where all of them fit together', () => {
  const there = members(12).map((each, n) => ({ ...settled(each), settled: n < 8 }));
  for (const verdict of verdictsOf([joiningNode('n1', 1)], there)) {
    expect(verdict).toMatchObject({ kind: 'Placed', place: { node: 'n1' }, capacity: 4 });
  }
});

test('when so many have gone that fewer go together, the last beyond the limit leave, and the others stay', () => {
  const seven = members(7).map((each) => settled(each));
  expect(verdictsOf([joiningNode('n1', 1)], seven.slice(0, 4)).every((verdict) => verdict?.kind === 'Placed')).toBe(
    true,
  );
  // Three by twos book 0.33; of a class whose units are of eight only, they would book 0.6.
  const only: JobClass = { key: 'radio', units: [radio.units[0], { jobs: 8, afetUs: 12_000, longestStageUs: 3_000 }] };
  const few = seven.map((each) => ({ ...each, demand: { ...each.demand, joins: only } }));
  const kinds = verdictsOf([joiningNode('n1', 1)], few).map((verdict) => verdict?.kind);
  expect(kinds).toEqual(['Placed', 'Placed', 'Placed', 'Refused', 'Refused', 'Refused', 'Refused']);
});

test('packages that do not join block units, and are no part of them', () => {
  const other = task('other', { priority: 'Low', afetMs: 30, periodMs: 1_000, longestStageMs: 27 });
  const low = members(8, { priority: 'Low' });
  const [first, , , , , , , , last] = verdictsOf([joiningNode('n1', 1)], [...low, other]);
  // 27 + 2 · 12 ms are beyond a deadline of 50 ms, 27 + 2 · 11 ms are not.
  expect(first).toMatchObject({ kind: 'Placed', capacity: 2 });
  expect(last).not.toHaveProperty('capacity');
});

describe('a Low task moves to another GPU', () => {
  const standing = { task: () => true, node: () => true };
  const low = (count: number) => members(count, { priority: 'Low' }).map((each) => settled(each));
  const moveOf = (tasks: readonly PlacementTask[]) =>
    chooseMove(runCycle([joiningNode('n1', 1), joiningNode('n2', 1)], tasks).snapshot, standing);

  test('where what both book then says so', () => {
    expect(moveOf(low(12))?.task.key).toBe('ns/m0');
  });

  test('not where those that stay would book more without it', () => {
    // Four by fours book 0.24, three by twos 0.33.
    expect(moveOf(low(4))).toBeUndefined();
  });

  test('not where High tasks that stay would be beyond their limit', () => {
    const high = Array.from({ length: 3 }, (_, n) => settled(member(`h${n}`)));
    const tight: JobClass = {
      key: 'radio',
      units: [radio.units[0], { jobs: 8, afetUs: 12_000, longestStageUs: 3_000 }],
    };
    const withUnits = (tasks: PlacementTask[]): PlacementTask[] =>
      tasks.map((each) => ({ ...each, demand: { ...each.demand, joins: tight } }));
    const more = Array.from({ length: 2 }, (_, n) => settled(member(`h${n + 3}`)));
    expect(moveOf(withUnits([...high, ...more, ...low(3)]))).toBeUndefined();
    expect(moveOf(withUnits([...high, ...more, ...low(12)]))).toBeDefined();
  });
});
