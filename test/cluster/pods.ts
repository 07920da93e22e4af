// The pods of the release, and the ends that a node's administrator can put to their containers.
import { ctr } from './containerd.ts';
import type { Site } from './release.ts';
import { systemNamespace } from '../../api/resources.ts';

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  /** `containerd://ID`. */
  readonly containerID?: string;
}

export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status: { readonly podIP?: string; readonly containerStatuses?: readonly ContainerStatus[] };
}

type Component = 'operator' | 'agent';

/** Of any release, without those that are being deleted. */
export async function podsOf({ cluster, signal }: Site, component: Component): Promise<Pod[]> {
  const args = ['get', 'pods', '-n', systemNamespace, '-l', `app.kubernetes.io/component=${component}`, '-o', 'json'];
  const { items } = JSON.parse(await cluster.kubectl(args, { signal })) as { items: Pod[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** The one pod with agent and runtime that the node has. */
export async function agentPod(site: Site): Promise<Pod> {
  const pods = await podsOf(site, 'agent');
  const [pod] = pods;
  if (pod === undefined || pods.length > 1) throw new Error(`the node has ${pods.length} agent pods, wanted one`);
  return pod;
}

export function containerOf({ metadata, status }: Pod, name: string): ContainerStatus {
  const found = status.containerStatuses?.find((container) => container.name === name);
  if (found === undefined) throw new Error(`pod ${metadata.name} has no container ${name}`);
  return found;
}

/** As containerd calls it. */
export function containerId({ name, containerID = '' }: ContainerStatus): string {
  if (containerID === '') throw new Error(`container ${name} does not run`);
  return containerID.replace('containerd://', '');
}

/** Ends the container's first process as a crash would, behind the kubelet's back. */
export async function killContainer({ signal }: Site, container: ContainerStatus): Promise<void> {
  await ctr(['tasks', 'kill', '--signal', 'SIGKILL', containerId(container)], signal);
}
