// One node with an agent on the real API server, for tests: its identity, its agent, what the operator would write, and
// waiting for what the agent says. The runtime behind the socket is the test's choice.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { type Condition, findCondition } from '../../api/conditions.ts';
import { fieldManagers } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Connection } from '../../kube/connection.ts';
import { Agent } from '../../node-agent/app.ts';
import { type Config, readConfig } from '../../node-agent/config.ts';
import {
  type Effective,
  gpuNodes,
  type GpuNodeStatus,
  models,
  type NodePolicy,
  type Placement,
  type StoredModel,
  type StoredTask,
  tasks,
} from '../../node-agent/resources.ts';
import { effective, gpu } from '../../node-agent/testing/fixtures.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { waitFor } from '../control-plane/wait.ts';
import { SeverableProxy } from './severable-proxy.ts';

export const systemNamespace = 'daris-system';
const operator = { fieldManager: fieldManagers.operator, force: true } as const;
const timeoutMs = 20_000;

export interface NodeOptions {
  readonly cluster: Cluster;
  readonly connection: Connection;
  readonly namespace: string;
  readonly name: string;
  /** Where kubeconfigs are written. */
  readonly folder: string;
  readonly socketPath: string;
  /** The agent's; absent: the machine's. */
  readonly clock?: Clock;
  /** What it advertises as its host; absent: a name, which no EndpointSlice takes. */
  readonly host?: string;
  /** More flags of the agent. */
  readonly flags?: readonly string[];
}

