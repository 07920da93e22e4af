// Writes docs/reference/metrics.md and the chart's dashboard from the metrics of the processes: `node hack/metrics-reference.ts`.
// `make verify` runs it and fails where a committed file differs.
import { writeFileSync } from 'node:fs';

import { metricsCatalogue, type CataloguedMetric } from './metrics-catalogue.ts';
import { dashboard } from './dashboard.ts';

export const REFERENCE = 'docs/reference/metrics.md';
export const DASHBOARD = 'helm/daris/files/dashboard.json';

const HEAD = `# Metrics

Generated from the code by \`hack/metrics-reference.ts\`. The operator serves them on port 9090, each agent on port 9091, both
at \`/metrics\`. Seconds, bytes, hertz and watts; a GPU is its UUID. Labels are bounded: a metric keeps so many label sets and
counts what is lost beyond them in \`metrics_overflow_total\`. The series of a task that has gone go with it.

\`daris_task_info\` is joined to what has the labels \`namespace\` and \`task\`:

\`\`\`promql
rate(daris_jobs_missed_total[5m]) * on (instance, namespace, task) group_left (priority, model) daris_task_info
\`\`\``;

export function renderMetrics(metrics: readonly CataloguedMetric[]): string {
  const lines = metrics.map(({ name, type, labels, processes, help }) => {
    const cells = [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), processes.join(', '), help];
    return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  });
  return `${HEAD}\n\n${['| Metric | Type | Labels | Of | What it says |', '|---|---|---|---|---|', ...lines].join('\n')}\n`;
}

export function renderDashboard(metrics: readonly CataloguedMetric[]): string {
  return `${JSON.stringify(dashboard(metrics), null, 2)}\n`;
}

if (import.meta.main) {
  const metrics = await metricsCatalogue();
  writeFileSync(REFERENCE, renderMetrics(metrics));
  writeFileSync(DASHBOARD, renderDashboard(metrics));
}
