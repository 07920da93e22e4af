// One task with its model: what placement can make of it, or why nothing. Pure.
import { parseE9, utilizationE9 } from '../../../api/utilization.ts';
import type { InferenceModel } from '../../../api/resources.ts';
import { modelState } from '../../model-state.ts';
import { nodeClassOf } from '../../placement/tolerations.ts';
import type { Demand, Place, PlacementTask, Refusal } from '../../placement/terms.ts';
import type { Effective, ModelPackage, StoredTask } from '../../resources.ts';
import { resolveTerms, sameBooking, type Terms } from './terms.ts';

/** Condition ModelReady, short of its type. */
export interface ModelReadiness extends Refusal {
  readonly ready: boolean;
}

export type Evaluation =
  /** Its spec cannot be read. */
  | { readonly kind: 'Invalid'; readonly message: string }
  /** There is no package to place it by. */
  | { readonly kind: 'Waiting'; readonly model: ModelReadiness; readonly suspended: boolean }
  | {
      readonly kind: 'BatchNotInPackage';
      readonly model: ModelReadiness;
      readonly message: string;
      readonly suspended: boolean;
    }
  | {
      readonly kind: 'Candidate';
      readonly model: ModelReadiness;
      readonly effective: Effective;
      readonly task: PlacementTask;
    };

/** A place that was decided and may not be in the status yet. */
export interface Assumed {
  readonly place: Place;
  readonly effective: Effective;
  readonly utilizationE9: number;
}

export function evaluateTask(
  task: StoredTask,
  model: InferenceModel | undefined,
  assumed: Assumed | undefined,
): Evaluation {
  try {
    return evaluate(task, resolveTerms(task), model, assumed ?? booked(task));
  } catch (error) {
    // Whatever is wrong with this object concerns no other.
    return { kind: 'Invalid', message: error instanceof Error ? error.message : String(error) };
  }
}

function evaluate(
  task: StoredTask,
  terms: Terms,
  model: InferenceModel | undefined,
  present: Assumed | undefined,
): Evaluation {
  const suspended = task.spec.suspend === true;
  const { readiness, source, found } = choosePackage(task, model, suspended ? undefined : present);
  if (source === undefined) return { kind: 'Waiting', model: readiness, suspended };
  const wanted: Effective = { ...terms, model: source };
  const batch = found && stageTimes(found, terms.batchSize);
  if (found !== undefined && batch === undefined) {
    return { kind: 'BatchNotInPackage', model: readiness, message: batchWords(found, terms.batchSize), suspended };
  }
  if (batch !== undefined) return candidate(task, readiness, wanted, demandOf(batch, wanted), present);
  if (present === undefined) return { kind: 'Waiting', model: readiness, suspended };
  // Its package is not known any more: what it takes is what was booked, and only for the batch size that it has.
  const effective = wanted.batchSize === present.effective.batchSize ? wanted : present.effective;
  return candidate(task, readiness, effective, demandFromBooking(present, effective), present);
}

function candidate(
  task: StoredTask,
  model: ModelReadiness,
  effective: Effective,
  demand: Demand,
  present: Assumed | undefined,
): Evaluation {
  const { nodeSelector = {}, tolerations = [], suspend = false } = task.spec;
  const settled =
    present !== undefined &&
    present.effective.generation === effective.generation &&
    sameBooking(present.effective, effective);
  return {
    kind: 'Candidate',
    model,
    effective,
    task: {
      key: `${task.metadata.namespace}/${task.metadata.name}`,
      namespace: task.metadata.namespace ?? '',
      priority: effective.priority,
      periodUs: effective.periodUs,
      deadlineUs: effective.deadlineUs,
      // What is booked stays booked until the terms change, even where a package is measured anew.
      demand: settled ? { ...demand, utilizationE9: present.utilizationE9 } : demand,
      nodeSelector,
      tolerations,
      nodeClass: nodeClassOf(nodeSelector, tolerations),
      suspended: suspend,
      ...(present === undefined ? {} : { present: present.place }),
      settled,
    },
  };
}

interface ChosenPackage {
  readonly readiness: ModelReadiness;
  /** Absent: none can be had. */
  readonly source?: Effective['model'];
  /** Absent: not known (any more). */
  readonly found?: ModelPackage;
}

/** The model's package where it is ready; else the one that the task runs already. */
function choosePackage(
  task: StoredTask,
  model: InferenceModel | undefined,
  present: Assumed | undefined,
): ChosenPackage {
  const name = `InferenceModel ${task.metadata.namespace}/${task.spec.model}`;
  const running = present?.effective.model;
  if (model === undefined) {
    const then =
      running === undefined ? 'the task starts once it does' : 'the task runs on with the package that it has';
    const readiness = { ready: false, reason: 'ModelNotFound', message: `${name} does not exist; ${then}` };
    return running === undefined ? { readiness } : { readiness, source: running };
  }
  const state = modelState(model);
  if (state.kind === 'Ready') {
    const { uri, digest } = model.spec.source;
    const readiness = { ready: true, reason: 'Ready', message: `${name} is ready` };
    return { readiness, source: { uri, digest }, found: state.package };
  }
  const why = `${name} is not ready: ${state.reason}: ${state.message}`;
  if (running === undefined) return { readiness: { ready: false, reason: 'ModelNotReady', message: why } };
  const found = model.status?.package?.digest === running.digest ? model.status.package : undefined;
  const message = `runs on with package ${running.digest}; ${why}`;
  const readiness = { ready: true, reason: 'PreviousPackage', message };
  return found === undefined ? { readiness, source: running } : { readiness, source: running, found };
}

/** Average execution times of the stages at this batch size, microseconds. */
function stageTimes(found: ModelPackage, batchSize: number): readonly number[] | undefined {
  const times = found.batches?.find((batch) => batch.size === batchSize)?.stageAfetUs;
  return times !== undefined && times.length > 0 && times.every((us) => us >= 0) ? times : undefined;
}

function batchWords(found: ModelPackage, batchSize: number): string {
  const sizes = (found.batches ?? []).map((batch) => batch.size);
  const there = sizes.length === 0 ? 'it has none' : `it has ${sizes.join(', ')}`;
  return `package ${found.name ?? found.digest} has no artifacts of batch size ${batchSize}; ${there}`;
}

function demandOf(stageAfetUs: readonly number[], effective: Effective): Demand {
  const afetUs = Math.max(
    1,
    stageAfetUs.reduce((sum, us) => sum + us, 0),
  );
  const longestStageUs = Math.max(...stageAfetUs);
  return { afetUs, longestStageUs, utilizationE9: utilizationE9(afetUs, effective.deadlineUs, effective.periodUs) };
}

/** The AFET that was booked; as its stages are not known, all of it counts as one. */
function demandFromBooking(present: Assumed, effective: Effective): Demand {
  const spanUs = Math.min(present.effective.deadlineUs, present.effective.periodUs);
  const afetUs = Math.max(1, Number((BigInt(present.utilizationE9) * BigInt(spanUs)) / 1_000_000_000n));
  return { ...demandOf([afetUs], effective), longestStageUs: afetUs };
}

/** What its status says that is booked; undefined where it says nothing, or nothing that can be read. */
function booked(task: StoredTask): Assumed | undefined {
  const { effective, placement } = task.status ?? {};
  if (effective === undefined || placement === undefined) return undefined;
  const { node, gpu, context } = placement;
  try {
    const e9 = parseE9(placement.bookedUtilization);
    return e9 > 0 ? { place: { node, gpu, context }, effective, utilizationE9: e9 } : undefined;
  } catch {
    return undefined;
  }
}
