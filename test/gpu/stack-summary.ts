// What a run of the stack came to, from the objects as they were at its end. Pure.
import type { Condition } from '../../api/conditions.ts';
import type { GpuNode, ModelProfile, RealtimeInferenceTask } from '../../api/resources.ts';

/** All that daris.dev has, as kubectl calls them. */
export const kinds = [
  'gpuschedulingpolicies',
  'gpunodes',
  'inferencemodels',
  'modelprofiles',
  'realtimeinferencetasks',
] as const;

export interface ObjectList {
  readonly items: readonly { readonly kind?: string }[];
}

export interface StackSummary {
  readonly gpus: readonly object[];
  readonly profiles: readonly object[];
  readonly tasks: readonly object[];
}

export function summarize({ items }: ObjectList): StackSummary {
  const of = <T>(kind: string): T[] => items.filter((item) => item.kind === kind) as unknown as T[];
  return {
    gpus: of<GpuNode>('GpuNode').flatMap(gpusOf),
    profiles: of<ModelProfile>('ModelProfile').map(profileOf),
    tasks: of<RealtimeInferenceTask>('RealtimeInferenceTask').map(taskOf),
  };
}

function gpusOf({ metadata, status }: GpuNode): object[] {
  return (status?.gpus ?? []).map(({ uuid: _uuid, ...gpu }) => ({
    node: metadata?.name,
    policy: status?.appliedPolicy,
    ...gpu,
    conditions: words(status?.conditions),
  }));
}

function profileOf({ spec, status }: ModelProfile): object {
  const { product, partitioning, engine, engineVersion } = spec;
  return { product, partitioning, engine, engineVersion, uri: spec.uri, batches: status?.batches };
}

function taskOf({ metadata, spec, status }: RealtimeInferenceTask): object {
  const { model, priority, period } = spec;
  const { timing, jobs, deadlineMissRate, onTimeRate, migrations, lastMisses } = status?.runtime ?? {};
  const { context, bookedUtilization } = status?.placement ?? {};
  return {
    task: `${metadata?.namespace}/${metadata?.name}`,
    model,
    priority,
    period,
    context,
    bookedUtilization,
    timing,
    jobs,
    deadlineMissRate,
    onTimeRate,
    migrations: migrations?.count,
    lastMisses,
    conditions: words(status?.conditions),
  };
}

/** Like `Ready=True Serving: jobs run on gpu-0`. */
function words(conditions: readonly Condition[] = []): string[] {
  return conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);
}
