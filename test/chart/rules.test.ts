// The alerts, by Prometheus's own promtool, and against the metrics that the processes have and the page that explains them.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, jest, test } from '@jest/globals';

import { expressionOf } from '../../hack/dashboard.ts';
import { metricsCatalogue, type CataloguedMetric } from '../../hack/metrics-catalogue.ts';
import { DASHBOARD, REFERENCE, renderDashboard, renderMetrics } from '../../hack/metrics-reference.ts';
import { repositoryRoot } from '../control-plane/paths.ts';

import { chartTool, render } from './helm.ts';
import { find } from './pods.ts';
import { allRules, metricsIn, rules, rulesFile } from './rules.ts';

jest.setTimeout(120_000);

const run = promisify(execFile);
let metrics: CataloguedMetric[] = [];

beforeAll(async () => {
  metrics = await metricsCatalogue();
});

test('promtool finds nothing wrong, and the alerts fire and are silent as they should', async () => {
  await run(chartTool('promtool'), ['check', 'rules', '--lint=all', '--lint-fatal', rulesFile]);
  const given = join(repositoryRoot, 'test', 'chart', 'rules.promtool.yaml');
  expect((await run(chartTool('promtool'), ['test', 'rules', given])).stdout).toContain('SUCCESS');
});

test('each alert asks for metrics that there are', () => {
  const known = new Set(metrics.map(({ name }) => name));
  const asked = allRules.flatMap(({ expr }) => metricsIn(expr));
  expect(asked.length).toBeGreaterThan(allRules.length);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});

test('docs/operate.md tells of each alert, and of no other', () => {
  const page = readFileSync(join(repositoryRoot, 'docs', 'operate.md'), 'utf8');
  const told = [...page.matchAll(/^\| `(Daris\w+)`/gm)].map(([, name]) => name);
  expect(told.toSorted()).toEqual(allRules.flatMap(({ alert }) => alert ?? []).toSorted());
});

test('the chart installs the rules as they are, with the templates of Prometheus untouched', async () => {
  const rendered = await render({ apiVersions: ['monitoring.coreos.com/v1'] });
  expect(find(rendered, 'PrometheusRule', 'daris').spec).toEqual(rules);
});

describe('what is generated from the metrics', () => {
  test('is as committed', () => {
    const committed = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
    expect(committed(REFERENCE)).toBe(renderMetrics(metrics));
    expect(committed(DASHBOARD)).toBe(renderDashboard(metrics));
  });

  test('the dashboard shows every metric once, no panel upon another', () => {
    const { panels } = JSON.parse(renderDashboard(metrics)) as { panels: Panel[] };
    const shown = panels.filter(({ type }) => type !== 'row').map(({ title }) => title);
    expect(shown.toSorted()).toEqual(metrics.map(({ name }) => name).toSorted());
    const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(panels.length);
  });

  test('promtool can read every query of the dashboard', async () => {
    const { panels } = JSON.parse(renderDashboard(metrics)) as { panels: Panel[] };
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries).toContain(expressionOf(metrics.find(({ name }) => name === 'daris_leader') as CataloguedMetric));
    const recorded = queries.map((expr, index) => ({
      record: `query_${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }));
    const child = run(chartTool('promtool'), ['check', 'rules']);
    child.child.stdin?.end(JSON.stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    expect((await child).stdout).toContain(`${queries.length} rules found`);
  });
});

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly expr: string }[];
}

test('names carry base units, counters end in _total, and labels are bounded', () => {
  const units = /_(seconds|bytes|hertz|watts|celsius|total|info|up|ratio)$/;
  const plain = [
    'daris_task_utilization',
    'daris_task_capacity',
    'daris_context_utilization',
    'daris_gpu_foreign_processes',
    'daris_gpu_healthy',
    'daris_gpu_throttled',
    'daris_operator_tasks',
    'daris_operator_nodes',
    'daris_leader',
    'daris_leader_transitions',
    'reflector_objects',
    'controller_queue_depth',
  ];
  for (const { name, type } of metrics) {
    expect({ name, total: name.endsWith('_total') }).toEqual({ name, total: type === 'counter' });
  }
  expect(metrics.map(({ name }) => name).filter((name) => !units.test(name) && !plain.includes(name))).toEqual([]);
  const bounded =
    'namespace task priority model gpu context kind reason cause loop result method status code metric outcome state controller';
  const labels = new Set(metrics.flatMap((metric) => metric.labels));
  expect([...labels].filter((label) => !bounded.split(' ').includes(label))).toEqual([]);
});
