// A namespace that the policy does not list brings a compiled package: what its user reads.
import type { Condition } from '../../api/conditions.ts';
import type { Cluster } from '../control-plane/cluster.ts';
import { waitFor } from '../control-plane/wait.ts';

const namespace = 'guest';
const name = 'guest-camera';
const timeoutMs = 20_000;

interface Listed {
  readonly spec: { readonly source: object };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** The same package as resnet18 of namespace vision, under a name of its own; resolves with the refusal. */
export async function awaitRefusal(cluster: Cluster, signal: AbortSignal): Promise<object> {
  const read = async (kind: string, of: string, where: string): Promise<Listed> =>
    JSON.parse(await cluster.kubectl(['get', kind, of, '-n', where, '-o', 'json'], { signal })) as Listed;
  const { spec } = await read('im', 'resnet18', 'vision');
  const apiVersion = 'daris.dev/v1alpha1';
  const metadata = { name, namespace };
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
  await cluster.apply({ apiVersion, kind: 'InferenceModel', metadata, spec: { source: spec.source } }, { signal });
  const task = { model: name, priority: 'Low', release: 'Periodic', period: '33ms' };
  await cluster.apply({ apiVersion, kind: 'RealtimeInferenceTask', metadata, spec: task }, { signal });
  const probe = async (): Promise<object> => {
    const { status } = await read('rit', name, namespace);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.reason !== 'CompiledCodeNotAllowed') throw new Error(JSON.stringify(status?.conditions));
    return { task: `${namespace}/${name}`, reason: ready.reason, message: ready.message };
  };
  return waitFor(probe, { what: `the refusal of ${namespace}/${name}`, timeoutMs, signal });
}
