// Which policy this node runs by: the one that the operator wants where the hardware can carry it, else the former one.
// Asked by the applier and by whoever states the GpuNode, with the same answer for the same GpuNode.
import type { Gpu } from './native/gen/runtime.ts';
import { appliedTerms, builtInTerms, flawOf, policyTerms } from './policy.ts';
import type { PolicyFlaw, PolicySettings, PolicyTerms } from './policy.ts';
import type { GpuNodeStatus, ObservedPolicy } from './resources.ts';
import { builtInPolicy } from '../api/resources.ts';

export interface Ruling {
  readonly terms: PolicyTerms;
  /** What the operator wants; undefined: it has not said anything. */
  readonly wanted: ObservedPolicy | undefined;
  /** Why that is not what the node runs by. */
  readonly flaw: PolicyFlaw | undefined;
}

export class PolicyInForce {
  readonly #settings: PolicySettings;
  /** Undefined: none was ruled yet by this process. */
  #terms: PolicyTerms | undefined;

  constructor(settings: PolicySettings) {
    this.#settings = settings;
  }

  get terms(): PolicyTerms {
    return this.#terms ?? builtInTerms(this.#settings);
  }

  /** `status` of this node's GpuNode. Where it names no policy, nothing changes: a GpuNode may be deleted by mistake. */
  rule(status: GpuNodeStatus | undefined, gpus: readonly Gpu[]): Ruling {
    const wanted = status?.policy;
    if (wanted === undefined) return { terms: this.terms, wanted, flaw: undefined };
    const { name, generation } = wanted;
    const observed = { name, ...(generation === undefined ? {} : { generation }) };
    const terms = policyTerms(this.#settings, wanted);
    const flaw = name === builtInPolicy ? undefined : flawOf(terms, gpus);
    if (flaw === undefined) this.#terms = terms;
    else this.#terms ??= appliedTerms(this.#settings, status) ?? builtInTerms(this.#settings);
    return { terms: this.#terms, wanted: observed, flaw };
  }
}
