// A node agent's part of the API contract, played by a test: Node, GpuNode, Lease, inspected models, served tasks.
import { isTrue, secondsIso, type Condition } from '../../api/conditions.ts';
import {
  fieldManagers,
  gpuNodes,
  inferenceModels,
  modelProfiles,
  realtimeInferenceTasks,
  systemNamespace,
} from '../../api/resources.ts';
import type { GpuNode, InferenceModel, ModelProfile, RealtimeInferenceTask } from '../../api/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isConflict } from '../../kube/errors.ts';
import { leases, microTime } from '../../kube/lease.ts';
import { defineResource, type Stored } from '../../kube/resource.ts';

export const taskResource = defineResource<RealtimeInferenceTask>(realtimeInferenceTasks);
export const modelResource = defineResource<InferenceModel>(inferenceModels);
export const profileResource = defineResource<ModelProfile>(modelProfiles);
export const gpuNodeResource = defineResource<GpuNode>(gpuNodes);
const nodeResource = defineResource({ apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false });

const asAgent = { fieldManager: fieldManagers.agent, force: true } as const;
const renewEveryMs = 400;
const lookEveryMs = 100;

export interface PolicyAnswer {
  readonly name: string;
  readonly generation: number;
  /** Why it cannot be had; absent: it is in force. */
  readonly refusal?: string;
}

type ModelPackage = NonNullable<NonNullable<InferenceModel['status']>['package']>;

export interface Batch {
  readonly size: number;
  readonly stageAfetUs: number[];
}

export class AgentPart {
  readonly node: string;
  readonly #client: KubeClient;
  /** What it measures, whatever the model; undefined: it does not get to it. */
  times: readonly Batch[] | undefined;
  /** What its GPU is, as it reports it. */
  hardware = { memoryBytes: 1, engine: 'openvino' };
  #renewal: NodeJS.Timeout | undefined;
  #measuring: NodeJS.Timeout | undefined;

  constructor(client: KubeClient, node: string) {
    this.#client = client;
    this.node = node;
  }

