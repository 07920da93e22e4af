// The terms of a task, resolved: what spec says, with what it leaves out. Pure.
import { parseDurationUs } from '../../../api/durations.ts';
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import type { Effective } from '../../resources.ts';

export type Terms = Omit<Effective, 'model'>;

type Spec = RealtimeInferenceTask['spec'];

/**
 * @throws RangeError saying which field is wrong and what to write instead. The API server refuses such a spec by the
 * same rules; one that was stored under older rules still comes here.
 */
export function resolveTerms(task: RealtimeInferenceTask): Terms {
  const { spec } = task;
  const periodUs = duration('period', spec.period);
  const deadlineUs = spec.deadline === undefined ? periodUs : duration('deadline', spec.deadline);
  const offsetUs = spec.offset === undefined ? 0 : duration('offset', spec.offset);
  check(periodUs > 0, 'period', spec.period, 'a duration above 0, like 33ms');
  check(deadlineUs > 0 && deadlineUs <= periodUs, 'deadline', spec.deadline, 'a duration above 0, at most the period');
  check(offsetUs < periodUs, 'offset', spec.offset, 'a duration shorter than the period');
  return {
    generation: task.metadata.generation ?? 0,
    priority: oneOf('priority', spec.priority, ['High', 'Low']),
    periodUs,
    deadlineUs,
    release: oneOf('release', spec.release ?? 'OnRequest', ['Periodic', 'OnRequest']),
    releaseJitterUs: releaseJitter(spec, periodUs),
    offsetUs,
    batchSize: batchSize(spec),
    lateJobs: oneOf('lateJobs', spec.lateJobs ?? 'Finish', ['Finish', 'Drop']),
    maxMissRate: String(spec.maxMissRate ?? '0'),
  };
}

function releaseJitter(spec: Spec, periodUs: number): number {
  return spec.releaseJitter === undefined ? Math.floor(periodUs / 2) : duration('releaseJitter', spec.releaseJitter);
}

function batchSize(spec: Spec): number {
  const size = spec.batchSize ?? 1;
  check(Number.isInteger(size) && size >= 1, 'batchSize', size, 'a whole number from 1');
  return size;
}

/** The schema lets a number through to the rule that answers it in words; so may an older server. */
function duration(field: string, value: string | number): number {
  try {
    return parseDurationUs(String(value));
  } catch (cause) {
    throw new RangeError(`spec.${field}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function oneOf<T extends string>(field: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === value);
  check(found !== undefined, field, value, allowed.join(' or '));
  return found;
}

function check(holds: boolean, field: string, value: unknown, wanted: string): asserts holds {
  if (!holds) throw new RangeError(`spec.${field}: "${String(value)}" must be ${wanted}`);
}

/** What a booking rests on, model included. Other terms change without touching the place. */
export function sameBooking(a: Effective, b: Effective): boolean {
  return (
    a.priority === b.priority &&
    a.periodUs === b.periodUs &&
    a.deadlineUs === b.deadlineUs &&
    a.batchSize === b.batchSize &&
    a.model.digest === b.model.digest
  );
}
