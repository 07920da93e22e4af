// Looks at a profile when it changes, and after each placement cycle at those that are needed or not settled yet.
import type { Logger } from 'pino';

import { findCondition, isTrue } from '../../../api/conditions.ts';
import { profileName } from '../../../api/profiles.ts';
import type { GpuNode, ModelProfile, RealtimeInferenceTask } from '../../../api/resources.ts';
import { Controller, done, type Outcome } from '../../../kube/controller.ts';
import type { Lease } from '../../../kube/lease.ts';
import type { MetricRegistry } from '../../../kube/metrics.ts';
import type { Reflector } from '../../../kube/reflector.ts';
import type { Node } from '../../resources.ts';
import type { Need } from '../placement/needs.ts';
import { reconcileProfile, type ProfileReconcilerOptions } from './reconcile.ts';

export interface ProfileControllerOptions extends Omit<ProfileReconcilerOptions, 'needs'> {
  readonly log: Logger;
  readonly registry: MetricRegistry;
  readonly reflector: Reflector<ModelProfile>;
  /** Asked before it starts only: tasks, nodes and what tells whether these live. */
  readonly reflectors: {
    readonly tasks: Reflector<RealtimeInferenceTask>;
    readonly gpuNodes: Reflector<GpuNode>;
    readonly nodes: Reflector<Node>;
    readonly leases: Reflector<Lease>;
  };
}

export class ProfileController {
  readonly #options: ProfileControllerOptions;
  readonly #controller: Controller;
  /** Undefined before the first cycle: nothing can be said before it is known what is needed. */
  #needs: ReadonlyMap<string, Need> | undefined;

  constructor(options: ProfileControllerOptions) {
    const { clock, log, registry: metrics, reflector, reflectors } = options;
    this.#options = options;
    this.#controller = new Controller({
      name: 'profile',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      clock,
      log,
      metrics,
    });
    this.#controller.watch(reflector, (profile) => [profile.metadata.name, profileName(profile.spec)]);
    const { tasks, gpuNodes, nodes, leases } = reflectors;
    this.#controller.watch(tasks, none).watch(gpuNodes, none).watch(nodes, none).watch(leases, none);
  }

  /** What the tasks need by the newest cycle. Cycles run whenever tasks, models, nodes or profiles change. */
  needed(needs: ReadonlyMap<string, Need>): void {
    const first = this.#needs === undefined;
    this.#needs = needs;
    const profiles = this.#options.profiles.list();
    const there = new Set(profiles.map(({ spec }) => profileName(spec)));
    for (const name of needs.keys()) if (!there.has(name)) this.#controller.enqueue(name);
    for (const profile of profiles) if (first || !isSettled(profile)) this.#controller.enqueue(profile.metadata.name);
  }

  start(): void {
    this.#controller.start();
  }

  async stop(): Promise<void> {
    await this.#controller.stop();
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const needs = this.#needs;
    return needs === undefined ? done : reconcileProfile({ ...this.#options, needs }, name, signal);
  }
}

const none = (): readonly string[] => [];

/** Nothing that happens to tasks or nodes changes what is said of it; an estimate may prove wrong by a package. */
function isSettled({ metadata, spec, status }: ModelProfile): boolean {
  const ready = findCondition(status?.conditions, 'Ready');
  return (
    spec.estimate === undefined &&
    isTrue(status?.conditions, 'Ready') &&
    ready?.observedGeneration === metadata.generation
  );
}
