// The model of docs/paper-model.md in closed form: like stages on all streams of a GPU, always running.
// Here in real numbers, to be fitted; daris-sim has it in whole ones, for stages that come and go.

/** How a GPU is shared: `smsPerContext` of `sms` for each context. */
export interface Sharing {
  readonly sms: number;
  readonly contexts: number;
  readonly streamsPerContext: number;
  readonly smsPerContext: number;
}

/** What a job demands, as shares of the GPU: 0 to 1. */
export interface Demand {
  readonly sm: number;
  readonly memory: number;
}

/** Of one GPU, the same for all networks. */
export interface Parameters {
  /** Of the SMs, what the smallest kernel keeps busy. */
  readonly leastSm: number;
  /** Further SMs for each share of the GPU's highest throughput that the job reaches alone. */
  readonly smPerShare: number;
  /** What any job takes from any other, on whatever SMs. */
  readonly memory: number;
}

/** `ceil_even(OS · SM_max / N_c)`, never more than there are (eq. 9). */
export function smsOf(sms: number, contexts: number, oversubscription: number): number {
  return Math.min(sms, 2 * Math.ceil((oversubscription * sms) / contexts / 2 - 1e-9));
}

/** `share`: throughput alone over the highest that pure batching reaches on that GPU. */
export function demandOf({ leastSm, smPerShare, memory }: Parameters, share: number): Demand {
  return { sm: Math.min(1, leastSm + smPerShare * share), memory: Math.min(1, memory) };
}

/** How much longer a stage takes beside like ones on all other streams than alone on the whole GPU. */
export function slowdown({ sm, memory }: Demand, sharing: Sharing): number {
  const { sms, contexts, streamsPerContext, smsPerContext } = sharing;
  const narrow = 1 + (sm * (sms - smsPerContext)) / smsPerContext;
  const density = (sm * sms) / (smsPerContext * narrow);
  const overlap = contexts === 1 ? 0 : Math.max(0, contexts * smsPerContext - sms) / ((contexts - 1) * sms);
  const elsewhere = (contexts - 1) * streamsPerContext;
  const pressure =
    (contexts * streamsPerContext - 1) * memory + (streamsPerContext - 1) * density + elsewhere * overlap * density;
  return narrow * (1 + pressure);
}

/** The form that was tried beside it: SMs are shared without loss, and nothing slows down while there are enough. */
export interface SharedWithoutLoss {
  readonly scale: number;
  readonly exponent: number;
}

export function slowdownWithoutLoss({ scale, exponent }: SharedWithoutLoss, share: number, sharing: Sharing): number {
  const { sms, contexts, streamsPerContext, smsPerContext } = sharing;
  const wanted = Math.min(1, scale * share ** exponent);
  return Math.max(1, (streamsPerContext * wanted * sms) / smsPerContext, contexts * streamsPerContext * wanted);
}
