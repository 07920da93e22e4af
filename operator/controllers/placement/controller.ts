// Two queues: one key for the placement cycle of the whole cluster, and one per task for its status.
import type { Logger } from 'pino';

import type {
  GpuNode,
  GpuSchedulingPolicy,
  InferenceModel,
  ModelProfile,
  RealtimeInferenceTask,
} from '../../../api/resources.ts';
import { Controller, done, requeueAfter, type Outcome } from '../../../kube/controller.ts';
import type { Lease } from '../../../kube/lease.ts';
import type { MetricRegistry } from '../../../kube/metrics.ts';
import type { Reflector } from '../../../kube/reflector.ts';
import { keyOf, type KubeObject, type Stored } from '../../../kube/resource.ts';
import type { Latest } from '../../latest.ts';
import { modelState } from '../../model-state.ts';
import type { Node } from '../../resources.ts';
import { onInputsChanged } from '../inputs.ts';
import { CycleRunner } from './cycle-runner.ts';
import type { Need } from './needs.ts';
import { reconcileTask, type TaskReconcilerOptions } from './reconcile.ts';

/** Index of tasks by the node of their placement. */
export const byNode = 'node';

export function placedOn(task: Stored<RealtimeInferenceTask>): readonly string[] {
  const node = task.status?.placement?.node;
  return node === undefined ? [] : [node];
}

export interface PlacementControllerOptions extends Omit<TaskReconcilerOptions, 'cycles' | 'replan'> {
  readonly log: Logger;
  readonly registry: MetricRegistry;
  readonly reflectors: {
    readonly tasks: Reflector<RealtimeInferenceTask>;
    readonly models: Reflector<InferenceModel>;
    readonly gpuNodes: Reflector<GpuNode>;
    readonly policies: Reflector<GpuSchedulingPolicy>;
    readonly nodes: Reflector<Node>;
    readonly leases: Reflector<Lease>;
    readonly profiles: Reflector<ModelProfile>;
  };
  readonly profiles: Latest<ModelProfile>;
  /** Called after each cycle with the profiles that the tasks need, by name. */
  readonly needed: (needs: ReadonlyMap<string, Need>) => void;
}

const cluster = 'cluster';
/** Changes that come together are planned together. */
const gatherMs = 5;
const taskWorkers = 4;

export class PlacementController {
  readonly #options: PlacementControllerOptions;
  readonly #cycles: CycleRunner;
  readonly #planner: Controller;
  readonly #writer: Controller;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: PlacementControllerOptions) {
    const { clock, log, registry: metrics, reflectors, tasks, profiles, nodes, needed } = options;
    this.#options = options;
    this.#cycles = new CycleRunner({
      tasks,
      models: reflectors.models.store,
      profiles,
      nodes,
      clock,
      metrics: options.metrics,
      changed: (key) => this.#writer.enqueue(key),
      needed,
    });
    this.#planner = new Controller({ name: 'placement', reconcile: () => this.#plan(), clock, log, metrics });
    const replan = (): void => this.replan();
    const reconciler = { ...options, cycles: this.#cycles, replan };
    this.#writer = new Controller({
      name: 'task',
      reconcile: (key, signal) => reconcileTask(reconciler, key, signal),
      workers: taskWorkers,
      clock,
      log,
      metrics,
    });
    this.#watch();
  }

  /** The first cycle is done, so what is in the statuses is what was decided on the present state. */
  get planned(): boolean {
    return this.#cycles.runs > 0;
  }

  /** Asks for another placement cycle. */
  replan(): void {
    this.#planner.enqueueAfter(cluster, gatherMs);
  }

  /** A node was lost, or is back, or is another one now: its tasks may have to go, and their conditions tell of it. */
  nodeChanged(name: string): void {
    this.replan();
    for (const task of this.#options.reflectors.tasks.store.byIndex(byNode, name)) this.#writer.enqueue(keyOf(task));
  }

  /** Looks at one task's status again. */
  refresh(key: string): void {
    this.#writer.enqueue(key);
  }

  start(): void {
    const { tasks, models, gpuNodes, policies, nodes, profiles } = this.#options.reflectors;
    this.#unsubscribe.push(
      this.#replanOn(tasks, taskInputs),
      this.#replanOn(models, modelInputs),
      this.#replanOn(profiles, profileInputs),
      this.#replanOn(gpuNodes, gpuNodeInputs),
      this.#replanOn(policies, ({ spec }) => spec.highPriorityQuotas),
      onInputsChanged(nodes, nodeInputs, (name) => this.nodeChanged(name)),
    );
    this.replan();
    this.#planner.start();
    this.#writer.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await Promise.all([this.#planner.stop(), this.#writer.stop()]);
  }

  /** The planner waits for all of them; what makes it run is told apart below, since most changes are figures. */
  #watch(): void {
    const { tasks, models, gpuNodes, policies, nodes, leases, profiles } = this.#options.reflectors;
    this.#planner.watch(tasks, none).watch(models, none).watch(gpuNodes, none).watch(profiles, none);
    this.#planner.watch(policies, none).watch(nodes, none).watch(leases, none);
    this.#writer
      .watch(tasks)
      .watch(gpuNodes, (node) => tasks.store.byIndex(byNode, node.metadata.name).map((task) => keyOf(task)));
  }

  #replanOn<T extends KubeObject>(reflector: Reflector<T>, inputs: (object: Stored<T>) => unknown): () => void {
    return onInputsChanged(reflector, inputs, () => this.replan());
  }

  #plan(): Promise<Outcome> {
    const againInMs = this.#cycles.run();
    return Promise.resolve(againInMs === undefined ? done : requeueAfter(againInMs));
  }
}

const none = (): readonly string[] => [];

function taskInputs({ metadata, status }: Stored<RealtimeInferenceTask>): unknown {
  return [metadata.generation, status?.effective, status?.placement];
}

function modelInputs(model: Stored<InferenceModel>): unknown {
  return [model.metadata.generation, model.spec, modelState(model), model.status?.package];
}

function gpuNodeInputs({ status }: Stored<GpuNode>): unknown {
  const gpus = status?.gpus?.map(({ contexts, reading: _reading, ...gpu }) => [
    gpu,
    contexts?.map(({ index, sms, streams }) => [index, sms, streams]),
  ]);
  const { name, compiledCode } = status?.policy ?? {};
  return [status?.conditions, status?.highPriorityUtilizationLimit, name, compiledCode, gpus];
}

function profileInputs({ metadata, status }: Stored<ModelProfile>): unknown {
  return [metadata.generation, status?.conditions, status?.batches, status?.progress];
}

function nodeInputs({ metadata, spec }: Stored<Node>): unknown {
  return [metadata.labels, metadata.deletionTimestamp, spec?.taints];
}
