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

/** Undefined while nothing is known: the runtime is away, or still loads the package of spec's digest. */
export function modelStatement(model: StoredModel, observed: ObservedModel | undefined): ModelStatement | undefined {
  if (observed === undefined || observed.digest !== model.spec.source.digest) return undefined;
  const present = model.status?.package;
  const inspected = (status: 'True' | 'False', reason: string, message: string): readonly [ConditionState] => [
    { type: 'Inspected', status, reason, message, observedGeneration: model.metadata.generation ?? 0 },
  ];
  if (observed.phase === ModelPhase.MODEL_PHASE_READY) {
    const read = packageOf(observed);
    const stages = `${read.stageCount} stages, batch sizes ${(read.batchSizes ?? []).join(', ')}`;
    return { package: newerPackage(present, read), conditions: inspected('True', 'Inspected', stages) };
  }
  if (observed.phase !== ModelPhase.MODEL_PHASE_FAILED) return undefined;
  const message = observed.message === '' ? 'the runtime refuses the package and says no more' : observed.message;
  // The package that was read before stays: it names its own digest, and tasks may still run it. One that is sound and made
  // for other engines is told of, so that a node with one of those is asked.
  const known = present?.digest === observed.digest;
  const elsewhere = observed.reason === 'NoArtifacts' || (observed.reason === 'WrongBuild' && !known);
  const other = elsewhere && observed.engines.length > 0;
  return {
    package: other ? newerPackage(present, packageOf(observed)) : present,
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

function packageOf(observed: ObservedModel): ModelPackage {
  return {
    digest: observed.digest,
    name: observed.name,
    stageCount: observed.stages.length,
    memoryBytes: observed.memoryBytes,
    engines: observed.engines,
    inputs: observed.inputs.map(tensor),
    outputs: observed.outputs.map(tensor),
    stages: observed.stages.map((name) => ({ name })),
    batchSizes: observed.batches.map(({ size }) => size),
  };
}

function tensor({ name, datatype, shape }: Tensor): { name: string; datatype: string; shape: number[] } {
  return { name, datatype, shape };
}

/** Memory is measured a little differently each time, which is no news. */
function newerPackage(present: ModelPackage | undefined, read: ModelPackage): ModelPackage {
  return isDeepStrictEqual(withoutMemory(present), withoutMemory(read)) && present !== undefined ? present : read;
}

function withoutMemory(of: ModelPackage | undefined): object | undefined {
  if (of === undefined) return undefined;
  const { memoryBytes: _memoryBytes, ...rest } = of;
  return rest;
}
