// All that this node's agent has to say in the API server, computed from what it knows now: the statuses of its tasks,
// of the models that it inspects, of the profiles that it measures and of its GpuNode, each as an item that knows how to
// write itself.
import type { Logger } from 'pino';
import type { KubeClient } from '../kube/client.ts';
import type { EventInput } from '../kube/events.ts';
import type { ReadableStore } from '../kube/store.ts';
import { secondsIso, withTransitionTimes } from '../api/conditions.ts';
import type { BatchTimes } from '../api/profile-state.ts';
import {
  fieldManagers,
  type GpuNode,
  type InferenceModel,
  type ModelProfile,
  type RealtimeInferenceTask,
} from '../api/resources.ts';
import { missEvent, transitionEvents } from './events.ts';
import { gpuNodeChange, gpuNodeStatement } from './gpu-node.ts';
import { modelChanged, modelStatement } from './model-status.ts';
import { Newest } from './newest.ts';
import type { Observations } from './observations.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import { wantsModel } from './profile-model.ts';
import { type ProfileInput, profileChange, profileStatement } from './profile-status.ts';
import { timesOn } from './profile-times.ts';
import { servedChange, servedStatement } from './served-profile.ts';
import {
  gpuNodes,
  models,
  profiles,
  type StoredGpuNode,
  type StoredModel,
  type StoredProfile,
  type StoredTask,
  tasks,
} from './resources.ts';
import { changeOf, taskStatement } from './status.ts';
import { type Item, type Stated, Subject } from './subject.ts';

export interface StatementsOptions {
  readonly node: string;
  readonly policy: PolicyInForce;
  readonly advertiseAddress: string | undefined;
  readonly client: KubeClient;
  readonly log: Logger;
  readonly observations: Observations;
  readonly stores: {
    readonly tasks: ReadableStore<RealtimeInferenceTask>;
    readonly models: ReadableStore<InferenceModel>;
    readonly profiles: ReadableStore<ModelProfile>;
    readonly gpuNodes: ReadableStore<GpuNode>;
  };
  readonly record: (event: EventInput) => void;
  /** Wall time in ms, for transition times. */
  readonly now: () => number;
}

export class Statements {
  readonly #options: StatementsOptions;
  readonly #tasks: Newest<RealtimeInferenceTask>;
  readonly #models: Newest<InferenceModel>;
  readonly #profiles: Newest<ModelProfile>;
  readonly #gpuNodes: Newest<GpuNode>;
  readonly #subjects: readonly { items(): Item[] }[];
  /** Tasks (uids) whose present window has had its event. */
  readonly #missing = new Set<string>();

