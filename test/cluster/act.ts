// What an act of `make e2e` is: it drives a cluster with a real node, as its administrator would.
import type { ActResult } from '../e2e/act.ts';
import type { Tasks } from '../e2e/tasks.ts';
import type { NodeRuntime } from './node-runtime.ts';
import type { Site } from './release.ts';

export interface World extends Site {
  /** Those of namespace default. */
  readonly tasks: Tasks;
  readonly runtime: NodeRuntime;
  /** Where an earlier run has left the admission policies that stay, they are taken over. */
  readonly installFlags: readonly string[];
}

export interface Act {
  readonly title: string;
  run(world: World): Promise<ActResult>;
}
