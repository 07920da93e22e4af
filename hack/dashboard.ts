// A Grafana dashboard with a panel for each metric, in rows by what it is about. Pure: the same metrics, the same JSON.
import type { CataloguedMetric } from './metrics-catalogue.ts';

const columns = 24;
const panelWidth = 8;
const panelHeight = 7;
const datasource = { type: 'prometheus', uid: '${datasource}' };

interface Row {
  readonly title: string;
  readonly holds: RegExp;
}

/** A metric is in the first row that holds it. */
const rows: readonly Row[] = [
  { title: 'Jobs', holds: /^daris_jobs?_/ },
  { title: 'Tasks and contexts', holds: /^daris_(task|context)_/ },
  { title: 'GPUs', holds: /^daris_gpu_/ },
  { title: 'Agents and runtimes', holds: /^daris_(agent|runtime)_/ },
  { title: 'Operator', holds: /^daris_/ },
  { title: 'Controllers and the API server', holds: /./ },
];

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly [field: string]: unknown;
}

export function dashboard(metrics: readonly CataloguedMetric[]): object {
  return {
    uid: 'daris',
    title: 'DARIS',
    tags: ['daris'],
    editable: true,
    schemaVersion: 41,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [variable('datasource'), taskVariable('namespace', ''), taskVariable('task', 'namespace')] },
    panels: place(rows.map(({ title }, index) => ({ title, panels: panelsOf(metrics, index) }))),
  };
}

function panelsOf(metrics: readonly CataloguedMetric[], row: number): Panel[] {
  return metrics
    .filter(({ name }) => rows.findIndex(({ holds }) => holds.test(name)) === row)
    .map((metric) => ({
      type: 'timeseries',
      title: metric.name,
      description: metric.help,
      datasource,
      fieldConfig: { defaults: { unit: unitOf(metric), min: 0 }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
      targets: targetsOf(metric),
    }));
}

function targetsOf(metric: CataloguedMetric): object[] {
  const legend = metric.labels.map((label) => `{{${label}}}`).join(' ') || '{{pod}}';
  const query = (refId: string, expr: string, legendFormat: string): object => ({
    refId,
    datasource,
    expr,
    legendFormat,
  });
  if (metric.type !== 'histogram') return [query('A', expressionOf(metric), legend)];
  return [0.5, 0.99].map((quantile, index) =>
    query(index === 0 ? 'A' : 'B', quantileOf(metric, quantile), `p${quantile * 100} ${legend}`),
  );
}

/** Of a counter its rate, summed over processes; of a gauge what each series says. */
export function expressionOf({ name, type, labels }: CataloguedMetric): string {
  if (type === 'gauge') return `${name}${selectorOf(labels)}`;
  const rate = `rate(${name}${selectorOf(labels)}[$__rate_interval])`;
  return labels.length === 0 ? `sum(${rate})` : `sum by (${labels.join(', ')}) (${rate})`;
}

function quantileOf({ name, labels }: CataloguedMetric, quantile: number): string {
  const rate = `rate(${name}_bucket${selectorOf(labels)}[$__rate_interval])`;
  return `histogram_quantile(${quantile}, sum by (${['le', ...labels].join(', ')}) (${rate}))`;
}

function selectorOf(labels: readonly string[]): string {
  const chosen = labels.filter((label) => label === 'namespace' || label === 'task');
  return chosen.length === 0 ? '' : `{${chosen.map((label) => `${label}=~"$${label}"`).join(', ')}}`;
}

function unitOf({ name, type }: CataloguedMetric): string {
  if (/_seconds(_total)?$/.test(name)) return type === 'counter' ? 'percentunit' : 's';
  if (type === 'counter') return 'cps';
  const units: readonly (readonly [string, string])[] = [
    ['_bytes', 'bytes'],
    ['_hertz', 'hertz'],
    ['_watts', 'watt'],
    ['_celsius', 'celsius'],
  ];
  return units.find(([suffix]) => name.endsWith(suffix))?.[1] ?? 'short';
}

function variable(name: string): object {
  return { name, type: 'datasource', query: 'prometheus', current: {}, hide: 0 };
}

function taskVariable(label: string, within: string): object {
  const selector = within === '' ? '' : `{${within}=~"$${within}"}`;
  const query = `label_values(daris_task_info${selector}, ${label})`;
  return {
    name: label,
    type: 'query',
    datasource,
    query: { query, refId: label },
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

/** Numbers and places the panels, each row below the one before. */
function place(groups: readonly { readonly title: string; readonly panels: readonly Panel[] }[]): object[] {
  let y = 0;
  let id = 0;
  return groups.flatMap(({ title, panels }) => {
    const row = {
      id: (id += 1),
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: columns, h: 1 },
    };
    const top = y + 1;
    const perLine = columns / panelWidth;
    const placed = panels.map((panel, index) => ({
      id: (id += 1),
      ...panel,
      gridPos: {
        x: (index % perLine) * panelWidth,
        y: top + Math.floor(index / perLine) * panelHeight,
        w: panelWidth,
        h: panelHeight,
      },
    }));
    y = top + Math.ceil(panels.length / perLine) * panelHeight;
    return [row, ...placed];
  });
}
