import { expect, test } from '@jest/globals';
import { failoverRows, placementRows, runtimeRows, scaleRows, schedRows } from './benchmark-rows.ts';
import { renderTable, replaceBetweenMarks, rowsFrom } from './benchmark-table.ts';

const stage = (tasks: number, p50: number): object => ({
  admission: 'Predicted',
  tasks,
  contexts: 8,
  cpuNs: { p50 },
  instructions: 2208,
  level1Misses: 9.7,
});

function sched(p50: number, factor: number, events: number): string {
  return renderTable(
    schedRows({
      perStage: [stage(50, p50), stage(5000, p50 * factor)],
      growth: [{ admission: 'Predicted', from: 50, to: 5000, factor }],
      recorded: { tasks: 50, cpuNs: { p50: 340 } },
      bytesPerTask: 1234.4,
      simulator: [{ tasks: 50, eventsPerSecond: { p50: events } }],
    } as Parameters<typeof schedRows>[0]),
  );
}

test('figures stand beside their goals', () => {
  const table = sched(270.4, 2.51, 7_600_000);
  expect(table).toContain('50 tasks on 8 contexts | ≤ 500 ns | p50 270 ns of CPU time, 2,208 instructions |');
  expect(table).toContain('| ≤ 3 × | 2.51 × (2,208 instructions, 10 cache lines from beyond 48 KiB) |');
  expect(table).toContain('|  | 1,234 bytes |');
  expect(table).toContain('| ≥ 1 million events a second | p50 7.6 million |');
  expect(table).not.toContain('not reached');
});

test('a goal that was not reached says so, with its figure', () => {
  const table = sched(501, 3.1, 900_000);
  expect(table).toContain('| ≤ 500 ns, **not reached** | p50 501 ns');
  expect(table).toContain('| ≤ 3 ×, **not reached** | 3.10 ×');
  expect(table).toContain('**not reached** | p50 0.9 million |');
  const [row] = runtimeRows({
    models: [{ model: 'm', bareJobUs: { p50: 1521 }, runtimeAddsPerStageUs: { p50: 15.1, p99: 20 } }],
  });
  expect(row?.goal?.reached).toBe(false);
});

test('the worst of all runs decides whether the goal of failover is reached', () => {
  const spread = (max: number): object => ({ count: 20, min: 8, p50: 9.96, p99: max, max });
  const split = { untilDeclaredLostSeconds: { p50: 8.5 }, thenUntilPlacedSeconds: { p50: 0.2 } };
  const result = { leaseSeconds: 10, split: { ...split, thenUntilServedSeconds: { p50: 1.26 } } };
  const rows = (max: number): string =>
    renderTable(failoverRows({ ...result, servedSeconds: spread(max) } as Parameters<typeof failoverRows>[0]));
  expect(rows(15)).toContain('| ≤ 15 s | p50 10.0 s, max 15.0 s of 20 runs |');
  expect(rows(15.1)).toContain('| ≤ 15 s, **not reached** | p50 10.0 s, max 15.1 s of 20 runs |');
  expect(rows(15)).toContain('| p50 8.5 s, p50 0.2 s, p50 1.3 s |');
});

test('placement says whether it is fast enough, and how a decision grows with what is placed', () => {
  const growth = [562, 2_250, 9_000].map((placed, n) => ({ placed, usPerDecision: 20.4 + n }));
  const rows = (decisionsPerSecond: number): string =>
    renderTable(
      placementRows({ figures: { allPending: { tasks: 1e4, contexts: 1.6e4, decisionsPerSecond } }, growth }),
    );
  expect(rows(20_000)).toContain('| ≥ 20,000 a second | 20,000 a second |');
  expect(rows(19_999)).toContain('| ≥ 20,000 a second, **not reached** | 19,999 a second |');
  expect(rows(1)).toContain('where 562, 2,250, 9,000 tasks are placed already |  | 20, 21, 22 µs |');
});

test('status writes count a node, with one that the window may hold besides', () => {
  const rows = (agents: number): string =>
    renderTable(
      scaleRows({
        tasks: 500,
        nodes: 2,
        serving: {
          placedPerSecond: 40.2,
          toAllPlacedSeconds: 12.44,
          toAllReadySeconds: 15,
          cpu: { 'kube-apiserver': { share: 0.554 } },
        },
        atRest: {
          seconds: 120,
          writesPerMinute: {
            agents: { leases: 40, 'realtimeinferencetasks/status': agents, total: 40 + agents },
            operator: { leases: 30, 'gpunodes/status': 1, total: 31 },
          },
        },
      }),
    );
  expect(rows(12)).toContain('| ≤ 6 | 6.5, beside 70 of Leases a minute |');
  expect(rows(13)).toContain('| ≤ 6, **not reached** | 7.0, beside');
  expect(rows(12)).toContain('| 40 a second, all after 12.4 s |');
  expect(rows(12)).toContain('| 55 % |');
});

test('only what stands between the marks is replaced, as often as one likes', () => {
  const marked = 'before\n<!-- written from bench/results; `make generate` -->\nold\n<!-- end -->\nafter';
  const once = replaceBetweenMarks(marked, 'new');
  expect(once).toMatch(/^before\n<!--.*-->\n\nnew\n\n<!-- end -->\nafter$/);
  expect(replaceBetweenMarks(once, 'new')).toBe(once);
  expect(() => replaceBetweenMarks('no marks', 'new')).toThrow('needs the lines');
});

test('every committed result has its rows', () => {
  for (const { what, measured } of rowsFrom('bench/results'))
    expect(`${what} ${measured}`).not.toMatch(/NaN|undefined/);
});
