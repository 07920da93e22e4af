// What a killed runtime cost its own GPU and the others of its node, from what all of them have counted. Pure.
import { type ObservedState, TaskPhase } from '../../node-agent/native/gen/runtime.ts';

/** What a runtime has counted over all of its tasks. */
export interface Totals {
  readonly instanceId: string;
  readonly serving: number;
  readonly released: number;
  readonly missed: number;
}

/** Of a GPU whose runtime was not killed, from the kill until the killed one's tasks were served again. */
export interface Beside {
  readonly gpu: string;
  readonly sameRuntime: boolean;
  readonly released: number;
  readonly missed: number;
}

export interface Kill {
  readonly gpu: string;
  /** That it served. */
  readonly tasks: number;
  readonly servedAgainSeconds: number;
  /** Jobs that it had counted before, and when all of its tasks were served again. */
  readonly releasedBefore: number;
  readonly releasedAfter: number;
  readonly others: readonly Beside[];
}

export function totals({ instanceId, tasks }: ObservedState): Totals {
  const sum = (of: 'released' | 'missed'): number => tasks.reduce((all, { jobs }) => all + (jobs?.[of] ?? 0), 0);
  const serving = tasks.filter(({ phase }) => phase === TaskPhase.TASK_PHASE_SERVING).length;
  return { instanceId, serving, released: sum('released'), missed: sum('missed') };
}

export function beside(gpu: string, before: Totals, after: Totals): Beside {
  return {
    gpu,
    sameRuntime: before.instanceId === after.instanceId,
    released: after.released - before.released,
    missed: after.missed - before.missed,
  };
}

export function killWords({ tasks, servedAgainSeconds, releasedBefore, releasedAfter, others }: Kill): string {
  const again = `its ${tasks} tasks were served again after ${servedAgainSeconds} s (${releasedBefore} jobs counted before, ${releasedAfter} then)`;
  return [again, ...others.map(besideWords)].join('; ');
}

function besideWords({ gpu, sameRuntime, released, missed }: Beside): string {
  const runtime = sameRuntime ? 'the same runtime' : 'ANOTHER RUNTIME';
  return `${gpu}: ${runtime}, ${released} jobs released and ${missed} missed meanwhile`;
}
