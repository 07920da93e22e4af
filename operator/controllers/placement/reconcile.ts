// Brings one task's status to what was decided: gather, decide, write where it differs, tell of transitions.
import { isDeepStrictEqual } from 'node:util';

import { findCondition, withTransitionTimes } from '../../../api/conditions.ts';
import { fieldManagers, type RealtimeInferenceTask } from '../../../api/resources.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { done, requeueAfter, type Outcome } from '../../../kube/controller.ts';
import { isConflict, isNotFound } from '../../../kube/errors.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import { refOf } from '../../../kube/resource.ts';
import type { Latest } from '../../latest.ts';
import type { OperatorMetrics } from '../../metrics.ts';
import type { Nodes } from '../../nodes.ts';
import { tasksResource, type StoredTask, type TaskStatus } from '../../resources.ts';
import type { EndpointBook } from '../endpoint/book.ts';
import type { CycleRunner } from './cycle-runner.ts';
import { decideTask, ownedConditions, type EndpointFacts } from './decide.ts';

export interface TaskReconcilerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly tasks: Latest<RealtimeInferenceTask>;
  readonly nodes: Nodes;
  readonly endpoints: EndpointBook;
  readonly cycles: CycleRunner;
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
  /** Transitions of the operator's Lease under which this one leads; throws where it does not. */
  readonly leaderTransitions: () => number;
  /** Asks for another placement cycle. */
  readonly replan: () => void;
}

/** The operator's share of a task's status, as it is written. */
export type OwnedStatus = Pick<
  TaskStatus,
  'observedGeneration' | 'effective' | 'placement' | 'endpoint' | 'conditions'
>;

export async function reconcileTask(
  options: TaskReconcilerOptions,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const task = options.tasks.get(key);
  if (task === undefined || task.metadata.deletionTimestamp !== undefined) return done;
  const wanted = wantedStatus(options, key, task);
  // Without a decision on this very spec there is a cycle to come, which asks for the task again.
  if (wanted === undefined || isDeepStrictEqual(wanted, ownedStatus(task))) return done;
  const rebalanced = options.cycles.decided(key)?.rebalanced;
  return write(options, { key, task, wanted, rebalanced, signal });
}

function wantedStatus(options: TaskReconcilerOptions, key: string, task: StoredTask): OwnedStatus | undefined {
  const { cycles, nodes, endpoints, clock } = options;
  const decided = cycles.decided(key);
  if (decided?.uid !== task.metadata.uid || decided.generation !== task.metadata.generation) return undefined;
  const { evaluation, verdict } = decided;
  const decision = decideTask({
    task,
    evaluation,
    verdict,
    node: verdict?.kind === 'Placed' ? nodes.get(verdict.place.node) : undefined,
    endpoint: endpoints.get(key, task.metadata.uid) ?? shownEndpoint(task),
    leaderTransitions: options.leaderTransitions(),
  });
  const { conditions, ...rest } = decision;
  return sorted({ ...rest, conditions: withTransitionTimes(conditions, task.status?.conditions, clock.now()) });
}

/** What the status says, for as long as this process has not looked at the Service itself. */
function shownEndpoint({ status }: StoredTask): EndpointFacts {
  const service = status?.endpoint?.service;
  const conflict = findCondition(status?.conditions, 'EndpointConflict');
  return {
    ...(service === undefined ? {} : { service }),
    ...(conflict?.status === 'True' ? { conflict: conflict.message } : {}),
  };
}

function ownedStatus({ status }: StoredTask): OwnedStatus {
  const { observedGeneration, effective, placement, endpoint } = status ?? {};
  return sorted({
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...(effective === undefined ? {} : { effective }),
    ...(placement === undefined ? {} : { placement }),
    ...(endpoint === undefined ? {} : { endpoint }),
    conditions: (status?.conditions ?? []).filter(({ type }) => ownedConditions.includes(type)),
  });
}

/** The server keeps conditions in the order of their first appearance, which says nothing. */
function sorted(status: OwnedStatus): OwnedStatus {
  const conditions = (status.conditions ?? []).toSorted(
    (a, b) => ownedConditions.indexOf(a.type) - ownedConditions.indexOf(b.type),
  );
  return { ...status, conditions };
}

interface Write {
  readonly key: string;
  readonly task: StoredTask;
  readonly wanted: OwnedStatus;
  /** Why it moves to another GPU, where it could have stayed. */
  readonly rebalanced: string | undefined;
  readonly signal: AbortSignal;
}

async function write(
  options: TaskReconcilerOptions,
  { key, task, wanted, rebalanced, signal }: Write,
): Promise<Outcome> {
  const { client, tasks, metrics, replan } = options;
  const { name, namespace, resourceVersion } = task.metadata;
  const count = (result: string): void => metrics.statusWrites.add(1, { kind: 'RealtimeInferenceTask', result });
  try {
    const written = await client.apply(
      tasksResource,
      { metadata: { name, namespace }, status: wanted },
      { fieldManager: fieldManagers.operator, force: true, subresource: 'status', resourceVersion, signal },
    );
    tasks.remember(written);
    count('written');
    tellOfTransitions(options.events, task, written, rebalanced);
    return done;
  } catch (error) {
    if (isNotFound(error)) return done;
    if (!isConflict(error)) throw error;
    count('conflict');
    return reread(options, key, signal).then((found) => {
      if (found) replan();
      return found ? requeueAfter(0) : done;
    });
  }
}

/** Somebody else wrote in between: what was decided is decided anew, on what is there now. */
async function reread({ client, tasks }: TaskReconcilerOptions, key: string, signal: AbortSignal): Promise<boolean> {
  try {
    tasks.remember(await client.get(tasksResource, refOf(key), { signal }));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function tellOfTransitions(
  events: EventRecorder,
  before: StoredTask,
  after: StoredTask,
  rebalanced: string | undefined,
): void {
  const [was, is] = [before, after].map(({ status }) => findCondition(status?.conditions, 'Placed'));
  const epoch = after.status?.placement?.epoch;
  if (is?.status === 'True' && epoch !== before.status?.placement?.epoch) {
    const [reason, note] = rebalanced === undefined ? ['Placed', is.message] : ['Rebalanced', rebalanced];
    events.record({ regarding: after, type: 'Normal', reason, action: 'Place', note });
  }
  if (is?.status === 'False' && is.reason !== was?.reason) {
    const type = is.reason === 'Suspended' ? 'Normal' : 'Warning';
    events.record({ regarding: after, type, reason: is.reason, action: 'Place', note: is.message });
  }
  const conflict = findCondition(after.status?.conditions, 'EndpointConflict');
  if (conflict !== undefined && findCondition(before.status?.conditions, 'EndpointConflict') === undefined) {
    const note = conflict.message;
    events.record({ regarding: after, type: 'Warning', reason: 'EndpointConflict', action: 'Publish', note });
  }
}
