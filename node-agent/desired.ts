// This node's share of the objects as one desired state for the runtime. Pure: what is wrong with one object
// leaves that object out, with a reason, and nothing else.
import { laterCounters, countersOfStatus } from './counters.ts';
import { isMeasured } from './profile-model.ts';
import { createdMs, type Placement, type StoredModel, type StoredProfile, type StoredTask } from './resources.ts';
import { isTrue } from '../api/conditions.ts';
import type { BatchTimes } from '../api/profile-state.ts';
import {
  type BatchTiming,
  type DesiredModel,
  type DesiredState,
  type DesiredTask,
  type JobCounters,
  LateJobs,
  type Policy,
  Priority,
  Release,
} from './native/gen/runtime.ts';
import type { MeasuredOn } from './native/shares.ts';

/** What the agent has last seen the runtime count; status may lag behind it. */
export interface Seen {
  readonly jobs: JobCounters;
  readonly migrations: number;
}

export interface DesiredInput {
  readonly node: string;
  readonly policy: Policy;
  readonly tasks: readonly StoredTask[];
  readonly models: readonly StoredModel[];
  /** Those whose models are wanted; those that are not measured, for measuring. */
  readonly profiles: readonly StoredProfile[];
  /** What profiles know of a package on this node's GPUs, by batch size. Asked where the policy joins. */
  readonly times: (digest: string) => readonly BatchTimes[];
  readonly seen: (uid: string) => Seen | undefined;
}

export interface Skipped {
  /** namespace/name */
  readonly key: string;
  readonly uid: string;
  readonly why: string;
}

export interface Desired {
  /** Without its generation, which counts applies. */
  readonly state: Omit<DesiredState, 'generation'>;
  readonly terms: ReadonlyMap<string, Terms>;
  readonly measuredOn: MeasuredOn;
  readonly skipped: readonly Skipped[];
}

