// Which policy this node runs by: the one that the operator wants where the hardware can carry it, else the former one.
// Asked by the applier and by whoever states the GpuNode, with the same answer for the same GpuNode.
import type { Gpu } from './native/gen/runtime.ts';
import { appliedTerms, builtInTerms, flawOf, policyTerms, samePartitioning } from './policy.ts';
import type { PolicyFlaw, PolicySettings, PolicyTerms } from './policy.ts';
import type { GpuNodeStatus, ObservedPolicy } from './resources.ts';
import type { RuntimeView } from './runtime-view.ts';
import { builtInPolicy } from '../api/resources.ts';

export interface Ruling {
  readonly terms: PolicyTerms;
  /** What the operator wants; undefined: it has not said anything. */
  readonly wanted: ObservedPolicy | undefined;
  /** Why that is not what the node runs by. */
  readonly flaw: PolicyFlaw | undefined;
}

/** Terms by which an instance of the runtime could not divide its GPU, and its words. */
interface Unfit {
  readonly terms: PolicyTerms;
  readonly message: string;
  readonly instanceId: string;
}

export class PolicyInForce {
  readonly #settings: PolicySettings;
  /** Undefined: none was ruled yet by this process. */
  #terms: PolicyTerms | undefined;
  /** Of another partitioning than `#terms`, which may yet prove unfit. */
  #former: PolicyTerms | undefined;
  #unfit: Unfit | undefined;

  constructor(settings: PolicySettings) {
    this.#settings = settings;
  }

  get terms(): PolicyTerms {
    return this.#terms ?? builtInTerms(this.#settings);
  }

  /** What only trying shows, as that a machine has no MPS: answers whether the runtime has just told so. */
  heard(view: RuntimeView): boolean {
    if (view.kind !== 'up') return false;
    const { instanceId } = view.info;
    if (this.#unfit !== undefined && this.#unfit.instanceId !== instanceId) this.#unfit = undefined;
    const message = view.state?.gpus.find(({ partitionFault }) => partitionFault !== '')?.partitionFault;
    if (message === undefined || view.policy === undefined || this.#isUnfit(view.policy)) return false;
    this.#unfit = { terms: view.policy, message, instanceId };
    return true;
  }

  /** `status` of this node's GpuNode. Where it names no policy, nothing changes: a GpuNode may be deleted by mistake. */
  rule(status: GpuNodeStatus | undefined, gpus: readonly Gpu[]): Ruling {
    const wanted = status?.policy;
    if (wanted === undefined) return { terms: this.terms, wanted, flaw: undefined };
    const { name, generation } = wanted;
    const observed = { name, ...(generation === undefined ? {} : { generation }) };
    const terms = policyTerms(this.#settings, wanted);
    const flaw = name === builtInPolicy ? undefined : (flawOf(terms, gpus) ?? this.#unfitness(terms));
    if (flaw === undefined) this.#take(terms);
    else this.#terms = this.#standIn(status);
    return { terms: this.terms, wanted: observed, flaw };
  }

  #take(terms: PolicyTerms): void {
    if (this.#terms !== undefined && !samePartitioning(this.#terms, terms)) this.#former = this.#terms;
    this.#terms = terms;
  }

  /** What this process ran by last, or what an earlier one did. */
  #standIn(status: GpuNodeStatus | undefined): PolicyTerms {
    const candidates = [this.#terms, this.#former, appliedTerms(this.#settings, status)];
    const fit = candidates.find((terms) => terms !== undefined && !this.#isUnfit(terms));
    return fit ?? builtInTerms(this.#settings);
  }

  #isUnfit(terms: PolicyTerms): boolean {
    return this.#unfit !== undefined && samePartitioning(this.#unfit.terms, terms);
  }

  #unfitness(terms: PolicyTerms): PolicyFlaw | undefined {
    if (this.#unfit === undefined || !this.#isUnfit(terms)) return undefined;
    return { reason: 'PartitionFailed', message: this.#unfit.message };
  }
}
