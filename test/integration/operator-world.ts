// Operators, each a process of its own, on a control plane of their own (others would contend for the leadership), and
// short ways to write objects and to wait for what becomes of them. Agents' parts are played by AgentPart.
import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findCondition, type Condition } from '../../api/conditions.ts';
import { gpuSchedulingPolicies } from '../../api/resources.ts';
import type {
  GpuNode,
  GpuSchedulingPolicy,
  InferenceModel,
  ModelProfile,
  RealtimeInferenceTask,
} from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect, type Connection } from '../../kube/connection.ts';
import { defineResource, type Stored } from '../../kube/resource.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { ControlPlane } from '../control-plane/control-plane.ts';
import { waitFor } from '../control-plane/wait.ts';

import { AgentPart, gpuNodeResource, modelResource, profileResource, taskResource } from './agent-part.ts';
import { OperatorProcess } from './operator-process.ts';

export type Task = Stored<RealtimeInferenceTask>;
export type Model = Stored<InferenceModel>;
export type Policy = Stored<GpuSchedulingPolicy>;
export type Profile = Stored<ModelProfile>;
type Spec = RealtimeInferenceTask['spec'];

const policyResource = defineResource<GpuSchedulingPolicy>(gpuSchedulingPolicies);

export const timeoutMs = 20_000;

/** AFET 4 ms at batch 1, 12 ms at batch 4. */
export const batches = [
  { size: 1, stageAfetUs: [1_000, 1_000, 1_000, 1_000] },
  { size: 4, stageAfetUs: [3_000, 3_000, 3_000, 3_000] },
];

export const batchSizes = batches.map(({ size }) => size);

export function digest(letter: string): string {
  return `sha256:${letter.repeat(64)}`;
}

/** Nobody waits for the only operator's Lease, and the API server may take long to come back on a busy machine. */
const patient = ['--leader-lease-seconds=120', '--leader-renew-seconds=100', '--leader-retry-seconds=1'];

export class OperatorWorld {
  readonly namespace = 'vision';
  readonly #folder = mkdtempSync(join(tmpdir(), 'daris-operator-'));
  #plane: ControlPlane | undefined;
  #connection: Connection | undefined;
  #operator: OperatorProcess | undefined;
  #starts = 0;
  readonly #operators: OperatorProcess[] = [];
  readonly #agents: AgentPart[] = [];

  /** Everything but nodes. */
  async start(): Promise<void> {
    await this.startWithoutOperator();
    await this.startOperator();
  }

  async startWithoutOperator(): Promise<void> {
    this.#plane = await ControlPlane.start();
    await this.cluster.applyCrds();
    await this.cluster.applyRbac();
    await this.cluster.kubectl(['create', 'namespace', this.namespace]);
    const { kubeconfig } = this.cluster;
    this.#connection = connect({ kubeconfigPath: kubeconfig, userAgent: 'operator-test', connections: 4 });
    const account = { namespace: 'daris-system', name: 'daris-operator' };
    await this.cluster.writeServiceAccountKubeconfig(this.operatorKubeconfig, account);
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) agent.die();
    for (const operator of this.#operators) await operator.daemon.stop();
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

  /** The API server's URL. */
  get server(): string {
    if (this.#connection === undefined) throw new Error('the control plane was not started');
    return this.#connection.server;
  }

  /** The operator's own identity. */
  get operatorKubeconfig(): string {
    return join(this.#folder, 'operator.kubeconfig');
  }

  operatorArgs(election: readonly string[] = patient): string[] {
    const kubeconfig = `--kubeconfig=${this.operatorKubeconfig}`;
    return [kubeconfig, '--metrics-address=127.0.0.1:0', '--node-lease-seconds=3', ...election];
  }

  /** Away for a while, for longer than a Lease lasts here: every watch and every connection breaks. */
  async restartApiServer(): Promise<void> {
    await this.#plane?.restartApiServer();
  }

  async startOperator(): Promise<void> {
    this.#operator = await this.addOperator();
  }

  /** One more operator, which contends for the leadership. */
  async addOperator(election?: readonly string[]): Promise<OperatorProcess> {
    const name = `operator-${++this.#starts}`;
    const logFile = join(this.#folder, `${name}.log`);
    const operator = await OperatorProcess.start({ name, args: this.operatorArgs(election), logFile });
    this.#operators.push(operator);
    return operator;
  }

  async stopOperator(): Promise<void> {
    await this.#operator?.daemon.stop();
  }

  /** A node that tasks can name by label. */
  async addNode(name: string, contexts: number, address: string, hardware = {}): Promise<AgentPart> {
    const agent = new AgentPart(this.client, name);
    agent.hardware = { ...agent.hardware, ...hardware };
    agent.times = batches;
    this.#agents.push(agent);
    await agent.register(contexts, address, { 'daris.dev/test': agent.node });
    return agent;
  }

  async metrics(): Promise<Map<string, number>> {
    if (this.#operator === undefined) throw new Error('the operator was not started');
    return this.#operator.metrics();
  }

  async applyModel(name: string, letter: string, memory?: string): Promise<void> {
    const source = { uri: `file:///${name}`, digest: digest(letter) };
    const spec = { source, ...(memory === undefined ? {} : { memory }) };
    await this.cluster.apply({ ...this.#typed('InferenceModel', name), spec });
  }

  /** Applies a model, waits until the operator names its inspector, and answers as that agent. */
  async readyModel(name: string, letter: string, needs: Parameters<AgentPart['inspected']>[2] = {}): Promise<void> {
    await this.applyModel(name, letter);
    const model = await this.untilModel(name, (each) => each.status?.inspector !== undefined);
    await new AgentPart(this.client, model.status?.inspector?.node ?? '').inspected(model, batchSizes, needs);
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

  async profilesOf(packageDigest: string): Promise<Profile[]> {
    const { items } = await this.client.list(profileResource);
    return items.filter(({ spec }) => spec.digest === packageDigest);
  }

  profiles(letter: string): Promise<Profile[]> {
    return this.profilesOf(digest(letter));
  }

  /** The only profile of that package, once `holds`. */
  untilProfile(letter: string, holds: (profile: Profile) => boolean): Promise<Profile> {
    const read = async (): Promise<Profile> => {
      const [profile, ...others] = await this.profiles(letter);
      if (profile === undefined || others.length > 0) throw new Error(`${others.length} others`);
      return profile;
    };
    return until(`profile of ${letter}`, read, holds);
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
