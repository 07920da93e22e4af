// Counters by task name, from the runtime and from the status, in the shape in which they are compared over time.
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import type { JobCounters, ObservedState } from '../../node-agent/native/gen/runtime.ts';
import { noJobs, type TaskIdentity } from './counters.ts';

export function jobsByName(state: ObservedState, identities: readonly TaskIdentity[]): Map<string, JobCounters> {
  const known = identities.flatMap(({ uid, name }) => {
    const task = state.tasks.find((each) => each.uid === uid);
    return task === undefined ? [] : [[name, task.jobs ?? noJobs] as const];
  });
  return new Map(known);
}

export function jobsInStatus(tasks: readonly RealtimeInferenceTask[]): Map<string, Partial<JobCounters>> {
  return new Map(tasks.map(({ metadata, status }) => [metadata.name ?? '', status?.runtime?.jobs ?? {}]));
}
