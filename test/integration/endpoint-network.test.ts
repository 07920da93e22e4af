// An endpoint that leads somewhere: agents and runtimes in network namespaces, each at an address of its own, and a client
// that goes by the slice alone, wherever the task is at the time.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { systemNamespace } from '../../api/resources.ts';
import type { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';

import { isReady } from './agent-part.ts';
import { AgentProcess } from './agent-process.ts';
import { condition, OperatorWorld } from './operator-world.ts';
import { networkProblem, PrivateNetwork } from './private-network.ts';
import { built, exampleSource, startRuntime } from './runtime-process.ts';

jest.setTimeout(150_000);
const run = promisify(execFile);
const problem = networkProblem();
const nodes = ['n1', 'n2'];
const model = 'edge-classifier';
const port = 8001;
const timeoutMs = 60_000;

const [suite, skipped] = problem === undefined ? [describe, ''] : [describe.skip, ` (skipped: ${problem})`];

suite(`the endpoint of a task in a network${skipped}`, () => {
  const world = new OperatorWorld();
  const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
  const started = new Map<string, { readonly agent: AgentProcess; readonly runtime: Daemon }>();
  let network: PrivateNetwork;

  beforeAll(async () => {
    await world.startWithoutOperator();
    const election = ['--leader-lease-seconds=120', '--leader-renew-seconds=100', '--leader-retry-seconds=1'];
    await world.addOperator([...election, '--node-lease-seconds=10']);
    network = new PrivateNetwork({ nodes, server: world.server, folder });
    await network.start();
    for (const node of nodes) await startNode(node);
    await world.cluster.apply(manifest('InferenceModel', model, { source: exampleSource(model) }));
  }, 150_000);

  afterAll(async () => {
    for (const { agent, runtime } of started.values()) {
      await agent.daemon.stop();
      await runtime.stop();
    }
    await network.stop();
    await world.stop();
    rmSync(folder, { recursive: true });
  }, 90_000);

  async function startNode(node: string): Promise<void> {
    await world.cluster.createNode(node, { 'daris.dev/test': node });
    const kubeconfig = join(folder, `${node}.kubeconfig`);
    await world.cluster.writeServiceAccountKubeconfig(kubeconfig, {
      namespace: systemNamespace,
      name: 'daris-agent',
      node,
    });
    mkdirSync(join(folder, node));
    const socketPath = join(folder, node, 'runtime.sock');
    const by = network.by(node);
    const inferenceAddress = `${network.addressOf(node)}:${port}`;
    const runtime = await startRuntime({ socketPath, logFile: join(folder, `${node}.log`), inferenceAddress, by });
    const args = [`--node=${node}`, `--kubeconfig=${kubeconfig}`, `--runtime-socket=${socketPath}`];
    const agent = await AgentProcess.start({ name: node, args, logFile: join(folder, `${node}-agent.log`), by });
    started.set(node, { agent, runtime });
  }

  function manifest(kind: string, name: string, spec: object): object {
    return { apiVersion: 'daris.dev/v1alpha1', kind, metadata: { name, namespace: world.namespace }, spec };
  }

  function applyTask(name: string, nodeSelector?: Record<string, string>): Promise<void> {
    const spec = { model, period: '100ms', priority: 'Low', ...(nodeSelector && { nodeSelector }) };
    return world.cluster.apply(manifest('RealtimeInferenceTask', name, spec));
  }

  /** The address in the task's slice, once it is that of the node and the task is served. */
  async function servedAt(node: string, name: string): Promise<string> {
    const probe = async (): Promise<string | undefined> => {
      const task = await world.task(name);
      const { endpoints, ports } = await world.read('endpointslice', name);
      const address = `${endpoints?.[0]?.addresses[0]}:${ports?.[0]?.port}`;
      const there = address === `${network.addressOf(node)}:${port}` && task.status?.placement?.node === node;
      if (there && isReady(task)) return address;
      throw new Error(`${address}: ${JSON.stringify(task.status)}`);
    };
    return waitFor(probe, { what: `${name} to be served by ${node}`, timeoutMs });
  }

  /** Asks as a client in the network, and compares the answers with the whole model's. */
  async function answers(address: string, name: string): Promise<void> {
    const [command, ...by] = [...network.by('client'), built('venv', 'bin', 'python')];
    const script = join(repositoryRoot, 'test', 'e2e', 'client.py');
    const options = ['--requests=5', '--pause-ms=150', `--onnx=${built('models', `${model}.onnx`)}`];
    const args = [...by, script, `--address=${address}`, `--model=${name}.${world.namespace}`, ...options];
    const { stdout } = await run(command ?? '', args, { timeout: timeoutMs });
    const said = JSON.parse(stdout) as { answered: number; errors: unknown[]; maxAbsDifference: number };
    expect(said.errors).toEqual([]);
    expect(said.answered).toBeGreaterThan(0);
    expect(said.maxAbsDifference).toBeLessThan(1e-3);
  }

  test('leads a client to the runtime that serves it', async () => {
    await applyTask('lane', { 'daris.dev/test': 'n1' });
    const address = await servedAt('n1', 'lane');
    await answers(address, 'lane');
    const { status } = await world.task('lane');
    expect(status?.endpoint).toEqual({
      address,
      model: `lane.${world.namespace}`,
      service: `lane.${world.namespace}.svc:${port}`,
    });
  });

  test('follows the task to another node', async () => {
    const before = await world.read('service', 'lane');
    await applyTask('lane', { 'daris.dev/test': 'n2' });
    await answers(await servedAt('n2', 'lane'), 'lane');
    const after = await world.read('service', 'lane');
    expect(after.metadata.uid).toBe(before.metadata.uid);
  });

  test('follows the task off a node that is lost', async () => {
    await applyTask('lane');
    await world.untilTask('lane', (task) => task.status?.observedGeneration === task.metadata.generation);
    expect((await world.task('lane')).status?.placement?.node).toBe('n2');
    const lost = started.get('n2');
    await lost?.agent.daemon.kill();
    await lost?.runtime.kill();
    await answers(await servedAt('n1', 'lane'), 'lane');
  });

  test('comes to be once a Service of somebody else under its name is gone', async () => {
    const foreign = { metadata: { name: 'taken', namespace: world.namespace }, spec: { ports: [{ port: 80 }] } };
    await world.cluster.apply({ apiVersion: 'v1', kind: 'Service', ...foreign });
    const before = await world.read('service', 'taken');
    await applyTask('taken', { 'daris.dev/test': 'n1' });
    await world.untilTask('taken', (task) => condition(task, 'EndpointConflict') !== undefined && isReady(task));
    expect(await world.read('service', 'taken')).toEqual(before);
    await world.cluster.kubectl(['delete', 'service', 'taken', '-n', world.namespace]);
    await answers(await servedAt('n1', 'taken'), 'taken');
    const task = await world.untilTask('taken', ({ status }) => status?.endpoint?.service !== undefined);
    expect(condition(task, 'EndpointConflict')).toBeUndefined();
    const { metadata } = await world.read('service', 'taken');
    expect(metadata.uid).not.toBe(before.metadata.uid);
  });
});
