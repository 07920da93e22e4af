// The order of ready stages: eight fixed levels, EDF on the absolute virtual deadline within a level,
// ties by release, then by task index.
import { element, stageOf, type Job, type Task, type World } from './world.ts';

/** Compared element by element; the smaller is the better. */
export type Key = readonly [level: bigint, virtualDeadline: bigint, release: bigint, task: bigint];

export function better(a: Key, b: Key): boolean {
  const differing = a.findIndex((part, i) => part !== b[i]);
  return differing !== -1 && element(a, differing) < element(b, differing);
}

/** Level = 4·(LP) + 2·(not last) + (predecessor did not miss), 0 best; 0 for all under `fixedPriorities: false`. */
export function levelOf({ rules }: World, task: Task, stage: number, predecessorMissed: boolean): bigint {
  if (!rules.fixedPriorities) return 0n;
  const last = rules.lastStageBoost && stage === task.class.alone.stages.length - 1;
  const missed = rules.missBoost && predecessorMissed;
  return (task.high ? 0n : 4n) + (last ? 0n : 2n) + (missed ? 0n : 1n);
}

/** The key of a job's current stage. A unit's is the smallest of its members': it goes when its best member would. */
export function keyOf(world: World, job: Job): Key {
  const stage = stageOf(job);
  return [
    levelOf(world, job.task, stage, job.predecessorMissed),
    element(job.virtualDeadlines, stage),
    job.release,
    BigInt(job.task.index),
  ];
}
