// The script of `helm test`, run as its pod runs it, against real endpoints of metrics.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';

import { HttpServer } from '../../kube/http.ts';
import { MetricRegistry } from '../../kube/metrics.ts';
import { AgentMetrics } from '../../node-agent/metrics.ts';
import { exposeLeader } from '../../operator/metrics.ts';
import { shipped } from '../control-plane/paths.ts';

jest.setTimeout(60_000);

const run = promisify(execFile);
const script = readFileSync(join(shipped, 'health.mjs'), 'utf8');
const servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(metrics: MetricRegistry): Promise<string> {
  const server = new HttpServer({ port: 0, metrics, log: pino({ enabled: false }) });
  servers.push(server);
  return `http://127.0.0.1:${(await server.start()).port}`;
}

function operator(leading: boolean): Promise<string> {
  const registry = new MetricRegistry();
  exposeLeader(registry, { leading, state: { kind: 'Leading', transitions: 1, renewedMs: 0 } });
  return serve(registry);
}

function agent(up: boolean): Promise<string> {
  const registry = new MetricRegistry();
  new AgentMetrics(registry).runtimeUp.set(up ? 1 : 0, {});
  return serve(registry);
}

/** What it says in the end; rejects where it ends with another status than 0. */
async function healthOf(operators: string, agents: string): Promise<string> {
  const env = { ...process.env, OPERATORS: operators, AGENTS: agents, TIMEOUT_SECONDS: '0.5' };
  const args = ['--input-type=module', '--eval', script];
  return (await run(process.execPath, args, { env })).stdout;
}

const nobody = 'http://daris-agent.invalid:9091';

test('one operator leads, and every agent has its runtime', async () => {
  const said = await healthOf(await operator(true), await agent(true));
  expect(said).toBe('1 of 1 operators leads, 1 agents have their runtime\n');
});

test('a cluster without agents is well, one without operators is not', async () => {
  const leader = await operator(true);
  expect(await healthOf(leader, nobody)).toContain('0 agents have their runtime');
  await expect(healthOf(nobody, nobody)).rejects.toMatchObject({
    code: 1,
    stderr: '0 of 0 operators lead, expected 1\n',
  });
});

test('nobody leads', async () => {
  const standby = await operator(false);
  await expect(healthOf(standby, nobody)).rejects.toMatchObject({
    code: 1,
    stderr: '0 of 1 operators lead, expected 1\n',
  });
});

test('an agent without its runtime', async () => {
  const [leader, alone] = [await operator(true), await agent(false)];
  await expect(healthOf(leader, alone)).rejects.toMatchObject({
    code: 1,
    stderr: '1 of 1 agents are without their runtime\n',
  });
});
