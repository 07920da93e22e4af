// Looks at a model when it changes, and at all of them when a node comes, goes or turns.
import { isDeepStrictEqual } from 'node:util';

import type { Logger } from 'pino';

import type { GpuNode, InferenceModel } from '../../../api/resources.ts';
import { findCondition } from '../../../api/conditions.ts';
import { Controller } from '../../../kube/controller.ts';
import type { MetricRegistry } from '../../../kube/metrics.ts';
import type { Reflector } from '../../../kube/reflector.ts';
import type { KubeObject } from '../../../kube/resource.ts';
import { reconcileModel, type ModelReconcilerOptions } from './reconcile.ts';

export interface ModelControllerOptions extends ModelReconcilerOptions {
  readonly log: Logger;
  readonly registry: MetricRegistry;
  readonly reflector: Reflector<InferenceModel>;
  readonly gpuNodes: Reflector<GpuNode>;
  /** Asked before it starts only: what tells whether a node lives. */
  readonly others: readonly Reflector<KubeObject>[];
}

export class ModelController {
  readonly #options: ModelControllerOptions;
  readonly #controller: Controller;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ModelControllerOptions) {
    const { clock, log, registry: metrics, reflector, gpuNodes, others } = options;
    this.#options = options;
    this.#controller = new Controller({
      name: 'model',
      reconcile: (key, signal) => reconcileModel(options, key, signal),
      clock,
      log,
      metrics,
    });
    this.#controller.watch(reflector).watch(gpuNodes, none);
    for (const other of others) this.#controller.watch(other, none);
  }

  /** A node was lost, or is back. */
  nodeChanged(): void {
    for (const key of this.#options.reflector.store.keys()) this.#controller.enqueue(key);
  }

  start(): void {
    this.#unsubscribe = this.#options.gpuNodes.subscribe((_key, before, now) => {
      if (!isDeepStrictEqual(inputs(before), inputs(now))) this.nodeChanged();
    });
    this.#controller.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#controller.stop();
  }
}

/** Whether the node takes tasks, and whose code it may open. */
function inputs(node: GpuNode | undefined): unknown {
  const ready = findCondition(node?.status?.conditions, 'Ready');
  return [ready?.status, ready?.message, node?.status?.policy?.compiledCode];
}

const none = (): readonly string[] => [];
