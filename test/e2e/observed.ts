// Observed states for unit tests of what reads them: everything is zero but what a test is about.
import type { JobCounters, ObservedState, ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import { noJobs, type TaskIdentity } from './counters.ts';

export function observedTask(uid: string, jobs: Partial<JobCounters>, rest: Partial<ObservedTask> = {}): ObservedTask {
  return {
    uid,
    epoch: 1,
    phase: 2,
    reason: '',
    message: '',
    context: 0,
    afetUs: 0,
    mretUs: 0,
    utilizationE9: 0,
    responseP50Us: 0,
    responseP99Us: 0,
    jobs: { ...noJobs, ...jobs },
    lastMisses: [],
    executionUs: 0,
    startedJobs: 0,
    unitJobs: 0,
    capacity: 1,
    ...rest,
  };
}

export function observedState(timeUs: number, tasks: ObservedTask[], instanceId = 'one'): ObservedState {
  return { instanceId, appliedGeneration: 1, timeUs, gpus: [], models: [], tasks };
}

export const high: TaskIdentity = { uid: 'h', name: 'front-camera', priority: 'High' };
export const low: TaskIdentity = { uid: 'l', name: 'sign-reader', priority: 'Low' };
