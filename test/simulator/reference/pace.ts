// Rule (a): the size at which nearly the most jobs go in a time, by AFETs.
import { sum } from './arithmetic.ts';
import type { Size, TaskClass } from './world.ts';

/** So many jobs in so long, on one stream. */
interface Pace {
  jobs: bigint;
  time: bigint;
}

export function paceOf({ capacity, stages }: Size, jobs: bigint): Pace {
  return { jobs: capacity < jobs ? capacity : jobs, time: sum(stages.map(({ afet }) => afet)) };
}

function isFaster(one: Pace, other: Pace): boolean {
  return one.jobs * other.time > other.jobs * one.time;
}

/** At least 19/20 of the other. */
function isNearly(one: Pace, other: Pace): boolean {
  return 20n * one.jobs * other.time >= 19n * other.jobs * one.time;
}

/** Sizes of several jobs, none larger than so many need. */
function needed({ alone, larger }: TaskClass, jobs: bigint): Size[] {
  return larger.filter((_, i) => (larger[i - 1] ?? alone).capacity < jobs);
}

/** Of one job alone and the allowed sizes the smallest that is nearly as fast as the fastest of them. */
export function preferred(own: TaskClass, candidates: number, isAllowed: (size: Size) => boolean): Size {
  const jobs = BigInt(candidates);
  const allowed = [own.alone, ...needed(own, jobs).filter(isAllowed)];
  const fastest = allowed
    .map((size) => paceOf(size, jobs))
    .reduce((best, pace) => (isFaster(pace, best) ? pace : best));
  return allowed.find((size) => isNearly(paceOf(size, jobs), fastest)) ?? own.alone;
}

/** The sizes that would be preferred to this one, were each of them the only other that is allowed. */
export function preferredTo(own: TaskClass, candidates: number, size: Size): Size[] {
  const jobs = BigInt(candidates);
  const pace = paceOf(size, jobs);
  return needed(own, jobs).filter((each) => {
    if (each === size) return false;
    return each.capacity < size.capacity ? isNearly(paceOf(each, jobs), pace) : !isNearly(pace, paceOf(each, jobs));
  });
}
