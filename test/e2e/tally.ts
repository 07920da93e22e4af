// What all runtimes together have counted of each task: a task that moves is counted on by another runtime, and begins
// there with counters carried from its status, which lag behind. So increments are summed, never absolute figures.
import { counters } from '../../node-agent/counters.ts';
import type { Miss, ObservedState, ObservedTask } from '../../node-agent/native/gen/runtime.ts';
import { noJobs, type Figures } from './counters.ts';

/** All nodes as if they were one runtime. */
const instanceId = 'cluster';

export class JobTally {
  private readonly latest = new Map<string, ObservedState>();
  private readonly totals = new Map<string, ObservedTask>();

  /**
   * Takes note of the next state of a node's runtime. What a runtime did of a task before it was first seen to know it is
   * not counted: the interval between two states at most.
   */
  note(node: string, state: ObservedState): void {
    const before = this.latest.get(node);
    this.latest.set(node, state);
    const known = before?.instanceId === state.instanceId ? before.tasks : [];
    for (const task of state.tasks) {
      const earlier = known.find(({ uid }) => uid === task.uid) ?? task;
      this.totals.set(task.uid, grown(this.totals.get(task.uid), earlier, task));
    }
  }

  /** The newest state of a node's runtime, however old it is. */
  stateOf(node: string): ObservedState | undefined {
    return this.latest.get(node);
  }

  /** Counters of all tasks so far, at the time of the newest state. */
  figures(): Figures {
    const times = [...this.latest.values()].map(({ timeUs }) => timeUs);
    return { instanceId, timeUs: Math.max(...times), tasks: [...this.totals.values()] };
  }
}

/** As many as a runtime tells of. */
const missesKept = 10;

/** A runtime tells of the same misses in state after state, newest first, and of none that another one has counted. */
function newest(earlier: readonly Miss[], now: readonly Miss[]): Miss[] {
  const known = new Set(now.map(({ timeUs }) => timeUs));
  const all = [...now, ...earlier.filter(({ timeUs }) => !known.has(timeUs))];
  return all.toSorted((a, b) => b.timeUs - a.timeUs).slice(0, missesKept);
}

/** The total with what was done between two states of one runtime; the rest is as in the newer one. */
function grown(total: ObservedTask | undefined, earlier: ObservedTask, now: ObservedTask): ObservedTask {
  const [sum, from, to] = [total?.jobs ?? noJobs, earlier.jobs ?? noJobs, now.jobs ?? noJobs];
  const migrations = (now.migrations?.count ?? 0) - (earlier.migrations?.count ?? 0);
  return {
    ...now,
    jobs: counters((name) => sum[name] + to[name] - from[name]),
    lastMisses: newest(total?.lastMisses ?? [], now.lastMisses),
    executionUs: (total?.executionUs ?? 0) + now.executionUs - earlier.executionUs,
    migrations: {
      lastFrom: 0,
      lastTo: 0,
      lastTimeUs: 0,
      ...now.migrations,
      count: (total?.migrations?.count ?? 0) + migrations,
    },
  };
}
