// What an act of `make e2e` is: it drives a cluster with a real node, as its administrator would.
import type { Cluster } from '../control-plane/cluster.ts';
import type { ActResult } from '../e2e/act.ts';

export interface World {
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
}

export interface Act {
  readonly title: string;
  run(world: World): Promise<ActResult>;
}
