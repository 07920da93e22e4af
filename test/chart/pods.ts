// The pods that rendered objects describe, with what the tests ask of them.
import type { Manifest } from './helm.ts';

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: {
    readonly limits?: Readonly<Record<string, unknown>>;
    readonly requests?: Readonly<Record<string, unknown>>;
    readonly claims?: readonly { readonly name: string }[];
  };
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
  readonly startupProbe?: object;
  readonly volumeMounts?: readonly { readonly name: string; readonly readOnly?: boolean }[];
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken: boolean;
  readonly priorityClassName?: string;
  readonly runtimeClassName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly resourceClaims?: readonly object[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[];
}

export interface Pod {
  /** Kind and name of the object that makes it. */
  readonly of: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

interface Workload {
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: PodSpec;
  };
}

export function podsOf(objects: readonly Manifest[]): Pod[] {
  return objects.flatMap(({ kind, metadata, spec }) => {
    const of = `${kind} ${metadata.name}`;
    if (kind === 'Pod') return [{ of, labels: metadata.labels ?? {}, spec: spec as PodSpec }];
    if (kind !== 'Deployment' && kind !== 'DaemonSet') return [];
    const { template } = spec as Workload;
    return [{ of, labels: template.metadata.labels, spec: template.spec }];
  });
}

/** @throws Error where there is none of that name */
export function containerOf(pod: Pod, name: string): Container {
  const found = pod.spec.containers.find((container) => container.name === name);
  if (found === undefined) throw new Error(`${pod.of} has no container ${name}`);
  return found;
}

/** @throws Error where no such object was rendered */
export function find(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name} was rendered`);
  return found;
}
