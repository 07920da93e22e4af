// The client of an operator that leads: each status that it applies says under which leadership that was decided, so that
// the API server can refuse what a former leader still sends (ValidatingAdmissionPolicy daris-operator-leads).
import { KubeClient, type Applied, type ApplyOptions } from '../kube/client.ts';
import type { Connection } from '../kube/connection.ts';
import type { LeaderElector } from '../kube/leader-elector.ts';
import type { KubeObject, Resource, Stored } from '../kube/resource.ts';
import { modelsResource, profilesResource, tasksResource } from './resources.ts';

/** Plurals of the kinds whose status carries `leaderTransitions`, and which the policy therefore covers. */
export const fencedKinds: ReadonlySet<string> = new Set(
  [tasksResource, modelsResource, profilesResource].map(({ plural }) => plural),
);

export class LeaderClient extends KubeClient {
  readonly #leadership: Pick<LeaderElector, 'transitions'>;

  constructor(connection: Connection, leadership: Pick<LeaderElector, 'transitions'>) {
    super(connection);
    this.#leadership = leadership;
  }

  override async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T>,
    options: ApplyOptions,
  ): Promise<Stored<T>> {
    if (options.subresource !== 'status' || !fencedKinds.has(resource.plural)) {
      return super.apply(resource, object, options);
    }
    const { status } = object as { status?: object };
    const { transitions: leaderTransitions } = this.#leadership;
    const numbered = Object.assign({}, object, { status: { ...status, leaderTransitions } });
    return super.apply(resource, numbered, options);
  }
}
