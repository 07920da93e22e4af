// What a profile is keyed by: a package on a GPU product under a partitioning, by one version of an engine. Pure, and the
// same for whoever asks, since operator and agents must come to the same words.
import { createHash } from 'node:crypto';

import type { GpuNode } from './gen/gpu-node.ts';
import type { ModelProfile } from './gen/model-profile.ts';

type Spec = ModelProfile['spec'];
type Gpu = NonNullable<NonNullable<GpuNode['status']>['gpus']>[number];

export type Partitioning = Spec['partitioning'];

/** GPUs on which one measurement holds for all. */
export type GpuKind = Pick<Spec, 'product' | 'partitioning' | 'engine' | 'engineVersion'>;

/** Undefined while it is not divided: then nothing can be measured or placed there. `mode` where the node tells it. */
export function gpuKind(gpu: Gpu, mode?: string): GpuKind | undefined {
  const { product, engine, engineVersion = '', sms } = gpu;
  const contexts = (gpu.contexts ?? []).filter(({ streams }) => streams > 0);
  const shared = contexts.reduce((sum, context) => sum + context.sms, 0) / Math.max(1, sms);
  if (contexts.length === 0) return undefined;
  const partitioning = {
    ...(mode === undefined ? {} : { mode }),
    contexts: contexts.length,
    streamsPerContext: Math.max(...contexts.map(({ streams }) => streams)),
    oversubscription: String(Math.round(shared * 1_000) / 1_000),
  };
  return { product, partitioning, engine, engineVersion };
}

/** Equal exactly where the kinds are. */
export function gpuKindKey({ product, partitioning, engine, engineVersion }: GpuKind): string {
  const { mode = '', contexts, streamsPerContext, oversubscription } = partitioning;
  return JSON.stringify([product, mode, contexts, streamsPerContext, oversubscription, engine, engineVersion]);
}

/** Like `<product>, 2 contexts of 1 stream`. */
export function gpuKindWords({ product, partitioning }: GpuKind): string {
  const { contexts, streamsPerContext } = partitioning;
  const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  return `${product}, ${plural(contexts, 'context')} of ${plural(streamsPerContext, 'stream')}`;
}

/** A DNS label that begins with the package's digest; another partitioning, engine or set of batch sizes gives another. */
export function profileName(spec: GpuKind & Pick<Spec, 'digest' | 'batchSizes'>): string {
  const sizes = spec.batchSizes.toSorted((a, b) => a - b);
  const key = JSON.stringify([spec.digest, gpuKindKey(spec), sizes]);
  const hash = createHash('sha256').update(key).digest('hex');
  return `${spec.digest.replace('sha256:', '').slice(0, 8)}-${hash.slice(0, 12)}`;
}

/** Engines for which to load a package is to run code that came with it. */
const compilingEngines: readonly string[] = ['torch'];

export function runsCompiledCode(engine: string): boolean {
  return compilingEngines.includes(engine);
}
