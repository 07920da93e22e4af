// Two queues: one key per GpuNode for the policy that it is to follow, and one per policy for its status.
import type { Logger } from 'pino';

import { findCondition } from '../../../api/conditions.ts';
import type { GpuNode, GpuSchedulingPolicy } from '../../../api/resources.ts';
import { Controller } from '../../../kube/controller.ts';
import type { MetricRegistry } from '../../../kube/metrics.ts';
import type { Reflector } from '../../../kube/reflector.ts';
import type { Stored } from '../../../kube/resource.ts';
import type { Node } from '../../resources.ts';
import { onInputsChanged } from '../inputs.ts';
import { reconcileGpuNode, reconcilePolicy, type PolicyReconcilerOptions } from './reconcile.ts';

export interface PolicyControllerOptions extends Omit<PolicyReconcilerOptions, 'nodes'> {
  readonly log: Logger;
  readonly registry: MetricRegistry;
  readonly reflectors: {
    readonly policies: Reflector<GpuSchedulingPolicy>;
    readonly gpuNodes: Reflector<GpuNode>;
    readonly nodes: Reflector<Node>;
  };
}

export class PolicyController {
  readonly #reflectors: PolicyControllerOptions['reflectors'];
  readonly #nodes: Controller;
  readonly #policies: Controller;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: PolicyControllerOptions) {
    const { clock, log, registry: metrics, reflectors } = options;
    const reconciler = { ...options, nodes: reflectors.nodes.store };
    const base = { clock, log, metrics };
    this.#reflectors = reflectors;
    this.#nodes = new Controller({
      ...base,
      name: 'node-policy',
      reconcile: (key, signal) => reconcileGpuNode(reconciler, key, signal),
    });
    this.#policies = new Controller({
      ...base,
      name: 'policy',
      reconcile: (key, signal) => reconcilePolicy(reconciler, key, signal),
    });
    const { policies, gpuNodes, nodes } = reflectors;
    this.#nodes.watch(gpuNodes).watch(policies, none).watch(nodes, none);
    this.#policies.watch(policies).watch(gpuNodes, none).watch(nodes, none);
  }

  start(): void {
    const { policies, gpuNodes, nodes } = this.#reflectors;
    this.#unsubscribe.push(
      onInputsChanged(
        policies,
        ({ metadata, spec }) => [metadata.deletionTimestamp, spec],
        () => this.#all(),
      ),
      onInputsChanged(
        nodes,
        ({ metadata }) => metadata?.labels,
        (key) => {
          this.#nodes.enqueue(key);
          this.#allPolicies();
        },
      ),
      onInputsChanged(gpuNodes, policyInputs, () => this.#allPolicies()),
    );
    this.#nodes.start();
    this.#policies.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await Promise.all([this.#nodes.stop(), this.#policies.stop()]);
  }

  #all(): void {
    for (const key of this.#reflectors.gpuNodes.store.keys()) this.#nodes.enqueue(key);
    this.#allPolicies();
  }

  /** Of policies there are few, and a change of one can end the conflict of another. */
  #allPolicies(): void {
    for (const key of this.#reflectors.policies.store.keys()) this.#policies.enqueue(key);
  }
}

const none = (): readonly string[] => [];

function policyInputs({ status }: Stored<GpuNode>): unknown {
  return [status?.observedPolicy, findCondition(status?.conditions, 'PolicyApplied')];
}
