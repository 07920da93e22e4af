// What comes in from the runtime, checked before anything believes it: a flaw in one task, context, model or histogram
// takes that one out and is named; only a state that cannot be told apart from another instance's is refused whole.
import { AppError } from '../../kube/errors.ts';
import type {
  ForeignSharing,
  GpuFault,
  GpuReading,
  Histogram,
  InfoResponse,
  JobCounters,
  ObservedContext,
  ObservedGpu,
  ObservedModel,
  ObservedState,
  ObservedTask,
  Xid,
} from './gen/runtime.ts';

export interface Checked<T> {
  readonly value: T;
  /** One sentence for each thing that was left out. */
  readonly problems: readonly string[];
}

/** Lengths that the CRDs allow; a longer text would make the API server refuse the whole status. */
const limits = {
  name: 128,
  version: 63,
  reason: 128,
  message: 2_048,
  behind: 320,
  tensors: 64,
  batches: 64,
  words: 16,
  gpus: 64,
} as const;

/** @throws AppError code BadObservation where it names no instance */
export function checkInfo(info: InfoResponse): Checked<InfoResponse> {
  if (info.instanceId === '') throw noInstance('Info');
  const problems: string[] = [];
  const gpus = unique(info.gpus, (gpu) => gpu.uuid, 'GPU', problems).map((gpu) => ({
    ...gpu,
    uuid: gpu.uuid.slice(0, limits.name),
    product: gpu.product.slice(0, limits.name),
    engine: gpu.engine.slice(0, limits.version),
    engineVersion: gpu.engineVersion.slice(0, limits.version),
  }));
  const runtimeVersion = info.runtimeVersion.slice(0, limits.version);
  const nodeGpus = [...new Set(info.nodeGpus.map((uuid) => uuid.slice(0, limits.name)))].slice(0, limits.gpus);
  return { value: { ...info, runtimeVersion, gpus, nodeGpus }, problems };
}

/** @throws AppError code BadObservation where it names no instance */
export function checkState(state: ObservedState): Checked<ObservedState> {
  if (state.instanceId === '') throw noInstance('Watch');
  const problems: string[] = [];
  const newestFirst = state.tasks.toSorted((a, b) => b.epoch - a.epoch);
  const tasks = unique(newestFirst, (task) => task.uid, 'task', problems).flatMap((task) => checkTask(task, problems));
  const models = unique(state.models, (model) => model.digest, 'model', problems).flatMap((model) =>
    checkModel(model, problems),
  );
  const gpus = unique(state.gpus, (gpu) => gpu.uuid, 'GPU', problems).map((gpu) => ({
    ...checkHealth(gpu, problems),
    partitionFault: gpu.partitionFault.slice(0, limits.message),
    contexts: unique(gpu.contexts, (context) => String(context.index), `context of ${gpu.uuid}`, problems).filter(
      (context) => checkContext(context, gpu.uuid, problems),
    ),
  }));
  return { value: { ...state, tasks, models, gpus }, problems };
}

function noInstance(call: string): AppError {
  return new AppError(`the runtime's answer to ${call} names no instance`, { code: 'BadObservation' });
}

/** Those with a key, each key once: of two with the same key nobody can say which one is true, so the first counts. */
function unique<T>(items: readonly T[], keyOf: (item: T) => string, what: string, problems: string[]): T[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = keyOf(item);
    const fresh = key !== '' && !seen.has(key);
    if (!fresh) problems.push(key === '' ? `a ${what} has no name` : `${what} ${key} is told twice`);
    seen.add(key);
    return fresh;
  });
}

function checkTask(task: ObservedTask, problems: string[]): ObservedTask[] {
  const figures = {
    epoch: task.epoch,
    context: task.context,
    afetUs: task.afetUs,
    mretUs: task.mretUs,
    utilizationE9: task.utilizationE9,
    responseP50Us: task.responseP50Us,
    responseP99Us: task.responseP99Us,
    executionUs: task.executionUs,
    startedJobs: task.startedJobs,
    unitJobs: task.unitJobs,
    capacity: task.capacity,
    ...jobFigures(task.jobs),
  };
  const bad = firstNegative(figures);
  if (bad !== undefined) {
    problems.push(`task ${task.uid}: ${bad}`);
    return [];
  }
  const lastMisses = task.lastMisses
    .filter((miss) => miss.timeUs > 0 && miss.lateUs >= 0)
    .map((miss) => ({ ...miss, behind: miss.behind.slice(0, limits.behind) }));
  const response = checkHistogram(task.response);
  if (typeof response === 'string') problems.push(`task ${task.uid}: ${response}`);
  return [
    {
      ...task,
      reason: task.reason.slice(0, limits.reason),
      message: task.message.slice(0, limits.message),
      lastMisses,
      response: typeof response === 'string' ? undefined : response,
    },
  ];
}

