// The runtime of the node's present agent pod, watched by its socket: exact counters, also while no agent lives. A pod that
// takes the place of another one, or a runtime that is started anew, is followed.
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { ObservedState } from '../../node-agent/native/gen/runtime.ts';
import { RuntimeWatch } from '../e2e/runtime-watch.ts';
import { JobTally } from '../e2e/tally.ts';
import { Gaps } from './gaps.ts';
import { nodeName, places } from './places.ts';
import { agentPod } from './pods.ts';
import type { Site } from './release.ts';

/** Leads to the folder of the socket, whose own path is longer than the name of a socket may be. */
const link = join(places.runDir, 'runtime');
const followMs = 300;

export class NodeRuntime {
  /** What all runtimes of the node have counted, one after the other. */
  readonly tally = new JobTally();
  /** When tasks completed jobs. */
  readonly gaps = new Gaps();
  private podUid: string | undefined;
  private watcher: RuntimeWatch | undefined;

  get watch(): RuntimeWatch {
    if (this.watcher === undefined) throw new Error('no runtime of the node is followed yet');
    return this.watcher;
  }

  /** Turns to the pod that the node has now. */
  async follow(site: Site): Promise<void> {
    const { uid } = (await agentPod(site)).metadata;
    if (uid === this.podUid) return;
    this.stop();
    const folder = join(places.stateDir, 'kubelet', 'pods', uid, 'volumes', 'kubernetes.io~empty-dir', 'run');
    symlinkSync(folder, link);
    this.podUid = uid;
    this.watcher = new RuntimeWatch(join(link, 'runtime.sock'), (state) => this.note(state));
    this.watcher.start();
  }

  /** Follows one pod after the other until it is told that there will be no other. */
  async followUntil(site: Site, done: AbortSignal): Promise<void> {
    while (!done.aborted && !site.signal.aborted) {
      // Between two pods there is none, or there are two.
      await this.follow(site).catch(() => undefined);
      await delay(followMs, undefined, { signal: done }).catch(() => undefined);
    }
  }

  stop(): void {
    this.watcher?.stop();
    [this.watcher, this.podUid] = [undefined, undefined];
    rmSync(link, { force: true });
  }

  private note(state: ObservedState): void {
    this.tally.note(nodeName, state);
    this.gaps.note(state);
  }
}
