// Writes the operator's share of an object's status, as decided from the version at hand.
import { fieldManagers } from '../../api/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import { done, requeueAfter, type Outcome } from '../../kube/controller.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { KubeObject, Resource, Stored } from '../../kube/resource.ts';
import type { Latest } from '../latest.ts';
import type { OperatorMetrics } from '../metrics.ts';

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly metrics: OperatorMetrics;
}

export interface StatusWrite<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly latest: Latest<T>;
  readonly object: Stored<T>;
  readonly status: object;
  readonly signal: AbortSignal;
  readonly written?: (after: Stored<T>) => void;
}

/** An object that is gone is done with; one that changed meanwhile is read anew and decided about again. */
export async function writeStatus<T extends KubeObject>(
  { client, metrics }: StatusWriterOptions,
  { resource, latest, object, status, signal, written }: StatusWrite<T>,
): Promise<Outcome> {
  const { name, namespace, resourceVersion } = object.metadata;
  const count = (result: string): void => metrics.statusWrites.add(1, { kind: resource.kind, result });
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  const applied = { metadata, status } as unknown as Parameters<typeof client.apply<T>>[1];
  try {
    const after = await client.apply(resource, applied, {
      fieldManager: fieldManagers.operator,
      force: true,
      subresource: 'status',
      resourceVersion,
      signal,
    });
    latest.remember(after);
    count('written');
    written?.(after);
    return done;
  } catch (error) {
    if (isNotFound(error)) return done;
    if (!isConflict(error)) throw error;
    count('conflict');
    latest.remember(await client.get(resource, metadata, { signal }));
    return requeueAfter(0);
  }
}
