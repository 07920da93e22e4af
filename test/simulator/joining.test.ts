// Joining as the reference has it, over random scenarios: what docs/joining.md promises, seen in traces and in the
// units at the instant at which they are formed. DARIS_SCENARIOS sets how many.
import { beforeAll, describe, expect, test } from '@jest/globals';

import { recorder, type Formation } from './formations.ts';
import { generate } from './generator.ts';
import { simulate, type Outcome } from './reference/simulation.ts';
import { summarize } from './reference/summary.ts';
import { lineOf } from './reference/trace.ts';
import { Replay, type JobRecord } from './replay.ts';
import type { JoiningSpec, Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';

const scenarios = Number(process.env['DARIS_SCENARIOS'] ?? 200);

interface Run {
  scenario: Scenario;
  outcome: Outcome;
  /** Trace and summary of the same scenario without joining. */
  unjoined: string;
  formations: Formation[];
}

function replayOf({ scenario, outcome }: Run): Replay {
  return new Replay(outcome.events, new Map(scenario.gpus.map((gpu) => [gpu.name, gpu.streamsPerContext])));
}

function bytesOf(scenario: Scenario): string {
  const outcome = simulate(scenario);
  return [...outcome.events.map(lineOf), JSON.stringify(summarize(scenario, outcome))].join('\n');
}

function withoutJoining(scenario: Scenario): Scenario {
  const bare = structuredClone(scenario);
  delete bare.joining;
  for (const task of bare.tasks) delete task.class;
  return bare;
}

function runOf(scenario: Scenario): Run {
  const formations: Formation[] = [];
  const outcome = simulate(scenario, recorder(formations));
  return { scenario, outcome, unjoined: bytesOf(withoutJoining(scenario)), formations };
}

function notEnabled(scenario: Scenario, joining: JoiningSpec): Scenario {
  return { ...scenario, joining: { ...joining, enabled: false } };
}

/** Each task of a class in a class of its own, of the same times. */
function inOwnClasses(scenario: Scenario, joining: JoiningSpec): Scenario {
  const classes = scenario.tasks.flatMap(({ name, class: of }) => {
    const found = joining.classes.find((each) => each.name === of);
    return found === undefined ? [] : [{ ...found, name }];
  });
  const tasks = scenario.tasks.map((task) => (task.class === undefined ? task : { ...task, class: task.name }));
  return { ...scenario, joining: { ...joining, classes }, tasks };
}

function withCapacityOne(scenario: Scenario, joining: JoiningSpec): Scenario {
  const classes = joining.classes.map(({ name }) => ({ name, afetUs: [], execUs: [] }));
  return { ...scenario, joining: { ...joining, capacities: [1], classes } };
}

/** Stages from the first on, each once, one after the other. */
function isInOrder({ passages }: JobRecord): boolean {
  return passages.every(
    ({ stage, from }, i) => stage === i && (i === 0 || (passages[i - 1]?.until ?? from + 1n) <= from),
  );
}

/** A job ends once, at the latest with its last stage; the end of the run may cut it off before. */
function endsOnce({ passages, finishes, drops }: JobRecord, stages: number): boolean {
  const isThrough = passages.filter(({ until }) => until !== undefined).length === stages;
  return finishes.length === (isThrough ? 1 : 0) && finishes.length + drops.length <= 1;
}

/** What is wrong with the way of this unit's jobs through their stages. */
function faultsOf({ members, capacity }: Formation, replay: Replay): string[] {
  const records = members.map(({ name }) => replay.jobs.get(name));
  const [lead] = records;
  if (lead === undefined) return [`${members[0]?.name} was not admitted`];
  const way = (record: JobRecord | undefined): string =>
    record === undefined ? 'none' : [...record.passages.map((p) => Object.values(p).join()), record.finishes].join(' ');
  return members.flatMap(({ name }, i) => {
    const faults = [];
    if (way(records[i]) !== way(lead)) faults.push(`${name} went ${way(records[i])}, its lead ${way(lead)}`);
    if (capacity > 1n && (records[i]?.drops.length ?? 0) > 0) faults.push(`${name} was dropped in a unit of several`);
    return faults;
  });
}

describe('joining', () => {
  let runs: Run[] = [];

  /** What `faults` finds in each run, with the seed that shows it. */
  const allFaults = (faults: (run: Run) => string[]): string[] =>
    runs.flatMap((run) => faults(run).map((fault) => `seed ${run.scenario.seed}: ${fault}`));
  const formationFaults = (isFault: (formation: Formation) => boolean): string[] =>
    allFaults(({ formations }) =>
      formations.filter(isFault).map(({ now, members }) => `t ${now}: ${members.map(({ name }) => name).join()}`),
    );

  beforeAll(
    () => {
      const seeds = Array.from({ length: scenarios }, (_, i) => i + 1);
      runs = seeds
        .map(generate)
        .filter(({ joining }) => joining?.enabled === true)
        .map(runOf);
    },
    60_000 + scenarios * 100,
  );

  test('the scenarios put each rule to the test', () => {
    const all = runs.flatMap(({ formations }) => formations);
    const several = all.filter(({ capacity }) => capacity > 1n);
    const heldBack = all.filter(({ capacity, fastest }) => capacity < fastest);
    const shares = {
      several: several.length,
      mixedPriorities: several.filter(({ mixed }) => mixed).length,
      notFull: several.filter(({ members, capacity }) => BigInt(members.length) < capacity).length,
      heldBack: heldBack.length,
      heldBackByDeadlines: heldBack.filter(({ fastestNeeded, leastDeadline }) => fastestNeeded > leastDeadline).length,
      someHeldBack: heldBack.filter(({ capacity }) => capacity > 1n).length,
      counted: all.filter(({ counted }) => counted > 1n).length,
    };
    for (const [what, count] of Object.entries(shares)) expect([what, count > 0]).toEqual([what, true]);
  });

  test('nothing waits for company: no ready stage is left beside a free stream', () => {
    expect(allFaults((run) => replayOf(run).faults)).toEqual([]);
  });

  test('nobody is made late by company', () => {
    const isMadeLate = ({ now, alone, whole, members }: Formation): boolean =>
      members.some(({ deadline }) => now + alone <= deadline && now + whole > deadline);
    expect(formationFaults(isMadeLate)).toEqual([]);
  });

  test('high-priority tasks of the context can wait for the longest stage of a unit of several', () => {
    const isTooLong = ({ capacity, longestStage, slacks }: Formation): boolean =>
      capacity > 1n && slacks.some((slack) => longestStage > slack);
    expect(formationFaults(isTooLong)).toEqual([]);
  });

  test('who comes next can find a unit of several and the longest stage of others before it', () => {
    const isTooLong = ({ capacity, needed, leastDeadline }: Formation): boolean =>
      capacity > 1n && needed > leastDeadline;
    expect(formationFaults(isTooLong)).toEqual([]);
  });

  test('no unit is formed while one of its class that has begun is ready there', () => {
    expect(formationFaults(({ begun }) => begun.length > 0)).toEqual([]);
  });

  test('a unit holds no more than its capacity, and several go only where that is faster than one by one', () => {
    const isAmiss = ({ capacity, members, gain }: Formation): boolean =>
      members.length > Number(capacity) || (capacity > 1n && gain <= 1);
    expect(formationFaults(isAmiss)).toEqual([]);
  });

  test('the jobs of a unit go through all stages together and end together', () => {
    const faults = (run: Run): string[] => {
      const replay = replayOf(run);
      return run.formations.flatMap((formation) => faultsOf(formation, replay));
    };
    expect(allFaults(faults)).toEqual([]);
  });

  test('each job goes once through each stage, in one unit, and ends once', () => {
    const faults = (run: Run): string[] => {
      const { jobs } = replayOf(run);
      const formed = run.formations.flatMap(({ members }) => members.map(({ name }) => name));
      const amiss = run.scenario.tasks.flatMap(({ name, afetUs: { length } }) =>
        [...jobs].filter(([job, each]) => job.startsWith(`${name}#`) && !(isInOrder(each) && endsOnce(each, length))),
      );
      const again = formed.filter((job, i) => formed.indexOf(job) !== i);
      return [...amiss.map(([job]) => job), ...again.map((job) => `${job} in two units`)];
    };
    expect(allFaults(faults)).toEqual([]);
  });

  test.each([
    ['capacity 1 alone', withCapacityOne],
    ['classes of one task each', inOwnClasses],
    ['joining not enabled', notEnabled],
  ])('%s: byte for byte the run without joining', (_, variant) => {
    const differs = runs.filter(
      ({ scenario, unjoined }) =>
        scenario.joining !== undefined && bytesOf(variant(scenario, scenario.joining)) !== unjoined,
    );
    expect(differs.map(({ scenario }) => scenario.seed)).toEqual([]);
  });

  test('a unit of several shrinks to two tasks of one class', async () => {
    const hasSeveral = (scenario: Scenario): boolean =>
      runOf(scenario).formations.some(({ capacity }) => capacity > 1n);
    const found = runs.find(
      ({ scenario, formations }) => scenario.tasks.length > 5 && formations.some(({ capacity }) => capacity === 4n),
    );
    if (found === undefined) throw new Error('no unit of four among the first seeds');
    const { joining, tasks } = await shrink(found.scenario, (variant) => Promise.resolve(hasSeveral(variant)));
    expect([joining?.capacities.length, joining?.classes.length, tasks.length]).toEqual([2, 1, 2]);
    expect(joining?.classes[0]?.afetUs[0]?.length).toBe(tasks[0]?.afetUs.length);
  });
});