/** Which statement of the operator a desired task stands for; by uid. */
export interface Terms {
  readonly epoch: number;
  /** metadata.generation that the effective terms were resolved from. */
  readonly generation: number;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;
const ratePattern = /^(0([.][0-9]{1,9})?|1([.]0{1,9})?)$/;

export function desiredState(input: DesiredInput): Desired {
  const wanted: DesiredTask[] = [];
  const terms = new Map<string, Terms>();
  const skipped: Skipped[] = [];
  const mine = input.tasks.filter((task) => task.status?.placement?.node === input.node).sort(byAge);
  for (const task of mine) {
    const result = desiredTask(task, input.seen(task.metadata.uid));
    if (typeof result === 'string') {
      skipped.push({ key: taskKey(task), uid: task.metadata.uid, why: result });
      continue;
    }
    wanted.push(result);
    terms.set(result.uid, { epoch: result.epoch, generation: task.status?.effective?.generation ?? 0 });
  }
  const running = mine.filter((task) => terms.has(task.metadata.uid));
  return {
    state: { policy: input.policy, models: desiredModels(input, running), tasks: wanted },
    terms,
    measuredOn: gpusToMeasureOn(input.profiles),
    skipped,
  };
}

function gpusToMeasureOn(profiles: readonly StoredProfile[]): MeasuredOn {
  const gpus = new Map<string, string[]>();
  for (const { spec } of profiles.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    if (spec.gpu !== undefined) gpus.set(spec.digest, [...(gpus.get(spec.digest) ?? []), spec.gpu]);
  }
  return gpus;
}

/** The same text exactly when the runtime would be told the same; carried counters do not count as a change. */
export function fingerprint({ state, measuredOn }: Pick<Desired, 'state' | 'measuredOn'>): string {
  const tasks = state.tasks.map(({ carried: _carried, carriedMigrations: _migrations, ...task }) => task);
  return JSON.stringify({ ...state, tasks, measuredOn: [...measuredOn] });
}

function desiredTask(task: StoredTask, seen: Seen | undefined): DesiredTask | string {
  const { effective, placement, runtime } = task.status ?? {};
  const wrong = flawOf(task);
  if (wrong !== undefined || effective === undefined || placement === undefined) return wrong ?? 'has no terms';
  const kept = countersOfStatus(runtime);
  return {
    uid: task.metadata.uid,
    namespace: task.metadata.namespace ?? '',
    name: task.metadata.name,
    epoch: placement.epoch,
    modelDigest: effective.model.digest,
    gpuUuid: placement.gpu,
    context: placement.context,
    priority: effective.priority === 'High' ? Priority.PRIORITY_HIGH : Priority.PRIORITY_LOW,
    periodUs: effective.periodUs,
    deadlineUs: effective.deadlineUs,
    release: effective.release === 'Periodic' ? Release.RELEASE_PERIODIC : Release.RELEASE_ON_REQUEST,
    releaseJitterUs: effective.releaseJitterUs,
    offsetUs: effective.offsetUs,
    batchSize: effective.batchSize,
    lateJobs: effective.lateJobs === 'Drop' ? LateJobs.LATE_JOBS_DROP : LateJobs.LATE_JOBS_FINISH,
    carried: seen === undefined ? kept : laterCounters(kept, seen.jobs),
    stageAfetUs: afetsOf(placement),
    carriedMigrations: Math.max(runtime?.migrations?.count ?? 0, seen?.migrations ?? 0),
  };
}

/** None where they cannot be what they should be: the runtime then measures. */
function afetsOf({ stageAfetUs = [] }: Placement): number[] {
  return stageAfetUs.every(positive) ? stageAfetUs : [];
}

/** What makes the task impossible to hand on, in words; the schema checks types, not what the numbers mean together. */
function flawOf(task: StoredTask): string | undefined {
  const { effective, placement } = task.status ?? {};
  if (effective === undefined) return 'status.effective is missing';
  if (placement === undefined) return 'status.placement is missing';
  if (!digestPattern.test(effective.model?.digest ?? '')) return 'status.effective.model.digest is no sha256 digest';
  if (!positive(effective.periodUs)) return 'status.effective.periodUs must be a positive integer';
  if (!positive(effective.deadlineUs) || effective.deadlineUs > effective.periodUs) {
    return 'status.effective.deadlineUs must be positive and at most periodUs';
  }
  if (!natural(effective.releaseJitterUs)) return 'status.effective.releaseJitterUs must not be negative';
  if (!natural(effective.offsetUs) || effective.offsetUs >= effective.periodUs) {
    return 'status.effective.offsetUs must be at least 0 and shorter than periodUs';
  }
  if (!ratePattern.test(effective.maxMissRate ?? ''))
    return 'status.effective.maxMissRate must be a decimal between 0 and 1';
  if (!positive(effective.batchSize)) return 'status.effective.batchSize must be a positive integer';
  if (!positive(placement.epoch)) return 'status.placement.epoch must be a positive integer';
  if (!natural(placement.context)) return 'status.placement.context must not be negative';
  return placement.gpu === '' ? 'status.placement.gpu is empty' : undefined;
}

/**
 * One entry a digest. Where several objects give a digest different addresses, those that already run or were
 * already inspected win, then the oldest: a newcomer with a wrong address must not harm what is there.
 */
function desiredModels(
  { node, policy, models, profiles, times }: DesiredInput,
  running: readonly StoredTask[],
): DesiredModel[] {
  const inspected = models.filter((model) => model.status?.inspector?.node === node);
  const byMerit = inspected.toSorted((a, b) => Number(isProven(b)) - Number(isProven(a)) || byAge(a, b));
  const toMeasure = new Set(profiles.filter((profile) => !isMeasured(profile)).map(({ spec }) => spec.digest));
  const uris = new Map<string, string>();
  const sources = [
    ...running.flatMap((task) => task.status?.effective?.model ?? []),
    ...byMerit.map((model) => model.spec.source),
    ...profiles.map(({ spec }) => spec),
  ];
  for (const { digest, uri } of sources) if (!uris.has(digest)) uris.set(digest, uri);
  const users = namespacesByDigest(models, running);
  return [...uris]
    .map(([digest, uri]) => {
      const namespaces = namespacesToTell(users.get(digest) ?? [], policy.compiledCodeNamespaces);
      const batches = policy.joining ? soundBatches(times(digest)) : [];
      return { digest, uri, measure: toMeasure.has(digest), batches, namespaces };
    })
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

const toldBatches = 64;

/** Each size once, ascending; what cannot be times, or has another number of stages than the first, is left out. */
function soundBatches(batches: readonly BatchTimes[]): BatchTiming[] {
  const sound = batches.filter(({ size, stageAfetUs }) => positive(size) && stageAfetUs.every(positive));
  const stages = sound[0]?.stageAfetUs.length ?? 0;
  const bySize = new Map(sound.filter((each) => each.stageAfetUs.length === stages).map((each) => [each.size, each]));
  return [...bySize.values()]
    .sort((a, b) => a.size - b.size)
    .slice(0, toldBatches)
    .map(({ size, stageAfetUs }) => ({ size, stageAfetUs: [...stageAfetUs], stageMretUs: [] }));
}

/** In which namespaces a digest is named, by a model or by a task that runs it; profiles are nobody's. */
function namespacesByDigest(models: readonly StoredModel[], running: readonly StoredTask[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  const add = (digest: string | undefined, namespace = ''): void => {
    if (digest === undefined) return;
    const known = users.get(digest) ?? [];
    if (!known.includes(namespace)) users.set(digest, [...known, namespace].sort());
  };
  for (const { spec, metadata } of models) add(spec.source.digest, metadata.namespace);
  for (const { status, metadata } of running) add(status?.effective?.model.digest, metadata.namespace);
  return users;
}

const toldNamespaces = 64;

/** Those that decide; where none is listed, those that a refusal shall name. */
function namespacesToTell(users: readonly string[], listed: readonly string[]): string[] {
  const allowed = users.filter((namespace) => listed.includes(namespace));
  return (allowed.length > 0 ? allowed : users).slice(0, toldNamespaces);
}

function isProven(model: StoredModel): boolean {
  return isTrue(model.status?.conditions, 'Inspected');
}

function byAge(one: StoredTask | StoredModel, other: StoredTask | StoredModel): number {
  return createdMs(one) - createdMs(other) || (one.metadata.uid < other.metadata.uid ? -1 : 1);
}

function taskKey(task: StoredTask): string {
  return `${task.metadata.namespace ?? ''}/${task.metadata.name}`;
}

function positive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function natural(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
