// containerd with folders, socket and pods' network of its own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Daemon } from '../control-plane/daemon.ts';
import { command } from './command.ts';
import { inNamespace } from './network.ts';
import { network, places } from './places.ts';

export const pauseImage = 'docker.io/daris/pause:dev';
const readyTimeoutMs = 60_000;
const { stateDir, runDir, containerdSocket } = places;

/** Containers share the files of their image where the kernel has overlayfs, as every kernel of a node does. */
function configuration(cniDir: string): string {
  return `version = 2
root = "${join(stateDir, 'containerd')}"
state = "${join(runDir, 'containerd')}"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cniDir}"
`;
}

function podNetwork(): object {
  const ipam = {
    type: 'host-local',
    ranges: [[{ subnet: network.pods }]],
    routes: [{ dst: '0.0.0.0/0' }],
    dataDir: join(stateDir, 'addresses'),
  };
  const bridge = { type: 'bridge', bridge: network.bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam };
  return {
    cniVersion: '1.0.0',
    name: 'daris',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  };
}

/** Resolves when it answers. */
export async function startContainerd(started: (daemon: Daemon) => void, signal: AbortSignal): Promise<void> {
  const cniDir = join(stateDir, 'cni');
  mkdirSync(cniDir, { recursive: true });
  writeFileSync(join(cniDir, '10-daris.conflist'), JSON.stringify(podNetwork(), null, 2));
  const config = join(stateDir, 'containerd.toml');
  writeFileSync(config, configuration(cniDir));
  const logFile = join(places.logDir, 'containerd.log');
  const daemon = await Daemon.start({
    name: 'containerd',
    ...inNamespace('containerd', ['--config', config]),
    logFile,
  });
  started(daemon);
  await daemon.ready(async () => (await ctr(['version'], signal)) !== '', readyTimeoutMs, signal);
}

/** Makes the image of an archive known to the kubelet, in place of an earlier one of its name. */
export async function importImage(archive: string, signal?: AbortSignal): Promise<void> {
  await ctr(['images', 'import', archive], signal);
}

/** Makes an image of the node known under another tag, too. */
export async function tagImage(name: string, tag: string, signal?: AbortSignal): Promise<void> {
  const repository = name.slice(0, name.lastIndexOf(':'));
  await ctr(['images', 'tag', '--force', name, `${repository}:${tag}`], signal);
}

/** A command on the kubelet's images and containers. */
export async function ctr(args: readonly string[], signal?: AbortSignal): Promise<string> {
  return command('ctr', ['--address', containerdSocket, '--namespace', 'k8s.io', ...args], signal);
}
