// Brings one model's status to what follows from its inspection and from the nodes there are.
import { isDeepStrictEqual } from 'node:util';

import { findCondition, withTransitionTimes } from '../../../api/conditions.ts';
import type { InferenceModel } from '../../../api/resources.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { done, type Outcome } from '../../../kube/controller.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import type { Latest } from '../../latest.ts';
import type { OperatorMetrics } from '../../metrics.ts';
import type { Nodes } from '../../nodes.ts';
import { modelsResource, type ModelStatus, type StoredModel } from '../../resources.ts';
import { writeStatus } from '../status.ts';
import { decideModel, ownedModelConditions } from './decide.ts';

export interface ModelReconcilerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly models: Latest<InferenceModel>;
  readonly nodes: Nodes;
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
}

type OwnedStatus = Pick<ModelStatus, 'observedGeneration' | 'inspector' | 'conditions'>;

export async function reconcileModel(
  options: ModelReconcilerOptions,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock, models, nodes } = options;
  const model = models.get(key);
  if (model === undefined || model.metadata.deletionTimestamp !== undefined) return done;
  const { conditions, ...rest } = decideModel(
    model,
    nodes.list().map(({ placement }) => placement),
  );
  const status = sorted({
    ...rest,
    conditions: withTransitionTimes(conditions, model.status?.conditions, clock.now()),
  });
  if (isDeepStrictEqual(status, ownedStatus(model))) return done;
  const written = (after: StoredModel): void => tellOfTransitions(options.events, model, after);
  return writeStatus(options, { resource: modelsResource, latest: models, object: model, status, signal, written });
}

function ownedStatus({ status }: StoredModel): OwnedStatus {
  const { observedGeneration, inspector } = status ?? {};
  return sorted({
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...(inspector === undefined ? {} : { inspector }),
    conditions: (status?.conditions ?? []).filter(({ type }) => ownedModelConditions.includes(type)),
  });
}

function rank(type: string): number {
  return ownedModelConditions.indexOf(type);
}

function sorted(status: OwnedStatus): OwnedStatus {
  const conditions = (status.conditions ?? []).toSorted((a, b) => rank(a.type) - rank(b.type));
  return { ...status, conditions };
}

function tellOfTransitions(events: EventRecorder, before: StoredModel, after: StoredModel): void {
  const [was, is] = [before, after].map(({ status }) => findCondition(status?.conditions, 'Ready'));
  if (is === undefined || (is.status === was?.status && is.reason === was.reason)) return;
  const stalled = findCondition(after.status?.conditions, 'Stalled') !== undefined;
  if (is.status === 'False' && !stalled) return;
  const type = stalled ? 'Warning' : 'Normal';
  events.record({ regarding: after, type, reason: is.reason, action: 'Inspect', note: is.message });
}
