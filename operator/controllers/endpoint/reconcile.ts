// Brings one task's Service and slice to its placement. What somebody else made under its name is never taken over.
import { isDeepStrictEqual } from 'node:util';

import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { done, requeueAfter, type Outcome } from '../../../kube/controller.ts';
import { isAlreadyExists, isNotFound } from '../../../kube/errors.ts';
import type { KubeObject, ObjectRef, Resource, Stored } from '../../../kube/resource.ts';
import type { Latest } from '../../latest.ts';
import type { Nodes } from '../../nodes.ts';
import {
  servicesResource,
  slicesResource,
  type EndpointSlice,
  type Service,
  type StoredTask,
} from '../../resources.ts';
import type { EndpointFacts } from '../placement/decide.ts';
import type { EndpointBook } from './book.ts';
import {
  belongsTo,
  mergedService,
  mergedSlice,
  planEndpoint,
  serviceDns,
  serviceFields,
  sliceFields,
  wantedService,
  wantedSlice,
  type EndpointPlan,
  type Route,
} from './decide.ts';

export interface EndpointReconcilerOptions {
  readonly client: KubeClient;
  readonly tasks: Latest<RealtimeInferenceTask>;
  readonly services: Latest<Service>;
  readonly slices: Latest<EndpointSlice>;
  readonly nodes: Nodes;
  readonly book: EndpointBook;
  /** Asks for the task's status to be looked at. */
  readonly refresh: (key: string) => void;
}

/** A foreign Service is not watched; this is how often one is asked whether it is still there. */
const conflictRetryMs = 30_000;

export async function reconcileEndpoint(
  options: EndpointReconcilerOptions,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const task = options.tasks.get(key);
  if (task === undefined || task.metadata.deletionTimestamp !== undefined) {
    if (task === undefined) options.book.delete(key);
    return done;
  }
  const { node, gpu } = task.status?.placement ?? {};
  const known = node === undefined ? undefined : options.nodes.get(node);
  const plan = planEndpoint(gpu === undefined ? undefined : known?.addressOf(gpu));
  const facts = await new Endpoint(options, key, task, signal).realize(plan);
  if (options.book.set(key, task.metadata.uid, facts)) options.refresh(key);
  return facts.conflict === undefined ? done : requeueAfter(conflictRetryMs);
}

/** One object that is wanted, with how to compare and how to change it. */
interface Part<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly latest: Latest<T>;
  readonly wanted: T;
  readonly fields: (object: T) => unknown;
  readonly merged: (present: Stored<T>) => T;
  /** False: what is wanted cannot be had by changing this one. */
  readonly changeable: (present: Stored<T>) => boolean;
}

type Owned = KubeObject & { metadata?: { ownerReferences?: { uid: string }[] } };

class Endpoint {
  readonly #options: EndpointReconcilerOptions;
  readonly #key: string;
  readonly #task: StoredTask;
  readonly #signal: AbortSignal;

  constructor(options: EndpointReconcilerOptions, key: string, task: StoredTask, signal: AbortSignal) {
    this.#options = options;
    this.#key = key;
    this.#task = task;
    this.#signal = signal;
  }

  async realize(plan: EndpointPlan): Promise<EndpointFacts> {
    if (plan.kind === 'Follow') return this.#follow(plan.route);
    if (plan.kind === 'Keep') return this.#keep();
    await this.#remove();
    return {};
  }

  async #follow(route: Route): Promise<EndpointFacts> {
    const service = wantedService(this.#task, route);
    const conflict =
      (await this.#ensure({
        resource: servicesResource,
        latest: this.#options.services,
        wanted: service,
        fields: serviceFields,
        merged: (present) => mergedService(present, service),
        changeable: () => true,
      })) ?? (await this.#ensureSlice(route));
    return conflict === undefined ? { service: serviceDns(this.#task, route.port) } : { conflict };
  }

  async #keep(): Promise<EndpointFacts> {
    const service = this.#options.services.get(this.#key);
    const port = service?.spec?.ports?.[0]?.port;
    if (service === undefined || !belongsTo(service, this.#task) || port === undefined) return {};
    const conflict = await this.#ensureSlice(undefined);
    return conflict === undefined ? { service: serviceDns(this.#task, port) } : { conflict };
  }

  async #ensureSlice(route: Route | undefined): Promise<string | undefined> {
    const { slices } = this.#options;
    const slice = wantedSlice(this.#task, route, slices.get(this.#key));
    return this.#ensure({
      resource: slicesResource,
      latest: slices,
      wanted: slice,
      fields: sliceFields,
      merged: (present) => mergedSlice(present, slice),
      changeable: (present) => present.addressType === slice.addressType,
    });
  }

  async #remove(): Promise<void> {
    const service = this.#options.services.get(this.#key);
    if (service !== undefined) await this.#delete(servicesResource, service);
    const slice = this.#options.slices.get(this.#key);
    if (slice !== undefined) await this.#delete(slicesResource, slice);
  }

  async #delete<T extends Owned>(resource: Resource<T>, object: Stored<T>): Promise<void> {
    if (!belongsTo(object, this.#task)) return;
    try {
      const preconditions = { uid: object.metadata.uid };
      await this.#options.client.delete(resource, this.#ref(), { preconditions, signal: this.#signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Makes the object what is wanted; answers in words where one of this name belongs to somebody else. */
  async #ensure<T extends Owned>(part: Part<T>): Promise<string | undefined> {
    const present = part.latest.get(this.#key) ?? (await this.#create(part));
    if (!belongsTo(present, this.#task)) {
      const { kind } = part.resource;
      const { namespace, name } = this.#task.metadata;
      return `${kind} ${namespace}/${name} exists and does not belong to this task; rename the task, or delete the ${kind}`;
    }
    if (isDeepStrictEqual(part.fields(present), part.fields(part.wanted))) return undefined;
    if (part.changeable(present)) {
      part.latest.remember(
        await this.#options.client.replace(part.resource, part.merged(present), { signal: this.#signal }),
      );
    } else {
      await this.#delete(part.resource, present);
      await this.#create(part);
    }
    return undefined;
  }

  /** What was created, or what was there already. */
  async #create<T extends Owned>({ resource, latest, wanted }: Part<T>): Promise<Stored<T>> {
    const { client } = this.#options;
    try {
      const created = await client.create(resource, wanted, { signal: this.#signal });
      latest.remember(created);
      return created;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return client.get(resource, this.#ref(), { signal: this.#signal });
    }
  }

  #ref(): ObjectRef {
    const { name, namespace } = this.#task.metadata;
    return { name, namespace };
  }
}
