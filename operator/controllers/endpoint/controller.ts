// Looks at a task's endpoint when its placement, the addresses of its node, its Service or its slice changes.
import { isDeepStrictEqual } from 'node:util';

import type { Logger } from 'pino';

import type { GpuNode, RealtimeInferenceTask } from '../../../api/resources.ts';
import type { Clock } from '../../../kube/clock.ts';
import { Controller } from '../../../kube/controller.ts';
import type { MetricRegistry } from '../../../kube/metrics.ts';
import type { Reflector } from '../../../kube/reflector.ts';
import { keyOf, type KubeObject, type Stored } from '../../../kube/resource.ts';
import type { EndpointSlice, Service } from '../../resources.ts';
import { byNode } from '../placement/controller.ts';
import { reconcileEndpoint, type EndpointReconcilerOptions } from './reconcile.ts';

export interface EndpointControllerOptions extends EndpointReconcilerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: MetricRegistry;
  readonly reflectors: {
    readonly tasks: Reflector<RealtimeInferenceTask>;
    readonly gpuNodes: Reflector<GpuNode>;
    readonly services: Reflector<Service>;
    readonly slices: Reflector<EndpointSlice>;
  };
}

const workers = 2;

export class EndpointController {
  readonly #options: EndpointControllerOptions;
  readonly #controller: Controller;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: EndpointControllerOptions) {
    const { clock, log, registry: metrics, reflectors } = options;
    this.#options = options;
    this.#controller = new Controller({
      name: 'endpoint',
      reconcile: (key, signal) => reconcileEndpoint(options, key, signal),
      workers,
      clock,
      log,
      metrics,
    });
    this.#controller
      .watch(reflectors.services)
      .watch(reflectors.slices)
      .watch(reflectors.tasks, none)
      .watch(reflectors.gpuNodes, none);
  }

  start(): void {
    const { tasks, gpuNodes } = this.#options.reflectors;
    this.#unsubscribe.push(
      onChange(
        tasks,
        ({ status }) => [status?.placement?.node, status?.placement?.gpu],
        (key) => [key],
        this.#controller,
      ),
      onChange(
        gpuNodes,
        ({ status }) => [status?.address, status?.gpus?.map(({ uuid, address }) => [uuid, address])],
        (name) => tasks.store.byIndex(byNode, name).map((task) => keyOf(task)),
        this.#controller,
      ),
    );
    this.#controller.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#controller.stop();
  }
}

const none = (): readonly string[] => [];

/** Enqueues keys when an object comes, goes, or changes in the one respect that counts. */
function onChange<T extends KubeObject>(
  reflector: Reflector<T>,
  respect: (object: Stored<T>) => unknown,
  keys: (key: string) => readonly string[],
  controller: Controller,
): () => void {
  return reflector.subscribe((key, before, now) => {
    const same = before !== undefined && now !== undefined && isDeepStrictEqual(respect(before), respect(now));
    if (same) return;
    for (const each of keys(key)) controller.enqueue(each);
  });
}