  /** A Node and a ready GpuNode with one GPU of so many contexts, one stream each, and the agent's heart beating. */
  async register(contexts: number, address: string, labels: Record<string, string>): Promise<void> {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: this.node, labels } };
    await this.#client.create(nodeResource, node);
    await this.#client.apply(gpuNodeResource, { metadata: { name: this.node } }, asAgent);
    await this.report(contexts, address);
    await this.#renew();
    this.live();
  }

  /** With what it says of the policy that it was given, if it speaks of one. */
  async report(contexts: number, address: string, answer?: PolicyAnswer): Promise<void> {
    const gpu = { uuid: 'gpu-0', product: 'test', sms: contexts, ...this.hardware };
    const listed = Array.from({ length: contexts }, (_, index) => ({ index, sms: 1, streams: 1 }));
    await this.#client.apply(
      gpuNodeResource,
      {
        metadata: { name: this.node },
        status: {
          address,
          highPriorityUtilizationLimit: '0.75',
          gpus: [{ ...gpu, contexts: listed }],
          ...(answer && { observedPolicy: { name: answer.name, generation: answer.generation } }),
          conditions: [
            condition('Ready', true, 'Serving', 'the runtime answers and takes tasks'),
            ...(answer === undefined ? [] : [policyApplied(answer)]),
          ],
        },
      },
      { ...asAgent, subresource: 'status' },
    );
  }

  live(): void {
    this.#renewal = setInterval(() => {
      // A renewal that fails is one that the operator does not see: the test that cares will say so.
      this.#renew().catch(() => undefined);
    }, renewEveryMs);
    // Likewise a profile that it does not get to is measured at the next look.
    this.#measuring = setInterval(() => {
      this.#measureAll().catch(() => undefined);
    }, lookEveryMs);
  }

  die(): void {
    clearInterval(this.#renewal);
    clearInterval(this.#measuring);
  }

  /** What the inspecting agent says of a package that it has read; `needs`: of its memory and engines. */
  async inspected(
    model: Stored<InferenceModel>,
    batchSizes: readonly number[],
    needs: Pick<ModelPackage, 'memoryBytes' | 'engines'> = {},
  ): Promise<void> {
    const { digest } = model.spec.source;
    await this.#writeModel(model, {
      package: { digest, name: model.metadata.name, stageCount: 4, batchSizes: [...batchSizes], ...needs },
      conditions: [condition('Inspected', true, 'Inspected', '4 stages', model.metadata.generation)],
    });
  }

  /** What it says of one that is made for other engines than its own. */
  async lacksEngine(model: Stored<InferenceModel>, engines: string[]): Promise<void> {
    const { digest } = model.spec.source;
    const message = `model.json lists no artifacts of engine '${this.hardware.engine}'`;
    await this.#writeModel(model, {
      package: { digest, name: model.metadata.name, stageCount: 4, batchSizes: [], engines },
      conditions: [condition('Inspected', false, 'NoArtifacts', message, model.metadata.generation)],
    });
  }

  /** What it says of one that it refuses; what it knew before stays. */
  async refused(model: Stored<InferenceModel>, reason: string, message: string): Promise<void> {
    const known = model.status?.package;
    await this.#writeModel(model, {
      ...(known === undefined ? {} : { package: known }),
      conditions: [condition('Inspected', false, reason, message, model.metadata.generation)],
    });
  }

  /** Serves a task by the terms and the placement that its status has; where others write meanwhile, it looks again. */
  async serve(task: Stored<RealtimeInferenceTask>): Promise<void> {
    const epoch = task.status?.placement?.epoch;
    for (let known = task; known.status?.placement?.epoch === epoch;) {
      try {
        await this.#writeServed(known);
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
        known = await this.#client.get(taskResource, task.metadata);
      }
    }
    throw new Error(`${task.metadata.name} was placed anew before it was served`);
  }

  async #writeServed(task: Stored<RealtimeInferenceTask>): Promise<void> {
    const { effective, placement } = task.status ?? {};
    if (placement === undefined) throw new Error(`${task.metadata.name} is placed nowhere`);
    const { name, namespace, resourceVersion } = task.metadata;
    await this.#client.apply(
      taskResource,
      {
        metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
        status: {
          runtime: { epoch: placement.epoch, context: placement.context },
          conditions: [condition('Serving', true, 'Serving', 'jobs run on gpu-0', effective?.generation)],
        },
      },
      { ...asAgent, subresource: 'status', resourceVersion },
    );
  }

  /** What it says of a profile that it is to measure. */
  async profiled(
    profile: Stored<ModelProfile>,
    status: Pick<NonNullable<ModelProfile['status']>, 'batches' | 'progress'>,
    [reason, holds]: readonly [string, Condition['status']],
  ): Promise<void> {
    const { name, generation } = profile.metadata;
    const said = { ...condition('Measured', true, reason, reason, generation), status: holds };
    await this.#client.apply(
      profileResource,
      { metadata: { name }, status: { ...status, conditions: [said] } },
      { ...asAgent, subresource: 'status' },
    );
  }

  async #measureAll(): Promise<void> {
    if (this.times === undefined) return;
    const { items } = await this.#client.list(profileResource, { fieldSelector: `spec.node=${this.node}` });
    for (const profile of items.filter(({ status }) => !isTrue(status?.conditions, 'Measured'))) {
      // It may have been told to stop meanwhile.
      const wanted = (this.times ?? []).filter(({ size }) => profile.spec.batchSizes.includes(size));
      const batches = wanted.map((batch) => ({ ...batch, afetUs: batch.stageAfetUs.reduce((sum, us) => sum + us, 0) }));
      if (batches.length > 0) await this.profiled(profile, { batches }, ['Measured', 'True']);
    }
  }

  async #writeModel(
    model: Stored<InferenceModel>,
    status: Pick<NonNullable<InferenceModel['status']>, 'package' | 'conditions'>,
  ): Promise<void> {
    const { name, namespace } = model.metadata;
    await this.#client.apply(
      modelResource,
      { metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, status },
      { ...asAgent, subresource: 'status' },
    );
  }

  async #renew(): Promise<void> {
    const lease = { name: this.node, namespace: systemNamespace };
    const spec = { holderIdentity: this.node, leaseDurationSeconds: 10, renewTime: microTime(Date.now()) };
    await this.#client.apply(leases, { metadata: lease, spec }, asAgent);
  }
}

function policyApplied({ name, refusal }: PolicyAnswer): Condition {
  if (refusal === undefined) return condition('PolicyApplied', true, 'Applied', `policy ${name} is in force`);
  return condition('PolicyApplied', false, 'TooManyContexts', refusal);
}

function condition(
  type: string,
  holds: boolean,
  reason: string,
  message: string,
  observedGeneration?: number,
): Condition {
  return {
    type,
    status: holds ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: secondsIso(Date.now()),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
}

export function isReady(task: Stored<RealtimeInferenceTask>): boolean {
  const ready = task.status?.conditions?.find(({ type }) => type === 'Ready');
  return isTrue(task.status?.conditions, 'Ready') && ready?.observedGeneration === task.metadata.generation;
}
