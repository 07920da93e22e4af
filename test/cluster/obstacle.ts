// Whether this machine can have a real node at all; said in one line where it cannot.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { allowedCores } from '../e2e/cores.ts';
import { command } from './command.ts';

const programs = ['buildah', 'containerd', 'ctr', 'runc', 'ip', 'iptables', 'nsenter', 'openssl', 'sysctl', 'cc'];

/** Undefined: nothing is in the way. */
export async function findObstacle(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces and containers';
  if (allowedCores().length < 2) return 'a node needs two cores, one of them for inference alone';
  const missing = programs.filter((program) => !installed(program));
  if (!existsSync('/usr/lib/cni/bridge')) missing.push('/usr/lib/cni/bridge');
  if (missing.length > 0) return `${missing.join(', ')} missing: install the packages of test/cluster/packages.txt`;
  // What a network of pods needs of the kernel, tried in a namespace that ends with the command.
  const trial =
    'ip link add trial type veth peer name trial2 && ip link add trial3 type bridge && iptables -t nat -A POSTROUTING -j MASQUERADE';
  try {
    await command('unshare', ['--net', 'sh', '-c', trial]);
  } catch (error) {
    return `no network namespaces here: ${error instanceof Error ? error.message : String(error)}`;
  }
  return undefined;
}

function installed(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}
