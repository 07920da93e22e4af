// Placement on GPUs whose policy joins jobs: random worlds, each judged by docs/joining.md recomputed from scratch.
import { describe, expect, test } from '@jest/globals';

import { utilizationE9 } from '../../api/utilization.ts';
import { runCycle, type CycleResult, type Verdict } from './cycle.ts';
import { JoiningBook, unitOf } from './joining-book.ts';
import { Seeded } from './seeded.ts';
import type { JobClass, PlacementNode, PlacementTask, UnitTimes } from './terms.ts';
import { gpu, node, task } from './testing.ts';

const seeds = Array.from({ length: 60 }, (_, n) => n + 1);

interface World {
  readonly nodes: PlacementNode[];
  readonly tasks: PlacementTask[];
}

/** Stages of one job, and what a unit costs beyond that for each job more: from nothing to nearly as much. */
function seededClass(seeded: Seeded, n: number): JobClass {
  const afetUs = seeded.between(400, 4_000);
  const perJob = 0.02 + 0.6 * seeded.next();
  const unit = (jobs: number): UnitTimes => {
    const us = Math.round(afetUs * (1 + (jobs - 1) * perJob));
    return { jobs, afetUs: us, longestStageUs: Math.ceil(us / 3) };
  };
  const larger = [2, 4, 8].slice(0, seeded.between(1, 3)).map(unit);
  return { key: `class-${n}`, units: [unit(1), ...larger] };
}

function worldOf(seed: number): World {
  const seeded = new Seeded(seed);
  const classes = Array.from({ length: seeded.between(1, 3) }, (_, n) => seededClass(seeded, n));
  const nodes = Array.from({ length: seeded.between(1, 3) }, (_, n) => {
    const joins = seeded.next() < 0.8 ? { joins: true } : {};
    return node(`n${n}`, 0, { gpus: [{ ...gpu('gpu-0', seeded.between(1, 3), seeded.between(1, 2)), ...joins }] });
  });
  const shape = { classes, highShare: seeded.next(), leastSpans: 1.5 + 5 * seeded.next() };
  const tasks = Array.from({ length: seeded.between(5, 90) }, (_, n) => seededTask(seeded, shape, n));
  return { nodes, tasks };
}

interface TaskShape {
  readonly classes: readonly JobClass[];
  readonly highShare: number;
  /** The least that a deadline is of the AFET. */
  readonly leastSpans: number;
}

function seededTask(seeded: Seeded, { classes, highShare, leastSpans }: TaskShape, n: number): PlacementTask {
  const joins = seeded.next() < 0.85 ? classes[seeded.between(0, classes.length - 1)] : undefined;
  const { afetUs, longestStageUs } = joins?.units[0] ?? { afetUs: 1_500, longestStageUs: 500 };
  const deadlineUs = Math.ceil(afetUs * (leastSpans + 12 * seeded.next()));
  const periodUs = seeded.next() < 0.7 ? deadlineUs : 2 * deadlineUs;
  const demand = { afetUs, longestStageUs, utilizationE9: utilizationE9(afetUs, deadlineUs, periodUs) };
  const priority = seeded.next() < highShare ? 'High' : 'Low';
  const changes = { periodUs, deadlineUs, demand: joins === undefined ? demand : { ...demand, joins } };
  return task(`task-${n}`, { priority, afetMs: 1, periodMs: 10, changes });
}

type Context = CycleResult['snapshot']['contexts'][number];

/** The GPUs that join, each with what is booked in its contexts. */
function joiningGpus({ snapshot }: CycleResult): PlacementTask[][][] {
  return groups(snapshot.contexts).map((contexts) => contexts.map(({ tasks }) => [...tasks]));
}

function groups(all: readonly Context[]): Context[][] {
  const joining = all.filter((context) => context.joining !== undefined);
  return [...Map.groupBy(joining, ({ joining: book }) => book).values()];
}

/** docs/joining.md, Admission, by its words: n* of a class on a GPU with these tasks by context. */
function definedUnit(key: string, contexts: readonly (readonly PlacementTask[])[]): UnitTimes | undefined {
  const all = contexts.flat();
  const own = all.filter(({ demand }) => demand.joins?.key === key);
  const others = all.filter(({ demand }) => demand.joins?.key !== key);
  const blockingUs = Math.max(0, ...others.map(({ demand }) => demand.longestStageUs));
  const leastDeadlineUs = Math.min(...own.map(({ deadlineUs }) => deadlineUs));
  const slackUs = Math.min(
    ...all.filter(({ priority }) => priority === 'High').map(({ deadlineUs, demand }) => deadlineUs - demand.afetUs),
  );
  const units = own[0]?.demand.joins?.units ?? [];
  const holding = units.filter(
    (unit) =>
      unit.jobs === 1 ||
      (unit.jobs * contexts.length <= own.length &&
        blockingUs + 2 * unit.afetUs <= leastDeadlineUs &&
        unit.longestStageUs <= slackUs),
  );
  return holding.at(-1);
}

