// Which part of a node's desired state each of its runtimes gets: the tasks of its GPU, and the packages that these need or
// that are to be measured there. Pure.
import type { DesiredModel, DesiredState } from './gen/runtime.ts';

/** GPUs (UUIDs) that profiles name for measuring a package, by its digest. */
export type MeasuredOn = ReadonlyMap<string, readonly string[]>;

/**
 * One share for each of `runtimes`, which are the GPUs that each of them owns. A task of a GPU that none of them owns is in
 * no share. A package that neither a task nor a profile asks for is opened by one runtime, always the same one.
 */
export function sharesOf(
  desired: DesiredState,
  measuredOn: MeasuredOn,
  runtimes: readonly (readonly string[])[],
): DesiredState[] {
  const tasks = runtimes.map((gpus) => desired.tasks.filter(({ gpuUuid }) => gpus.includes(gpuUuid)));
  const models = runtimes.map((): DesiredModel[] => []);
  for (const model of desired.models) {
    const { digest } = model;
    const measures = runtimes.map((gpus) => gpus.some((gpu) => measuredOn.get(digest)?.includes(gpu)));
    const wants = runtimes.map(
      (_, at) => measures[at] === true || tasks[at]?.some(({ modelDigest }) => modelDigest === digest) === true,
    );
    const opener = wants.includes(true) ? -1 : openerOf(digest, runtimes.length);
    for (const [at, share] of models.entries()) {
      if (wants[at] === true || at === opener)
        share.push({ ...model, measure: model.measure && measures[at] === true });
    }
  }
  return runtimes.map((_, at) => ({ ...desired, tasks: tasks[at] ?? [], models: models[at] ?? [] }));
}

/** Evenly over all, by the first 32 bits of the digest. */
function openerOf(digest: string, count: number): number {
  return Number.parseInt(digest.replace('sha256:', '').slice(0, 8), 16) % count;
}