  constructor(options: StatementsOptions) {
    const { client, stores, log } = options;
    this.#options = options;
    const newestTasks = (this.#tasks = new Newest(stores.tasks));
    const newestModels = (this.#models = new Newest(stores.models));
    const newestProfiles = (this.#profiles = new Newest(stores.profiles));
    const newestNodes = (this.#gpuNodes = new Newest(stores.gpuNodes));
    this.#subjects = [
      new Subject({
        client,
        log,
        resource: gpuNodes,
        list: () => newestNodes.list(),
        state: (object) => this.#stateNode(object),
        learned: (object) => newestNodes.put(object),
      }),
      new Subject({
        client,
        log,
        resource: models,
        list: () => newestModels.list(),
        state: (object) => this.#stateModel(object),
        learned: (object) => newestModels.put(object),
      }),
      new Subject({
        client,
        log,
        resource: profiles,
        list: () => newestProfiles.list(),
        state: (object) => this.#stateProfile(object),
        learned: (object) => newestProfiles.put(object),
      }),
      new Subject({
        client,
        log,
        resource: tasks,
        list: () => newestTasks.list(),
        state: (object) => this.#stateTask(object),
        learned: (object) => newestTasks.put(object),
        written: (before, after) => transitionEvents(before, after).forEach(options.record),
      }),
    ];
  }

  /** The tasks placed here, each as new as it is known. */
  tasks(): readonly StoredTask[] {
    return this.#tasks.list();
  }

  models(): readonly StoredModel[] {
    return this.#models.list();
  }

  /** Those whose models the runtime should have loaded. */
  profiles(): readonly StoredProfile[] {
    const { node, now } = this.#options;
    return this.#profiles.list().filter((profile) => wantsModel(profile, node, now()));
  }

  /** What is known of a package on the GPUs of this node, by batch size. */
  times(digest: string): readonly BatchTimes[] {
    return timesOn(this.gpuNode()?.status, this.#profiles.list(), digest);
  }

  gpuNode(): StoredGpuNode | undefined {
    return this.#gpuNodes.list().at(0);
  }

  items(): Item[] {
    this.#recordMisses();
    return [...this.#creation(), ...this.#subjects.flatMap((subject) => subject.items())];
  }

  #stateTask(task: StoredTask): Stated | undefined {
    const { node, observations, now } = this.#options;
    if (task.status?.placement?.node !== node) return undefined;
    const { uid } = task.metadata;
    const statement = taskStatement({
      task,
      view: observations.view,
      observed: observations.task(uid),
      figures: observations.figures(uid),
    });
    if (statement === undefined) return undefined;
    const conditions = withTransitionTimes(statement.conditions, task.status.conditions, now());
    const runtime = statement.runtime === undefined ? {} : { runtime: statement.runtime };
    return { change: changeOf(task, statement), status: { ...runtime, conditions } };
  }

  #stateModel(model: StoredModel): Stated | undefined {
    const { node, observations, now } = this.#options;
    const { view } = observations;
    if (model.status?.inspector?.node !== node || view.kind !== 'up') return undefined;
    const observed = view.state?.models.find(({ digest }) => digest === model.spec.source.digest);
    const statement = modelStatement(model, observed);
    if (statement === undefined) return undefined;
    const conditions = withTransitionTimes(statement.conditions, model.status.conditions, now());
    const read = statement.package === undefined ? {} : { package: statement.package };
    return { change: modelChanged(model, statement) ? 'transition' : 'none', status: { ...read, conditions } };
  }

  #stateProfile(profile: StoredProfile): Stated | undefined {
    const { node, observations, now } = this.#options;
    const input = { node, view: observations.view, now: secondsIso(now()) };
    const statement = profileStatement(profile, input);
    if (statement === undefined) return this.#stateServed(profile, input);
    const conditions = withTransitionTimes(statement.conditions, profile.status?.conditions, now());
    return { change: profileChange(profile, statement), status: { ...statement, conditions } };
  }

  /** Of one that is measured, what its model takes in service. */
  #stateServed(profile: StoredProfile, input: ProfileInput): Stated | undefined {
    const status = servedStatement(profile, input);
    return status && { change: servedChange(profile, status), status };
  }

  #stateNode(object: StoredGpuNode): Stated | undefined {
    const { policy, advertiseAddress, observations, now } = this.#options;
    const present = object.status;
    const { view } = observations;
    const ruling = view.kind === 'up' ? policy.rule(present, view.info.gpus) : undefined;
    const statement = gpuNodeStatement({ present, view, ruling, advertiseAddress, nowMs: now() });
    if (statement === undefined) return undefined;
    const conditions = withTransitionTimes(statement.conditions, present?.conditions, now());
    return { change: gpuNodeChange(object, statement), status: { ...statement, conditions } };
  }

  /** The GpuNode itself, where there is none (any more); its status follows once the watch shows it. */
  #creation(): Item[] {
    const { client, node } = this.#options;
    if (this.#gpuNodes.list().length > 0) return [];
    const create = async (signal: AbortSignal): Promise<void> => {
      const options = { fieldManager: fieldManagers.agent, force: true, signal };
      this.#gpuNodes.put(await client.apply(gpuNodes, { metadata: { name: node } }, options));
    };
    return [{ id: `${gpuNodes.kind} ${node}`, kind: gpuNodes.kind, uid: '', change: 'transition', write: create }];
  }

  #recordMisses(): void {
    const { observations, record } = this.#options;
    const known = new Set<string>();
    for (const task of this.#tasks.list()) {
      const { uid } = task.metadata;
      known.add(uid);
      const figures = observations.figures(uid);
      if (figures.missed === 0) this.#missing.delete(uid);
      else if (!this.#missing.has(uid)) {
        this.#missing.add(uid);
        record(missEvent(task, figures, observations.newestMiss(uid)));
      }
    }
    for (const uid of this.#missing) if (!known.has(uid)) this.#missing.delete(uid);
  }
}
