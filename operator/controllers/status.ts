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

/** A version of an object that is written to. */
export interface Target<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly latest: Latest<T>;
  readonly object: Stored<T>;
  readonly signal: AbortSignal;
}

export interface StatusWrite<T extends KubeObject> extends Target<T> {
  readonly status: object;
  readonly written?: (after: Stored<T>) => void;
}

export async function writeStatus<T extends KubeObject>(
  options: StatusWriterOptions,
  write: StatusWrite<T>,
): Promise<Outcome> {
  const { client, metrics } = options;
  const { resource, latest, object, status, signal, written } = write;
  const { resourceVersion } = object.metadata;
  const applied = { metadata: nameOf(object), status } as unknown as Parameters<typeof client.apply<T>>[1];
  try {
    const after = await client.apply(resource, applied, {
      fieldManager: fieldManagers.operator,
      force: true,
      subresource: 'status',
      resourceVersion,
      signal,
    });
    latest.remember(after);
    metrics.statusWrites.add(1, { kind: resource.kind, result: 'written' });
    written?.(after);
    return done;
  } catch (error) {
    return afterFailedWrite(options, write, error);
  }
}

/** An object that is gone is done with; one that changed meanwhile is read anew and decided about again. */
export async function afterFailedWrite<T extends KubeObject>(
  { client, metrics }: StatusWriterOptions,
  { resource, latest, object, signal }: Target<T>,
  error: unknown,
): Promise<Outcome> {
  if (isNotFound(error)) return done;
  if (!isConflict(error)) throw error;
  metrics.statusWrites.add(1, { kind: resource.kind, result: 'conflict' });
  try {
    latest.remember(await client.get(resource, nameOf(object), { signal }));
    return requeueAfter(0);
  } catch (failure) {
    if (isNotFound(failure)) return done;
    throw failure;
  }
}

function nameOf<T extends KubeObject>({ metadata }: Stored<T>): { name: string; namespace?: string } {
  const { name, namespace } = metadata;
  return { name, ...(namespace !== undefined && { namespace }) };
}
