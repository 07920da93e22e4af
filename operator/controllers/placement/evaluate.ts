// One task with its model: what placement can make of it, or why nothing. Pure.
import { parseBytes } from '../../../api/quantities.ts';
import { parseE9 } from '../../../api/utilization.ts';
import type { InferenceModel } from '../../../api/resources.ts';
import { modelState } from '../../model-state.ts';
import { gpuClassOf } from '../../placement/tolerations.ts';
import type { Demand, PlacementPackage, PlacementTask, Refusal } from '../../placement/terms.ts';
import type { Effective, ModelPackage, StoredTask } from '../../resources.ts';
import {
  addStandIns,
  aloneE9,
  demandFromBooking,
  demandsOf,
  type Assumed,
  type Demands,
  type Measurements,
} from './demands.ts';
import { resolveTerms, sameBooking, type Terms } from './terms.ts';

/** Condition ModelReady, short of its type. */
export interface ModelReadiness extends Refusal {
  readonly ready: boolean;
}

/** A package that must be measured on every kind of GPU that the task may use. */
export interface Profiled {
  readonly digest: string;
  readonly uri: string;
  readonly batchSizes: readonly number[];
  readonly stageCount: number | undefined;
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
      /** Absent: its package is not known any more. */
      readonly profiled?: Profiled;
    };

export function evaluateTask(
  task: StoredTask,
  model: InferenceModel | undefined,
  assumed: Assumed | undefined,
  measurements: Measurements,
): Evaluation {
  try {
    return evaluate({ task, terms: resolveTerms(task), model, present: assumed ?? booked(task), measurements });
  } catch (error) {
    // Whatever is wrong with this object concerns no other.
    return { kind: 'Invalid', message: error instanceof Error ? error.message : String(error) };
  }
}

interface Input {
  readonly task: StoredTask;
  readonly terms: Terms;
  readonly model: InferenceModel | undefined;
  readonly present: Assumed | undefined;
  readonly measurements: Measurements;
}

function evaluate({ task, terms, model, present, measurements }: Input): Evaluation {
  const suspended = task.spec.suspend === true;
  const chosen = choosePackage(task, model, suspended ? undefined : present);
  const { readiness, source, found } = chosen;
  if (source === undefined) return { kind: 'Waiting', model: readiness, suspended };
  const wanted: Effective = { ...terms, model: source };
  if (found !== undefined && !hasBatch(found, terms.batchSize)) {
    return { kind: 'BatchNotInPackage', model: readiness, message: batchWords(found, terms.batchSize), suspended };
  }
  const placed = inForce({ chosen, wanted, present, measurements });
  const profiled = found === undefined ? {} : { profiled: profiledOf(source, found) };
  const loaded = packageOf(placed.effective.model.digest, model);
  return { ...candidate({ task, placed, present, measurements, loaded }), ...profiled };
}

interface InForce {
  readonly model: ModelReadiness;
  readonly effective: Effective;
  readonly demands: Demands;
}

/**
 * The terms by which the task is placed: the wanted ones, unless it runs already and nobody knows yet what these would
 * take where it is. Then it runs on by its former ones.
 */
function inForce(input: {
  readonly chosen: ChosenPackage;
  readonly wanted: Effective;
  readonly present: Assumed | undefined;
  readonly measurements: Measurements;
}): InForce {
  const { chosen, wanted, present, measurements } = input;
  const by = (effective: Effective, stageCount?: number): Demands => {
    const demands = demandsOf(measurements.of(effective.model.digest), effective, stageCount);
    if (present !== undefined) addStandIns(demands, present, effective, measurements);
    return demands;
  };
  const demands = by(wanted, chosen.found?.stageCount);
  const kind = present && measurements.kindAt(present.place);
  if (present === undefined || kind === undefined || demands.known.has(kind)) {
    return { model: chosen.readiness, effective: wanted, demands };
  }
  const former = present.effective;
  const why = demands.unmeasured.get(kind)?.message ?? 'it is about to be profiled';
  if (former.model.digest !== wanted.model.digest) {
    const message = `runs on with package ${former.model.digest}; the new one is not measured yet: ${why}`;
    const effective = former.batchSize === wanted.batchSize ? { ...wanted, model: former.model } : former;
    return { model: { ready: true, reason: 'PreviousPackage', message }, effective, demands: by(effective) };
  }
  const message = `runs on with batch size ${former.batchSize}; ${wanted.batchSize} is not measured yet: ${why}`;
  return { model: { ready: true, reason: 'Profiling', message }, effective: former, demands: by(former) };
}

