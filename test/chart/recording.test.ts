// The alerts on samples that were recorded from the demo (`make demo` leaves build/demo/recording.json): in real time, and
// twelve times slower, so that what the acts do lasts as long as an outage does.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, expect, test } from '@jest/globals';

import { chartTool } from './helm.ts';
import { allRules, metricsIn, rulesFile } from './rules.ts';

interface Recording {
  readonly intervalSeconds: number;
  readonly scrapes: number;
  readonly acts: readonly { readonly title: string; readonly from: number; readonly to: number }[];
  readonly series: Readonly<Record<string, string>>;
}

interface Query {
  readonly expr: string;
  /** The scrape. */
  readonly at: number;
  readonly labels: readonly string[];
}

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const recording = JSON.parse(readFileSync(join(import.meta.dirname, 'demo-recording.json'), 'utf8')) as Recording;
/** Everything is deleted in the last one. */
const acts = recording.acts.slice(0, -1);
const end = acts.at(-1)?.to ?? 0;

afterAll(() => rmSync(folder, { recursive: true }));

/** What promtool says of queries, each of which shall answer these series, while so long lies between two scrapes. */
async function play(seconds: number, queries: readonly Query[]): Promise<string> {
  const interval = `${seconds}s`;
  const input = Object.entries(recording.series).map(([series, values]) => ({ series, values }));
  const asked = queries.map(({ expr, at, labels }) => ({
    expr,
    eval_time: `${at * seconds}s`,
    exp_samples: labels.map((each) => ({ labels: each, value: 1 })),
  }));
  const file = join(folder, 'played.json');
  const tests = [{ interval, input_series: input, promql_expr_test: asked }];
  writeFileSync(file, JSON.stringify({ rule_files: [rulesFile], evaluation_interval: interval, tests }));
  const told = await run(chartTool('promtool'), ['test', 'rules', file]).catch((error: unknown) => error);
  const { stdout, stderr } = told as { stdout: string; stderr: string };
  return `${stdout}${stderr}`;
}

/** Those that fired at any time of so many scrapes. */
function fired(scrapes: number, seconds: number, matcher = ''): string {
  const which = `alertstate="firing"${matcher}`;
  return `group by (alertname, instance) (max_over_time(ALERTS{${which}}[${scrapes * seconds}s]))`;
}

test('whatever an alert asks for is in it, but what tells of GPUs and of losses', () => {
  const recorded = new Set(Object.keys(recording.series).map((series) => series.replace(/\{.*/, '')));
  const asked = new Set(allRules.flatMap(({ expr }) => metricsIn(expr)));
  const missing = [...asked].filter((metric) => !recorded.has(metric) && !metric.startsWith('daris_gpu_'));
  expect(missing).toEqual(['metrics_overflow_total']);
});

test('in real time nothing lasts long enough to alarm anybody', async () => {
  const { intervalSeconds } = recording;
  expect(await play(intervalSeconds, [{ expr: fired(end, intervalSeconds), at: end - 1, labels: [] }])).toContain(
    'SUCCESS',
  );
});

/** Beside these none. */
const outages: readonly (readonly [act: RegExp, alerts: readonly string[]])[] = [
  [/the agent is killed/, ['{alertname="DarisAgentDown", instance="node-1"}']],
  [/a node crashes/, ['{alertname="DarisAgentDown", instance="node-2"}']],
  [/leading operator is halted/, ['{alertname="DarisNoLeader"}']],
];

test.each(outages)('twelve times slower, an outage alarms: %s', async (act, labels) => {
  const found = acts.find(({ title }) => act.test(title));
  expect(found).toBeDefined();
  const { from = 0, to = 0 } = found ?? {};
  const seconds = recording.intervalSeconds * 12;
  expect(await play(seconds, [{ expr: fired(to - from, seconds), at: to - 1, labels }])).toContain('SUCCESS');
});

test('twelve times slower, no High task is told to miss deadlines, and no task to be without a place', async () => {
  const seconds = recording.intervalSeconds * 12;
  const silent = `, alertname!~"DarisAgentDown|DarisNoLeader"`;
  expect(await play(seconds, [{ expr: fired(end, seconds, silent), at: end - 1, labels: [] }])).toContain('SUCCESS');
});
