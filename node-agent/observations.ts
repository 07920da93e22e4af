// The agent's memory of its runtime: whether it answers, what it last said, and by task uid what its counters did.
// Single-threaded; told by session and applier, asked by everything else. Times are ms of a monotonic clock.
import { laterCounters, zeroCounters } from './counters.ts';
import type { Seen, Terms } from './desired.ts';
import type { Miss, MissCause, ObservedTask } from './native/gen/runtime.ts';
import type { NodeInfo, NodeState } from './native/node-state.ts';
import type { PolicyTerms } from './policy.ts';
import type { RuntimeView } from './runtime-view.ts';
import { CounterWindow, type WindowFigures } from './window.ts';

interface Asked {
  readonly terms: ReadonlyMap<string, Terms>;
  readonly policy: PolicyTerms;
}

interface Track {
  window: CounterWindow;
  seen: Seen;
  /** Explained misses by cause since this process sees the task. */
  misses: Map<MissCause, number>;
  newestMissUs: number;
  newestMiss: Miss | undefined;
}

const noFigures: WindowFigures = { coveredMs: 0, released: 0, admitted: 0, missed: 0, onTime: 0 };

export class Observations {
  readonly #tracks = new Map<string, Track>();
  // What was asked for under which generation; the runtime says which generation is in force.
  readonly #asked = new Map<number, Asked>();
  #down: string | undefined;
  #info: NodeInfo | undefined;
  #state: NodeState | undefined;
  #tasks: ReadonlyMap<string, ObservedTask> = new Map();
  #stateAtMs: number | undefined;
  #applyError: string | undefined;

  connected(info: NodeInfo): void {
    if (info.instanceId !== this.#info?.instanceId) this.#asked.clear();
    this.#down = undefined;
    this.#info = info;
    this.#state = undefined;
    this.#applyError = undefined;
  }

  lost(message: string): void {
    this.#down = message;
    this.#state = undefined;
  }

  /** `isNew`: no status of that task was ever written, so its counters began at zero; by uid. */
  observed(state: NodeState, nowMs: number, isNew: (uid: string) => boolean): void {
    this.#state = state;
    this.#tasks = new Map(state.tasks.map((task) => [task.uid, task]));
    this.#stateAtMs = nowMs;
    for (const task of state.tasks) this.#track(task, nowMs, isNew);
    for (const generation of this.#asked.keys()) {
      if (generation < state.appliedGeneration) this.#asked.delete(generation);
    }
  }

  asked(generation: number, asked: Asked): void {
    this.#asked.set(generation, asked);
  }

  applied(error: string | undefined): void {
    this.#applyError = error;
  }

  /** Drops the memory of tasks that nobody needs any more. */
  retain(isWanted: (uid: string) => boolean): void {
    for (const uid of this.#tracks.keys()) if (!isWanted(uid) && !this.#tasks.has(uid)) this.#tracks.delete(uid);
  }

  get view(): RuntimeView {
    if (this.#down !== undefined) return { kind: 'down', message: this.#down };
    if (this.#info === undefined) return { kind: 'connecting' };
    const asked = this.#state === undefined ? undefined : this.#asked.get(this.#state.appliedGeneration);
    const { terms, policy } = asked ?? {};
    return { kind: 'up', info: this.#info, state: this.#state, terms, policy, applyError: this.#applyError };
  }

  get state(): NodeState | undefined {
    return this.#state;
  }

  /** How long ago the runtime last said something; undefined before. */
  ageMs(nowMs: number): number | undefined {
    return this.#stateAtMs === undefined ? undefined : nowMs - this.#stateAtMs;
  }

  task(uid: string): ObservedTask | undefined {
    return this.#state === undefined ? undefined : this.#tasks.get(uid);
  }

  seen(uid: string): Seen | undefined {
    return this.#tracks.get(uid)?.seen;
  }

  figures(uid: string): WindowFigures {
    return this.#tracks.get(uid)?.window.figures() ?? noFigures;
  }

  misses(uid: string): ReadonlyMap<MissCause, number> {
    return this.#tracks.get(uid)?.misses ?? new Map<MissCause, number>();
  }

  newestMiss(uid: string): Miss | undefined {
    return this.#tracks.get(uid)?.newestMiss;
  }

  #track(task: ObservedTask, nowMs: number, isNew: (uid: string) => boolean): void {
    const jobs = task.jobs ?? zeroCounters;
    const track = this.#tracks.get(task.uid) ?? newTrack(nowMs, isNew(task.uid));
    this.#tracks.set(task.uid, track);
    // A restarted runtime that was not applied to yet may know less than it did.
    track.seen = {
      jobs: laterCounters(track.seen.jobs, jobs),
      migrations: Math.max(track.seen.migrations, task.migrations?.count ?? 0),
    };
    track.window.add(nowMs, track.seen.jobs);
    for (const miss of task.lastMisses) {
      if (miss.timeUs > track.newestMissUs) track.misses.set(miss.cause, (track.misses.get(miss.cause) ?? 0) + 1);
    }
    const [newest] = task.lastMisses;
    if (newest === undefined) return;
    track.newestMiss = newest;
    track.newestMissUs = Math.max(track.newestMissUs, newest.timeUs);
  }
}

function newTrack(nowMs: number, isNew: boolean): Track {
  return {
    window: isNew ? new CounterWindow({ atMs: nowMs, jobs: zeroCounters }) : new CounterWindow(),
    seen: { jobs: zeroCounters, migrations: 0 },
    misses: new Map(),
    newestMissUs: 0,
    newestMiss: undefined,
  };
}
