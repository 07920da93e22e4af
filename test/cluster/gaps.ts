// For how long tasks completed nothing, by the runtimes' own clock, whichever runtime served them.
import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';

interface Progress {
  instanceId: string;
  completed: number;
  /** When a job was last seen to have been completed. */
  atUs: number;
}

export class Gaps {
  private readonly progress = new Map<string, Progress>();
  private readonly longest = new Map<string, number>();

  /** From here on, gaps are counted anew; one that has begun counts from its begin. */
  restart(): void {
    this.longest.clear();
  }

  /** Takes note of a runtime's next state. The first one of another runtime only says where its counters begin. */
  note({ instanceId, timeUs, tasks }: ObservedState): void {
    for (const { uid, jobs } of tasks) {
      const completed = jobs?.completed ?? 0;
      const known = this.progress.get(uid);
      const done = known?.instanceId === instanceId ? completed > known.completed : false;
      const atUs = done || known === undefined ? timeUs : known.atUs;
      this.longest.set(uid, Math.max(this.longest.get(uid) ?? 0, timeUs - (known?.atUs ?? timeUs)));
      this.progress.set(uid, { instanceId, completed, atUs });
    }
  }

  /** The longest of these tasks since the last restart, in seconds; it holds what is between two states, too. */
  seconds(uids: readonly string[]): number {
    return Math.max(0, ...uids.map((uid) => this.longest.get(uid) ?? Number.NaN)) / 1e6;
  }
}
