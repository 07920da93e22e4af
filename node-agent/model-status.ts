// What the inspecting agent says in a model's status: what its package holds, and condition Inspected. Pure.
import { isDeepStrictEqual } from 'node:util';
import { type ConditionState, findCondition } from '../api/conditions.ts';
import { ModelPhase, type ObservedModel, type Tensor } from './native/gen/runtime.ts';
import type { ModelPackage, StoredModel } from './resources.ts';
import { conditionReason, sameState } from './serving.ts';

export interface ModelStatement {
  readonly package: ModelPackage | undefined;
  readonly conditions: readonly [ConditionState];
}

/**
 * Undefined while nothing is known: the runtime is away, or still loads the package of spec's digest.
 * `gpuProduct` is what the runtime measured the execution times on.
 */
export function modelStatement(
  model: StoredModel,
  observed: ObservedModel | undefined,
  gpuProduct: string,
): ModelStatement | undefined {
  if (observed === undefined || observed.digest !== model.spec.source.digest) return undefined;
  const present = model.status?.package;
  const inspected = (status: 'True' | 'False', reason: string, message: string): readonly [ConditionState] => [
    { type: 'Inspected', status, reason, message, observedGeneration: model.metadata.generation ?? 0 },
  ];
  if (observed.phase === ModelPhase.MODEL_PHASE_READY) {
    const read = packageOf(observed, gpuProduct);
    const stages = `${read.stageCount} stages, batch sizes ${(read.batches ?? []).map((batch) => batch.size).join(', ')}`;
    return { package: newerPackage(present, read), conditions: inspected('True', 'Inspected', stages) };
  }
  if (observed.phase !== ModelPhase.MODEL_PHASE_FAILED) return undefined;
  const message = observed.message === '' ? 'the runtime refuses the package and says no more' : observed.message;
  // The package that was read before stays: it names its own digest, and tasks may still run it.
  return {
    package: present,
    conditions: inspected('False', conditionReason(observed.reason, 'InspectionFailed'), message),
  };
}

export function modelChanged(model: StoredModel, statement: ModelStatement): boolean {
  const present = findCondition(model.status?.conditions, 'Inspected');
  return (
    !sameState(statement.conditions[0], present) ||
    statement.conditions[0].message !== present?.message ||
    !isDeepStrictEqual(statement.package, model.status?.package)
  );
}

function packageOf(observed: ObservedModel, gpuProduct: string): ModelPackage {
  const single = observed.batches.find((batch) => batch.size === 1);
  return {
    digest: observed.digest,
    name: observed.name,
    stageCount: observed.stages.length,
    ...(single === undefined ? {} : { afetUs: single.stageAfetUs.reduce((sum, us) => sum + us, 0) }),
    gpuProduct,
    memoryBytes: observed.memoryBytes,
    engines: observed.engines,
    inputs: observed.inputs.map(tensor),
    outputs: observed.outputs.map(tensor),
    stages: observed.stages.map((name) => ({ name })),
    batches: observed.batches.map(({ size, stageAfetUs }) => ({ size, stageAfetUs })),
  };
}

function tensor({ name, datatype, shape }: Tensor): { name: string; datatype: string; shape: number[] } {
  return { name, datatype, shape };
}

/**
 * A package is measured once on a product: a restarted runtime measures it again a little differently, and placements
 * booked by these times should not move for noise.
 */
function newerPackage(present: ModelPackage | undefined, read: ModelPackage): ModelPackage {
  return isDeepStrictEqual(withoutMeasures(present), withoutMeasures(read)) && present !== undefined ? present : read;
}

function withoutMeasures(of: ModelPackage | undefined): object | undefined {
  if (of === undefined) return undefined;
  const { afetUs: _afetUs, memoryBytes: _memoryBytes, batches, ...rest } = of;
  return { ...rest, batches: batches?.map((batch) => [batch.size, batch.stageAfetUs.length]) };
}
