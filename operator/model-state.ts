// What is known of a model's package: ready to run, refused by its inspector, or not known yet. Pure.
import { findCondition } from '../api/conditions.ts';
import type { InferenceModel } from '../api/resources.ts';
import type { ModelPackage } from './resources.ts';

export type ModelState =
  | { readonly kind: 'Ready'; readonly package: ModelPackage; readonly message: string }
  | { readonly kind: 'Failed'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Pending'; readonly reason: string; readonly message: string };

/** Of the spec as it is now: what an inspector said of an older one counts for nothing. */
export function modelState(model: InferenceModel): ModelState {
  const inspected = findCondition(model.status?.conditions, 'Inspected');
  const inspector = model.status?.inspector?.node;
  if (inspected === undefined || inspected.observedGeneration !== model.metadata.generation) {
    const message =
      inspector === undefined ? 'no node inspects the package yet' : `node ${inspector} opens the package`;
    return { kind: 'Pending', reason: inspector === undefined ? 'NoInspector' : 'Inspecting', message };
  }
  if (inspected.status !== 'True') {
    const failed = inspected.status === 'False';
    return { kind: failed ? 'Failed' : 'Pending', reason: inspected.reason, message: inspected.message };
  }
  const found = model.status?.package;
  const wanted = model.spec.source.digest;
  if (found?.digest !== wanted) {
    const message = `status speaks of package ${found?.digest ?? 'none'}, spec names ${wanted}`;
    return { kind: 'Pending', reason: 'Inspecting', message };
  }
  return { kind: 'Ready', package: found, message: inspected.message };
}