function definedShare(of: PlacementTask, contexts: readonly (readonly PlacementTask[])[]): number {
  const { joins, utilizationE9: aloneE9 } = of.demand;
  const unit = joins && definedUnit(joins.key, contexts);
  if (unit === undefined) return aloneE9;
  const span = BigInt(unit.jobs * Math.min(of.deadlineUs, of.periodUs));
  return Number((BigInt(unit.afetUs) * 1_000_000_000n + span - 1n) / span);
}

interface Recount {
  readonly highE9: number;
  readonly totalE9: number;
}

function recount(contexts: readonly (readonly PlacementTask[])[]): Recount[] {
  return contexts.map((tasks) => {
    const shares = tasks.map((each) => ({ high: each.priority === 'High', e9: definedShare(each, contexts) }));
    const sum = (of: typeof shares): number => of.reduce((total, { e9 }) => total + e9, 0);
    return { highE9: sum(shares.filter(({ high }) => high)), totalE9: sum(shares) };
  });
}

function blocked(tasks: readonly PlacementTask[]): boolean {
  return tasks.some(
    (high) =>
      high.priority === 'High' &&
      tasks.some((other) => other !== high && high.demand.afetUs + other.demand.longestStageUs > high.deadlineUs),
  );
}

function settledIn(of: PlacementTask, verdict: Verdict | undefined): PlacementTask {
  return verdict?.kind === 'Placed' ? { ...of, present: verdict.place, settled: true } : of;
}

function placesOf(tasks: readonly PlacementTask[], { verdicts }: CycleResult): unknown[] {
  return tasks.map(({ key }) => {
    const verdict = verdicts.get(key);
    return verdict?.kind === 'Placed' ? verdict.place : undefined;
  });
}

describe.each(seeds)('seed %i', (seed) => {
  const { nodes, tasks } = worldOf(seed);
  const result = runCycle(nodes, tasks);

  test('sums and shares are those of the definition', () => {
    for (const contexts of groups(result.snapshot.contexts)) {
      const there = contexts.map((context) => context.tasks);
      const sums = contexts.map(({ highE9, totalE9 }) => ({ highE9, totalE9 }));
      expect(sums).toEqual(recount(there));
      for (const each of there.flat()) {
        const jobs = each.demand.joins && definedUnit(each.demand.joins.key, there)?.jobs;
        expect(result.verdicts.get(each.key)).toMatchObject({
          utilizationE9: definedShare(each, there),
          ...(jobs === undefined || jobs === 1 ? {} : { capacity: jobs }),
        });
      }
    }
  });

  test('no context is beyond its limit, and no High task can be blocked for too long', () => {
    for (const context of result.snapshot.contexts) {
      expect(context.highE9).toBeLessThanOrEqual(context.limitE9);
      expect(blocked(context.tasks)).toBe(false);
    }
  });

  test('what is refused fits nowhere', () => {
    const refused = tasks.filter(({ key }) => result.verdicts.get(key)?.kind === 'Refused');
    for (const each of refused)
      for (const contexts of groups(result.snapshot.contexts)) {
        for (const at of contexts.keys()) expect(couldComeTo(contexts, at, each)).toBe(false);
      }
  });

  test('the order of the input does not matter', () => {
    const seeded = new Seeded(seed + 1_000);
    const again = runCycle(seeded.shuffled(nodes), seeded.shuffled(tasks));
    for (const { key } of tasks) expect(again.verdicts.get(key)).toEqual(result.verdicts.get(key));
  });

  test('nothing moves without need', () => {
    const settled = tasks.map((each) => settledIn(each, result.verdicts.get(each.key)));
    const again = runCycle(nodes, settled);
    for (const { key } of tasks) {
      const before = result.verdicts.get(key);
      if (before?.kind === 'Placed') expect(again.verdicts.get(key)).toEqual(before);
    }
  });

  test('when tasks have gone, those that stay are within the limits, and as many stay as can', () => {
    const seeded = new Seeded(seed + 2_000);
    const stay = tasks
      .filter(() => seeded.next() < 0.6)
      .map((each) => settledIn(each, result.verdicts.get(each.key)))
      .filter(({ settled }) => settled);
    const again = runCycle(nodes, stay);
    for (const contexts of groups(again.snapshot.contexts)) {
      expect(contexts.filter(({ highE9, limitE9 }) => highE9 > limitE9)).toEqual([]);
    }
    const left = groups(again.snapshot.contexts).map((contexts) =>
      contexts.map(({ place }) => stay.filter(({ present }) => samePlace(present, place))),
    );
    const within = groups(again.snapshot.contexts).every((contexts, at) =>
      recount(left[at] ?? []).every(({ highE9 }, k) => highE9 <= (contexts[k]?.limitE9 ?? 0)),
    );
    if (within) expect(placesOf(stay, again)).toEqual(stay.map(({ present }) => present));
    expect(stay.filter(({ priority }) => priority === 'Low').every(({ key }) => isPlaced(again, key))).toBe(true);
  });

  test('where nothing joins, all is as if no class were known', () => {
    const off = nodes.map((each) => ({ ...each, gpus: each.gpus.map(({ joins: _joins, ...rest }) => rest) }));
    const unknown = tasks.map((each) => ({ ...each, demand: withoutClass(each) }));
    const verdicts = runCycle(off, unknown).verdicts;
    expect(runCycle(off, tasks).verdicts).toEqual(verdicts);
    const on = runCycle(nodes, unknown);
    // Without classes a GPU that joins books what others do; only the words of refusals may differ.
    for (const { key } of tasks) expect(placementOf(on.verdicts.get(key))).toEqual(placementOf(verdicts.get(key)));
  });
});