export class NodeUnderTest {
  readonly name: string;
  readonly client: KubeClient;
  readonly proxy: SeverableProxy;
  readonly #options: NodeOptions;
  #config: Config | undefined;
  #agent: Agent | undefined;
  #metricsPort = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.client = new KubeClient(options.connection);
    this.proxy = new SeverableProxy(options.connection.server);
  }

  /** Creates the Node and its agent's identity; the agent reaches the API server through `proxy`. */
  async prepare(): Promise<void> {
    const {
      cluster,
      connection,
      name,
      folder,
      socketPath,
      host = 'inference.example',
      flags: more = [],
    } = this.#options;
    await cluster.createNode(name);
    const direct = join(folder, `${name}.direct`);
    await cluster.writeServiceAccountKubeconfig(direct, {
      namespace: systemNamespace,
      name: 'daris-agent',
      node: name,
    });
    const kubeconfig = join(folder, `${name}.kubeconfig`);
    const proxied = readFileSync(direct, 'utf8').replaceAll(connection.server, await this.proxy.start());
    writeFileSync(kubeconfig, proxied, { mode: 0o600 });
    const flags = [`--node=${name}`, `--kubeconfig=${kubeconfig}`, `--runtime-socket=${socketPath}`, ...more];
    this.#config = readConfig([...flags, '--metrics-address=127.0.0.1:0', `--advertise-address=${host}`], {});
  }

  get config(): Config {
    if (this.#config === undefined) throw new Error('prepare() comes first');
    return this.#config;
  }

  async startAgent(): Promise<void> {
    const log = pino({ level: process.env['DARIS_TEST_LOG'] ?? 'silent' });
    const { clock } = this.#options;
    this.#agent = new Agent(this.config, log, clock === undefined ? {} : { clock });
    this.#metricsPort = (await this.#agent.start()).port;
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  /** Ends the agent and removes the node and all tasks and models of the namespace. */
  async remove(): Promise<void> {
    const { cluster, name, namespace } = this.#options;
    await this.stopAgent();
    await this.proxy.stop();
    await cluster.kubectl(['delete', 'rit,im', '--all', '-n', namespace]);
    await cluster.kubectl(['delete', 'gpunode,node', name, '--ignore-not-found']);
    await cluster.kubectl(['delete', 'lease', name, '-n', systemNamespace, '--ignore-not-found']);
  }

  /** A placement on this node, as the operator writes it. */
  placement(epoch = 1, context = 0): Placement {
    const booked = { bookedUtilization: '0.1', leaderTransitions: 0 };
    return { node: this.name, gpu, gpuProduct: 'CPU', context, epoch, ...booked };
  }

  /** Creates the task if there is none of the name, and writes its terms and place as the operator does. */
  place(name: string, terms: Partial<Effective> = {}, placement: Placement = this.placement()): Promise<StoredTask> {
    return this.writeTaskStatus(name, { effective: { ...effective, ...terms }, placement });
  }

  async writeTaskStatus(name: string, status: Partial<NonNullable<StoredTask['status']>>): Promise<StoredTask> {
    const metadata = { name, namespace: this.#options.namespace };
    const spec = { model: 'detector', period: '50ms', priority: 'Low' };
    await this.client.apply(tasks, { metadata, spec }, operator);
    return this.client.apply(tasks, { metadata, status }, { ...operator, subresource: 'status' });
  }

  /** Creates or edits the model and makes this node its inspector, as the operator does. */
  async inspect(name: string, source: { uri: string; digest: string }): Promise<StoredModel> {
    const metadata = { name, namespace: this.#options.namespace };
    await this.client.apply(models, { metadata, spec: { source } }, operator);
    const status = { inspector: { node: this.name } };
    return this.client.apply(models, { metadata, status }, { ...operator, subresource: 'status' });
  }

  async deleteTask(name: string): Promise<void> {
    await this.client.delete(tasks, { name, namespace: this.#options.namespace });
  }

  /** The task once `holds`; the error at the deadline tells its status. */
  task(name: string, what: string, holds: (task: StoredTask) => boolean): Promise<StoredTask> {
    const probe = async (): Promise<StoredTask> => {
      const found = await this.client.get(tasks, { name, namespace: this.#options.namespace });
      if (holds(found)) return found;
      throw new Error(JSON.stringify(found.status));
    };
    return waitFor(probe, { what: `task ${name} ${what}`, timeoutMs });
  }

  /** The model once its inspector has spoken of that generation. */
  inspected(name: string, generation: number): Promise<StoredModel> {
    const probe = async (): Promise<StoredModel | undefined> => {
      const found = await this.client.get(models, { name, namespace: this.#options.namespace });
      return condition(found, 'Inspected')?.observedGeneration === generation ? found : undefined;
    };
    return waitFor(probe, { what: `model ${name} to be inspected`, timeoutMs });
  }

  /** Resolves once the GpuNode says so. */
  async ready(status: Condition['status'], reason: string): Promise<void> {
    const probe = async (): Promise<true> => {
      const found = condition(await this.client.get(gpuNodes, { name: this.name }), 'Ready');
      if (found?.status === status && found.reason === reason) return true;
      throw new Error(JSON.stringify(found));
    };
    await waitFor(probe, { what: `GpuNode ${this.name} to be Ready=${status} ${reason}`, timeoutMs });
  }

  /** Names the policy that the node is to follow, as the operator does. */
  async follow(policy: NodePolicy): Promise<void> {
    const applied = { metadata: { name: this.name }, status: { policy } };
    await this.client.apply(gpuNodes, applied, { ...operator, subresource: 'status' });
  }

  /** The GpuNode's status once the agent has answered for the policy of that name. */
  followed(name: string, answer: Condition['status'] = 'True'): Promise<GpuNodeStatus> {
    const probe = async (): Promise<GpuNodeStatus> => {
      const found = await this.client.get(gpuNodes, { name: this.name });
      const { status } = found;
      const said = condition(found, 'PolicyApplied')?.status;
      if (status?.observedPolicy?.name === name && said === answer) return status;
      throw new Error(JSON.stringify(status));
    };
    return waitFor(probe, { what: `PolicyApplied=${answer} of ${name}`, timeoutMs: 60_000 });
  }

  /** Resolves once there is an event of that reason about the task. */
  async event(name: string, reason: string): Promise<void> {
    const { cluster, namespace } = this.#options;
    const selector = `regarding.name=${name},reason=${reason}`;
    const args = ['get', 'events.events.k8s.io', '-n', namespace, '-o', 'name', '--field-selector', selector];
    const probe = async (): Promise<true | undefined> => ((await cluster.kubectl(args)) === '' ? undefined : true);
    await waitFor(probe, { what: `the event ${reason} of ${name}`, timeoutMs });
  }

  /** The whole answer to a GET of the agent's operational endpoint. @throws Error where the status is not 200 */
  async text(path: string): Promise<string> {
    const answer = await this.#get(path);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }

  /** The value of the agent's metric whose line begins so; undefined where there is none. */
  async metric(line: string): Promise<number | undefined> {
    const found = (await this.metrics()).split('\n').find((each) => each.startsWith(line));
    return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(' ')));
  }

  /** The whole exposition. */
  async metrics(): Promise<string> {
    return (await this.#get('/metrics')).text();
  }

  async readyz(): Promise<number> {
    return (await this.#get('/readyz')).status;
  }

  #get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#metricsPort}${path}`, { signal: AbortSignal.timeout(5_000) });
  }
}

export function condition(object: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined {
  return findCondition(object.status?.conditions, type);
}

/** Served under the epoch of its placement. */
export function isServed(task: StoredTask): boolean {
  return condition(task, 'Serving')?.status === 'True' && task.status?.runtime?.epoch === task.status?.placement?.epoch;
}

export function releasedJobs(task: StoredTask): number {
  return task.status?.runtime?.jobs?.released ?? 0;
}
