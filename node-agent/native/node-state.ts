// What the runtimes of a node say, one for each GPU, as if there were one for all of them. Pure.
import {
  type InfoResponse,
  ModelPhase,
  type ObservedModel,
  type ObservedState,
  type ObservedTask,
} from './gen/runtime.ts';

/** One runtime that answers: who it is, and its last state. */
export interface Part {
  readonly info: InfoResponse;
  readonly state: ObservedState;
}

/** `gpus` are those whose runtime answers; `instanceId` is another one whenever that of one of them is. */
export interface NodeInfo extends InfoResponse {
  /** host:port of the inference endpoint of each of `gpus`, by UUID. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Why the runtimes of the other GPUs of this node do not answer, as the end of a sentence; by UUID. */
  readonly lost: ReadonlyMap<string, string>;
}

/** `appliedGeneration` is in force everywhere; `models` has each package once. */
export interface NodeState extends ObservedState {
  /** In force somewhere. */
  readonly newestGeneration: number;
  /** Packages as each runtime has them, by the UUID of its GPU. */
  readonly modelsByGpu: ReadonlyMap<string, readonly ObservedModel[]>;
}

/** `whyLost` is asked for GPUs that have a runtime and no part. @throws TypeError without a part */
export function mergeInfo(parts: readonly Part[], whyLost: (gpu: string) => string): NodeInfo {
  const [{ info: first }] = atLeastOne(parts);
  const gpus = parts.flatMap(({ info }) => info.gpus);
  const there = new Set(gpus.map(({ uuid }) => uuid));
  const nodeGpus = [...new Set(parts.flatMap(({ info }) => info.nodeGpus))];
  return {
    runtimeVersion: first.runtimeVersion,
    instanceId: instanceOf(parts.map(({ info }) => info.instanceId)),
    inferenceAddress: first.inferenceAddress,
    gpus,
    nodeGpus,
    addresses: new Map(parts.flatMap(({ info }) => info.gpus.map(({ uuid }) => [uuid, info.inferenceAddress]))),
    lost: new Map(nodeGpus.filter((uuid) => !there.has(uuid)).map((uuid) => [uuid, whyLost(uuid)])),
  };
}

/** @throws TypeError without a part */
export function mergeStates(parts: readonly Part[]): NodeState {
  const states = atLeastOne(parts).map(({ state }) => state);
  const generations = states.map(({ appliedGeneration }) => appliedGeneration);
  const byGpu = parts.flatMap(({ info, state }) => info.gpus.map(({ uuid }) => [uuid, state.models] as const));
  return {
    instanceId: instanceOf(states.map(({ instanceId }) => instanceId)),
    appliedGeneration: Math.min(...generations),
    newestGeneration: Math.max(...generations),
    timeUs: Math.max(...states.map(({ timeUs }) => timeUs)),
    gpus: states.flatMap(({ gpus }) => gpus),
    models: bestOf(
      states.flatMap(({ models }) => models),
      ({ digest }) => digest,
      modelRank,
    ),
    // A task that has just gone to another GPU of the node may still be ending on the former one.
    tasks: bestOf(
      states.flatMap(({ tasks }) => tasks),
      ({ uid }) => uid,
      ({ epoch }: ObservedTask) => epoch,
    ),
    modelsByGpu: new Map(byGpu),
  };
}

/** Of several runtimes, together. */
export function instanceOf(instanceIds: readonly string[]): string {
  return instanceIds.join('+');
}

/** Why a task on this GPU cannot be served now, as the end of a sentence; undefined: its runtime answers for itself. */
export function whyNoRuntime({ gpus, nodeGpus, lost }: NodeInfo, gpu: string): string | undefined {
  const known = lost.get(gpu);
  if (known !== undefined) return known;
  // One that is alone on its node refuses tasks of other GPUs in its own words.
  if (nodeGpus.length < 2 || gpus.some(({ uuid }) => uuid === gpu)) return undefined;
  return `the GPUs of this node are ${nodeGpus.join(', ')}`;
}

/** A package that one GPU has ready is sound, whatever another lacks for it. */
function modelRank({ phase, measured }: ObservedModel): number {
  if (phase === ModelPhase.MODEL_PHASE_READY) return measured ? 4 : 3;
  return phase === ModelPhase.MODEL_PHASE_LOADING ? 2 : 1;
}

/** The one of the highest rank of each key, the first of several; keys in the order in which they come. */
function bestOf<T>(items: readonly T[], keyOf: (item: T) => string, rankOf: (item: T) => number): T[] {
  const best = new Map<string, T>();
  for (const item of items) {
    const known = best.get(keyOf(item));
    if (known === undefined || rankOf(item) > rankOf(known)) best.set(keyOf(item), item);
  }
  return [...best.values()];
}

function atLeastOne<T>(items: readonly T[]): readonly [T, ...T[]] {
  const [first, ...rest] = items;
  if (first === undefined) throw new TypeError('nothing can be said of no runtime');
  return [first, ...rest];
}