interface Candidacy {
  readonly task: StoredTask;
  readonly placed: InForce;
  readonly present: Assumed | undefined;
  readonly measurements: Measurements;
  readonly loaded: PlacementPackage;
}

function candidate(candidacy: Candidacy): Extract<Evaluation, { kind: 'Candidate' }> {
  const { task, placed, present, measurements, loaded } = candidacy;
  const { model, effective, demands } = placed;
  const { nodeSelector = {}, tolerations = [], suspend = false } = task.spec;
  const { namespace = '' } = task.metadata;
  const settled =
    present !== undefined &&
    present.effective.generation === effective.generation &&
    sameBooking(present.effective, effective);
  const demand = orderingDemand(demands, effective, present, measurements);
  return {
    kind: 'Candidate',
    model,
    effective,
    task: {
      key: `${task.metadata.namespace}/${task.metadata.name}`,
      namespace,
      priority: effective.priority,
      periodUs: effective.periodUs,
      deadlineUs: effective.deadlineUs,
      demand: settled ? asBooked(demand, present) : demand,
      demands: demands.known,
      standIns: demands.standIns,
      unmeasured: demands.unmeasured,
      package: loaded,
      nodeSelector,
      tolerations,
      gpuClass: gpuClassOf({ nodeSelector, tolerations, namespace, engines: loaded.engines }),
      suspended: suspend,
      ...(present === undefined ? {} : { present: present.place }),
      settled,
    },
  };
}

/** What is booked stays booked until the terms change, even where a package is measured anew. */
function asBooked(demand: Demand, { utilizationE9, stageAfetUs }: Assumed): Demand {
  return { ...demand, utilizationE9, ...(stageAfetUs === undefined ? {} : { stageAfetUs }) };
}

/** While nothing is known of a task it comes last. */
const unknownDemand: Demand = { afetUs: 1, longestStageUs: 1, utilizationE9: 1 };

function orderingDemand(
  { known }: Demands,
  effective: Effective,
  present: Assumed | undefined,
  measurements: Measurements,
): Demand {
  const kind = present && measurements.kindAt(present.place);
  const there = kind === undefined ? undefined : known.get(kind);
  if (there !== undefined) return there;
  if (present !== undefined) return demandFromBooking(present, effective);
  return [...known.values()].toSorted((a, b) => a.afetUs - b.afetUs)[0] ?? unknownDemand;
}

function profiledOf({ digest, uri }: Effective['model'], found: ModelPackage): Profiled {
  return { digest, uri, batchSizes: [...new Set(found.batchSizes)], stageCount: found.stageCount };
}

/**
 * What its GPU must offer for it: memory as spec says, or else as the agent measured that inspected it. Of a package that the
 * model does not speak of any more nothing is known, and nothing is asked.
 */
function packageOf(digest: string, model: InferenceModel | undefined): PlacementPackage {
  const found = model?.status?.package?.digest === digest ? model.status.package : undefined;
  const given = model?.spec.source.digest === digest ? model.spec.memory : undefined;
  const memoryBytes = given === undefined ? found?.memoryBytes : parseBytes(given);
  const engines = found?.engines ?? [];
  return {
    digest,
    ...(memoryBytes === undefined || memoryBytes <= 0 ? {} : { memoryBytes }),
    ...(engines.length === 0 ? {} : { engines }),
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

function hasBatch(found: ModelPackage, batchSize: number): boolean {
  return found.batchSizes?.includes(batchSize) ?? false;
}

function batchWords(found: ModelPackage, batchSize: number): string {
  const sizes = found.batchSizes ?? [];
  const there = sizes.length === 0 ? 'it has none' : `it has ${sizes.join(', ')}`;
  return `package ${found.name ?? found.digest} has no artifacts of batch size ${batchSize}; ${there}`;
}

/** What its status says that is booked; undefined where it says nothing, or nothing that can be read. */
function booked(task: StoredTask): Assumed | undefined {
  const { effective, placement } = task.status ?? {};
  if (effective === undefined || placement === undefined) return undefined;
  const { node, gpu, context, stageAfetUs, capacity } = placement;
  const stages = stageAfetUs === undefined ? {} : { stageAfetUs };
  try {
    const share = { utilizationE9: parseE9(placement.bookedUtilization), ...stages };
    const e9 = aloneE9(capacity === undefined ? share : { ...share, capacity }, effective);
    return e9 > 0 ? { place: { node, gpu, context }, effective, utilizationE9: e9, ...stages } : undefined;
  } catch {
    return undefined;
  }
}
