// An operator of its own process and identity, on a control plane of its own (two operators would contend for one), and
// short ways to write objects and to wait for what becomes of them. Agents' parts are played by AgentPart.
import { readFileSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findCondition, type Condition } from '../../api/conditions.ts';
import { gpuSchedulingPolicies } from '../../api/resources.ts';
import type { GpuNode, GpuSchedulingPolicy, InferenceModel, RealtimeInferenceTask } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { defineResource, type Stored } from '../../kube/resource.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import { Daemon } from '../control-plane/daemon.ts';
import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';

import { AgentPart, gpuNodeResource, modelResource, taskResource } from './agent-part.ts';

export type Task = Stored<RealtimeInferenceTask>;
export type Model = Stored<InferenceModel>;
export type Policy = Stored<GpuSchedulingPolicy>;
type Spec = RealtimeInferenceTask['spec'];

const policyResource = defineResource<GpuSchedulingPolicy>(gpuSchedulingPolicies);

export const timeoutMs = 20_000;

/** AFET 4 ms at batch 1, 12 ms at batch 4. */
export const batches = [
  { size: 1, stageAfetUs: [1_000, 1_000, 1_000, 1_000] },
  { size: 4, stageAfetUs: [3_000, 3_000, 3_000, 3_000] },
];

export function digest(letter: string): string {
  return `sha256:${letter.repeat(64)}`;
}

export class OperatorWorld {
  readonly namespace = 'vision';
  readonly #folder = mkdtempSync(join(tmpdir(), 'daris-operator-'));
  #plane: ControlPlane | undefined;
  #connection: Connection | undefined;
  #operator: Daemon | undefined;
  #starts = 0;
  readonly #agents: AgentPart[] = [];