function couldComeTo(contexts: readonly Context[], at: number, newcomer: PlacementTask): boolean {
  const before = contexts.map(({ tasks }) => tasks);
  const after = before.map((tasks, k) => (k === at ? [...tasks, newcomer] : tasks));
  const [then, now] = [recount(after), recount(before)];
  const within = contexts.every(({ limitE9 }, k) => (then[k]?.highE9 ?? 0) <= Math.max(limitE9, now[k]?.highE9 ?? 0));
  return within && !blocked(after[at] ?? []);
}

function samePlace(one: PlacementTask['present'], other: Context['place']): boolean {
  return one?.node === other.node && one.gpu === other.gpu && one.context === other.context;
}

function isPlaced({ verdicts }: CycleResult, key: string): boolean {
  return verdicts.get(key)?.kind === 'Placed';
}

function withoutClass({ demand }: PlacementTask): PlacementTask['demand'] {
  const { joins: _joins, ...rest } = demand;
  return rest;
}

function placementOf(verdict: Verdict | undefined): unknown {
  if (verdict?.kind !== 'Refused') return verdict;
  return verdict.kind;
}

test('the worlds have units of several jobs, and refusals', () => {
  const results = seeds.map((seed) => worldOf(seed)).map(({ nodes, tasks }) => runCycle(nodes, tasks));
  const verdicts = results.flatMap((result) => [...result.verdicts.values()]);
  const capacities = verdicts.flatMap((verdict) => (verdict.kind === 'Placed' ? [verdict.capacity ?? 1] : []));
  expect(new Set(capacities)).toEqual(new Set([1, 2, 4, 8]));
  expect(verdicts.some(({ kind }) => kind === 'Refused')).toBe(true);
  expect(results.flatMap(joiningGpus).length).toBeGreaterThan(seeds.length / 2);
});

test('sums do not depend on the order in which tasks come', () => {
  for (const seed of seeds) {
    const { tasks } = worldOf(seed);
    const sums = [tasks, new Seeded(seed).shuffled(tasks)].map((order) => {
      const book = new JoiningBook();
      const contexts = [0, 1].map((index) => book.addContext(index, 1));
      const at = (each: PlacementTask) => contexts[tasks.indexOf(each) % 2] ?? contexts[0];
      for (const each of order) {
        const where = at(each);
        if (where !== undefined) book.book(each, where);
      }
      return contexts.map((context) => context.sums);
    });
    expect(sums[0]).toEqual(sums[1]);
  }
});

describe('n*', () => {
  const units: JobClass['units'] = [
    { jobs: 1, afetUs: 100, longestStageUs: 50 },
    { jobs: 2, afetUs: 120, longestStageUs: 60 },
    { jobs: 4, afetUs: 160, longestStageUs: 80 },
  ];
  const enough = { tasks: 8, deadlineUs: 1_000, contexts: 2, otherUs: 0, slackUs: 1_000 };
  test.each([
    ['all hold', {}, 4],
    ['n · N_c is beyond the tasks of the class', { tasks: 7 }, 2],
    ['too few for any', { tasks: 3 }, 1],
    ['two units of four fit the deadline exactly', { deadlineUs: 320 }, 4],
    ['they do not', { deadlineUs: 319 }, 2],
    ['the longest stage of others comes before them', { deadlineUs: 320, otherUs: 1 }, 2],
    ['High tasks can bear the longest stage exactly', { slackUs: 80 }, 4],
    ['they cannot', { slackUs: 79 }, 2],
    ['they can bear none', { slackUs: 10 }, 1],
  ])('%s', (_, changes, jobs) => {
    expect(unitOf(units, { ...enough, ...changes }).jobs).toBe(jobs);
  });
});
