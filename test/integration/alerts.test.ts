// The alerts on what a real agent and a real runtime say: scraped while the runtime is halted again and again, so that a
// High and a Low task miss deadlines, and after it was ended. A minute is taken to lie between two scrapes.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { connect, type Connection } from '../../kube/connection.ts';
import { chartTool } from '../chart/helm.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot, shipped } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { allowedCores } from '../e2e/cores.ts';

import { isServed, NodeUnderTest } from './node-under-test.ts';
import { sharedCluster } from './shared-cluster.ts';

jest.setTimeout(180_000);

const run = promisify(execFile);
const cluster = sharedCluster();
const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
const socketPath = join(folder, 'runtime.sock');
const periodUs = 50_000;
const build = join(repositoryRoot, 'build');
const scrapes: Map<string, number>[] = [];

let connection: Connection;
let namespace = '';
let node: NodeUnderTest;
let runtime: Daemon;

beforeAll(async () => {
  connection = connect({ kubeconfigPath: cluster.kubeconfig, userAgent: 'test' });
  namespace = await cluster.createNamespace('alerts');
  node = new NodeUnderTest({ cluster, connection, namespace, name: `${namespace}-1`, folder, socketPath });
  await node.prepare();
  const cores = `--cores=${allowedCores().join(',')}`;
  runtime = await Daemon.start({
    name: 'daris-runtime',
    command: join(build, 'bin', 'daris-runtime'),
    args: [`--socket=${socketPath}`, `--model-root=${join(build, 'models')}`, '--inference-address=127.0.0.1:0', cores],
    logFile: join(folder, 'runtime.log'),
  });
  await runtime.ready(async () => existsSync(socketPath), 20_000);
  await node.startAgent();
});

afterAll(async () => {
  await node.remove();
  await runtime.stop();
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await connection.close();
  rmSync(folder, { recursive: true });
});

async function serve(name: string, priority: 'High' | 'Low'): Promise<void> {
  const { examples } = JSON.parse(readFileSync(join(build, 'models', 'examples.json'), 'utf8')) as {
    examples: Record<string, { digest: string }>;
  };
  const model = { uri: 'file:///edge-classifier', digest: examples['edge-classifier']?.digest ?? '' };
  await node.place(name, { model, priority, periodUs, deadlineUs: periodUs, maxMissRate: '1' });
  await cluster.kubectl([
    'patch',
    'rit',
    name,
    '-n',
    namespace,
    '--type=merge',
    '-p',
    JSON.stringify({ spec: { priority } }),
  ]);
  await node.task(name, 'to be served', isServed);
}

function missedBy(task: string): string {
  return `daris_jobs_missed_total{instance="agent",namespace="${namespace}",task="${task}"}`;
}

/** The runtime stands still for several periods, as on a machine that is out of order: what is released then is late. */
async function halt(): Promise<void> {
  process.kill(runtime.pid, 'SIGSTOP');
  await delay((4 * periodUs) / 1000);
  process.kill(runtime.pid, 'SIGCONT');
}

/** One scrape, once the runtime has told that more jobs of the late task were admitted. */
async function scrapeAfterJobs(): Promise<void> {
  const admitted = `daris_jobs_admitted_total{instance="agent",namespace="${namespace}",task="late"}`;
  const before = scrapes.at(-1)?.get(admitted) ?? 0;
  const probe = async (): Promise<Map<string, number> | undefined> => {
    const series = seriesOf(await node.metrics());
    return (series.get(admitted) ?? 0) > before ? series : undefined;
  };
  scrapes.push(await waitFor(probe, { what: 'more jobs to be admitted', timeoutMs: 30_000, intervalMs: 200 }));
}

function seriesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith('daris_') && !line.includes('_bucket{'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      const name = line.slice(0, end);
      const labelled = name.endsWith('}') ? name.replace('{', '{instance="agent",') : `${name}{instance="agent"}`;
      return [labelled, Number(line.slice(end + 1))];
    }),
  );
}

/** The alerts that fire at the last scrape, as NAME or NAME of TASK. */
async function firing(expected: readonly { alert: string; task?: string }[]): Promise<void> {
  const names = new Set(scrapes.flatMap((each) => [...each.keys()]));
  const input = [...names].map((series) => ({
    series,
    values: scrapes.map((each) => each.get(series) ?? '_').join(' '),
  }));
  const labels = ({ alert, task }: { alert: string; task?: string }): string =>
    `{alertname="${alert}"${task === undefined ? '' : `, task="${task}"`}}`;
  const query = {
    expr: 'count by (alertname, task) (ALERTS{alertstate="firing", alertname=~"Daris(High|Runtime|Gpu).*"})',
    eval_time: `${scrapes.length - 1}m`,
    exp_samples: expected.map((each) => ({ labels: labels(each), value: 1 })),
  };
  const given = { rule_files: [join(shipped, 'rules.yaml')], evaluation_interval: '1m' };
  const path = join(folder, 'recorded.json');
  writeFileSync(
    path,
    JSON.stringify({ ...given, tests: [{ interval: '1m', input_series: input, promql_expr_test: [query] }] }),
  );
  await expect(run(chartTool('promtool'), ['test', 'rules', path]).catch((error) => error)).resolves.toMatchObject({
    stdout: expect.stringContaining('SUCCESS'),
  });
}

test('a High task that misses deadlines is an alarm, a Low one is not; so is a runtime that ended', async () => {
  await serve('late', 'High');
  await serve('low', 'Low');
  for (let taken = 0; taken < 12; taken += 1) {
    await halt();
    await scrapeAfterJobs();
  }
  const [before, after] = [scrapes[0], scrapes.at(-1)].map((each) => each?.get(missedBy('low')) ?? 0);
  expect(after).toBeGreaterThan(before ?? 0);
  await firing([{ alert: 'DarisHighDeadlinesMissedFast', task: 'late' }]);
  await runtime.stop();
  await waitFor(async () => (await node.metric('daris_runtime_up')) === 0 || undefined, {
    what: 'the agent to miss its runtime',
    timeoutMs: 30_000,
  });
  for (let taken = 0; taken < 3; taken += 1) scrapes.push(seriesOf(await node.metrics()));
  expect(scrapes.at(-1)?.get('daris_runtime_up{instance="agent"}')).toBe(0);
  await firing([{ alert: 'DarisHighDeadlinesMissedFast', task: 'late' }, { alert: 'DarisRuntimeDown' }]);
});