function jobFigures(jobs: JobCounters | undefined): Readonly<Record<string, number>> {
  return jobs === undefined ? {} : { ...jobs };
}

function firstNegative(figures: Readonly<Record<string, number>>): string | undefined {
  const bad = Object.entries(figures).find(([, value]) => !Number.isSafeInteger(value) || value < 0);
  return bad === undefined ? undefined : `${bad[0]} is ${bad[1]}, which no count or time can be`;
}

function checkHistogram(histogram: Histogram | undefined): Histogram | string | undefined {
  if (histogram === undefined) return undefined;
  const { boundsUs, counts } = histogram;
  if (counts.length !== boundsUs.length + 1) {
    return `its response histogram has ${counts.length} counts for ${boundsUs.length} bounds`;
  }
  const grows = boundsUs.every((bound, index) => bound > (boundsUs[index - 1] ?? 0));
  return grows ? histogram : 'the bounds of its response histogram do not grow';
}

function checkContext(context: ObservedContext, gpu: string, problems: string[]): boolean {
  const { highUtilizationE9, lowUtilizationE9, activeUtilizationE9, busyUs, sms, wantedSms, streams } = context;
  const figures = { highUtilizationE9, lowUtilizationE9, activeUtilizationE9, busyUs, sms, wantedSms, streams };
  const bad = firstNegative(figures);
  if (bad !== undefined) problems.push(`context ${context.index} of ${gpu}: ${bad}`);
  return bad === undefined;
}

/** Figures that cannot be take all figures out; what keeps work from the GPU stays. */
function checkHealth(gpu: ObservedGpu, problems: string[]): ObservedGpu {
  const { reading, foreignSharing, fault, lastXid, ...rest } = gpu;
  return {
    ...rest,
    ...(reading === undefined ? {} : { reading: checkReading(reading, gpu.uuid, problems) }),
    ...(foreignSharing === undefined ? {} : { foreignSharing: cutMessage(foreignSharing) }),
    ...(fault === undefined ? {} : { fault: { ...cutMessage(fault), reason: fault.reason.slice(0, limits.reason) } }),
    ...(lastXid === undefined || !isTime(lastXid) ? {} : { lastXid }),
  };
}

function cutMessage<T extends ForeignSharing | GpuFault>(said: T): T {
  return { ...said, message: said.message.slice(0, limits.message) };
}

function isTime({ timeUs }: Xid): boolean {
  return Number.isSafeInteger(timeUs) && timeUs > 0;
}

function checkReading(reading: GpuReading, gpu: string, problems: string[]): GpuReading {
  const { throttling, ...figures } = reading;
  const told = Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== undefined);
  const bad = firstNegative(Object.fromEntries(told));
  if (bad !== undefined) problems.push(`GPU ${gpu}: ${bad}`);
  const words = [...new Set(throttling.map((word) => word.slice(0, limits.version)))].slice(0, limits.words);
  return { ...(bad === undefined ? figures : {}), throttling: words };
}

function checkModel(model: ObservedModel, problems: string[]): ObservedModel[] {
  const times = model.batches.flatMap((batch) => [...batch.stageAfetUs, ...batch.stageMretUs]);
  const sizes = model.batches.map((batch) => batch.size);
  const sound = times.every((us) => us > 0) && sizes.every((size) => size > 0) && model.memoryBytes >= 0;
  if (!sound) {
    problems.push(`model ${model.digest}: batch sizes and execution times must be positive`);
    return [];
  }
  return [
    {
      ...model,
      reason: model.reason.slice(0, limits.reason),
      message: model.message.slice(0, limits.message),
      inputs: model.inputs.slice(0, limits.tensors),
      outputs: model.outputs.slice(0, limits.tensors),
      batches: model.batches.slice(0, limits.batches).toSorted((a, b) => a.size - b.size),
    },
  ];
}
