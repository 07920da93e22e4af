// All metrics of operator and agent, asked of the processes themselves: both are put together, and never started.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pino } from 'pino';

import { SystemClock } from '../kube/clock.ts';
import { MetricRegistry, type MetricDescription } from '../kube/metrics.ts';
import { Agent } from '../node-agent/app.ts';
import { readConfig } from '../node-agent/config.ts';
import { createApp } from '../operator/app.ts';
import { parseConfig } from '../operator/config.ts';

export interface CataloguedMetric extends MetricDescription {
  readonly processes: readonly ('operator' | 'agent')[];
}

/** By name, in the order in which the processes expose them, the agent's first. */
export async function metricsCatalogue(): Promise<CataloguedMetric[]> {
  const folder = mkdtempSync(join(tmpdir(), 'daris-metrics-'));
  try {
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, JSON.stringify(nowhere));
    return merge(agentMetrics(kubeconfig), await operatorMetrics(kubeconfig));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const nowhere = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'none', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'none', user: { token: 'none' } }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  'current-context': 'none',
};

function agentMetrics(kubeconfig: string): MetricDescription[] {
  const registry = new MetricRegistry();
  const flags = ['--node=none', '--runtime-socket=/none', `--kubeconfig=${kubeconfig}`];
  const config = readConfig(flags, {});
  if (config === undefined) throw new Error('the agent took its flags for a call for help');
  void new Agent(config, pino({ enabled: false }), { registry });
  return registry.describe();
}

async function operatorMetrics(kubeconfig: string): Promise<MetricDescription[]> {
  const registry = new MetricRegistry();
  const config = parseConfig([`--kubeconfig=${kubeconfig}`], {});
  if (config === 'help') throw new Error('the operator took its flags for a call for help');
  const log = pino({ enabled: false });
  const app = createApp({ config, clock: new SystemClock(), log, registry });
  await app.stop();
  return registry.describe();
}

function merge(agent: readonly MetricDescription[], operator: readonly MetricDescription[]): CataloguedMetric[] {
  const names = new Set([...agent, ...operator].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [ofAgent, ofOperator] = [agent, operator].map((all) => all.find((metric) => metric.name === name));
    const known = ofAgent ?? ofOperator;
    if (known === undefined) return [];
    const processes = [
      ...(ofAgent === undefined ? [] : (['agent'] as const)),
      ...(ofOperator === undefined ? [] : (['operator'] as const)),
    ];
    return [{ ...known, processes }];
  });
}