  /** Everything but nodes. */
  async start(): Promise<void> {
    this.#plane = await ControlPlane.start();
    await this.cluster.applyCrds();
    await this.cluster.applyRbac();
    await this.cluster.kubectl(['create', 'namespace', this.namespace]);
    const { kubeconfig } = this.cluster;
    this.#connection = connect({ kubeconfigPath: kubeconfig, userAgent: 'operator-test', connections: 4 });
    const account = { namespace: 'daris-system', name: 'daris-operator' };
    await this.cluster.writeServiceAccountKubeconfig(this.#kubeconfig, account);
    await this.startOperator();
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) agent.die();
    await this.stopOperator();
    await this.#connection?.close();
    await this.#plane?.stop();
    rmSync(this.#folder, { recursive: true });
  }

  get cluster(): Cluster {
    if (this.#plane === undefined) throw new Error('the control plane was not started');
    return this.#plane.cluster;
  }

  get client(): KubeClient {
    if (this.#connection === undefined) throw new Error('the control plane was not started');
    return new KubeClient(this.#connection);
  }

  get operatorArgs(): string[] {
    const main = join(repositoryRoot, 'operator', 'main.ts');
    return [main, `--kubeconfig=${this.#kubeconfig}`, '--metrics-address=127.0.0.1:0', '--node-lease-seconds=3'];
  }

  /** Away for a while, for longer than a Lease lasts here: every watch and every connection breaks. */
  async restartApiServer(): Promise<void> {
    await this.#plane?.restartApiServer();
  }

  /** Its own log file each time, since the first line of it tells the port. */
  async startOperator(): Promise<void> {
    const daemon = await Daemon.start({
      name: 'operator',
      command: process.execPath,
      args: this.operatorArgs,
      logFile: join(this.#folder, `operator-${++this.#starts}.log`),
    });
    this.#operator = daemon;
    await daemon.ready(async () => (await fetch(`${this.#address}/readyz`)).ok, timeoutMs);
  }

  async stopOperator(): Promise<void> {
    await this.#operator?.stop();
  }

  /** A node that tasks can name by label. */
  async addNode(name: string, contexts: number, address: string): Promise<AgentPart> {
    const agent = new AgentPart(this.client, name);
    this.#agents.push(agent);
    await agent.register(contexts, address, { 'daris.dev/test': agent.node });
    return agent;
  }

  async metrics(): Promise<Map<string, number>> {
    const text = await (await fetch(`${this.#address}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.replace(/ [^ ]*$/, ''), Number(line.replace(/^.* /, ''))]));
  }

  async applyModel(name: string, letter: string): Promise<void> {
    const source = { uri: `file:///${name}`, digest: digest(letter) };
    await this.cluster.apply({ ...this.#typed('InferenceModel', name), spec: { source } });
  }

  /** Applies a model, waits until the operator names its inspector, and answers as that agent. */
  async readyModel(name: string, letter: string): Promise<void> {
    await this.applyModel(name, letter);
    const model = await this.untilModel(name, (each) => each.status?.inspector !== undefined);
    await new AgentPart(this.client, model.status?.inspector?.node ?? '').inspected(model, batches);
    await this.untilModel(name, (each) => findCondition(each.status?.conditions, 'Ready')?.status === 'True');
  }

  /** A Low task of 20 ms, kept to one node, unless the spec says otherwise. */
  async applyTask(name: string, on: AgentPart, spec: Partial<Spec> = {}): Promise<void> {
    const nodeSelector = { 'daris.dev/test': on.node };
    const base = { model: 'detector', period: '20ms', priority: 'Low', nodeSelector };
    await this.cluster.apply({ ...this.#typed('RealtimeInferenceTask', name), spec: { ...base, ...spec } });
  }

  async applyPolicy(name: string, spec: GpuSchedulingPolicy['spec']): Promise<Policy> {
    const { apiVersion, kind } = gpuSchedulingPolicies;
    await this.cluster.apply({ apiVersion, kind, metadata: { name }, spec });
    return this.client.get(policyResource, { name });
  }

  untilPolicy(name: string, holds: (policy: Policy) => boolean): Promise<Policy> {
    return until(`policy ${name}`, () => this.client.get(policyResource, { name }), holds);
  }

  untilGpuNode(name: string, holds: (gpuNode: Stored<GpuNode>) => boolean): Promise<Stored<GpuNode>> {
    return until(`GpuNode ${name}`, () => this.client.get(gpuNodeResource, { name }), holds);
  }

  async deleteTasks(...names: string[]): Promise<void> {
    await this.cluster.kubectl(['delete', 'rit', '-n', this.namespace, ...names]);
  }

  async read(kind: string, name: string) {
    return JSON.parse(await this.cluster.kubectl(['get', kind, name, '-n', this.namespace, '-o', 'json']));
  }

  task(name: string): Promise<Task> {
    return this.client.get(taskResource, { name, namespace: this.namespace });
  }

  model(name: string): Promise<Model> {
    return this.client.get(modelResource, { name, namespace: this.namespace });
  }

  untilTask(name: string, holds: (task: Task) => boolean): Promise<Task> {
    return until(`task ${name}`, () => this.task(name), holds);
  }

  untilModel(name: string, holds: (model: Model) => boolean): Promise<Model> {
    return until(`model ${name}`, () => this.model(name), holds);
  }

  get #kubeconfig(): string {
    return join(this.#folder, 'operator.kubeconfig');
  }

  get #address(): string {
    const lines = readFileSync(this.#operator?.logFile ?? '', 'utf8').split('\n');
    const port = lines.map((line) => /"metricsPort":(\d+)/.exec(line)?.[1]).find((found) => found !== undefined);
    if (port === undefined) throw new Error('the operator has not said its port yet');
    return `http://127.0.0.1:${port}`;
  }

  #typed(kind: string, name: string): object {
    return { apiVersion: 'daris.dev/v1alpha1', kind, metadata: { name, namespace: this.namespace } };
  }
}

async function until<T extends { status?: object }>(
  what: string,
  read: () => Promise<T>,
  holds: (object: T) => boolean,
): Promise<T> {
  return waitFor(
    async () => {
      const object = await read();
      if (holds(object)) return object;
      throw new Error(JSON.stringify(object.status));
    },
    { what, timeoutMs },
  );
}

export function condition(object: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined {
  return findCondition(object.status?.conditions, type);
}

export function placed(task: Task): boolean {
  return condition(task, 'Placed')?.status === 'True' && task.status?.observedGeneration === task.metadata.generation;
}

export function notPlaced(reason: string): (task: Task) => boolean {
  return (task) => {
    const found = condition(task, 'Placed');
    return (
      found?.status === 'False' && found.reason === reason && found.observedGeneration === task.metadata.generation
    );
  };
}
