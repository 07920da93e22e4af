// The node's network: a namespace of its own, joined with the machine by a pair of interfaces, so that nothing of it (the
// bridge of the pods, the rules of kube-proxy) touches the machine's own.
import { command } from './command.ts';
import { network } from './places.ts';

const { namespace, outer, inner, hostAddress, nodeAddress, prefix, pods } = network;
const namespaceFile = `/run/netns/${namespace}`;

/**
 * A command line that runs in the namespace. Not by `ip netns exec`, which mounts /sys anew and so hides the control
 * groups that containers need.
 */
export function inNamespace(program: string, args: readonly string[]): { command: string; args: string[] } {
  return { command: 'nsenter', args: [`--net=${namespaceFile}`, program, ...args] };
}

export async function createNetwork(signal?: AbortSignal): Promise<void> {
  const ip = (args: string): Promise<string> => command('ip', args.split(' '), signal);
  await ip(`netns add ${namespace}`);
  await ip(`link add ${outer} type veth peer name ${inner} netns ${namespace}`);
  await ip(`address add ${hostAddress}/${prefix} dev ${outer}`);
  await ip(`link set ${outer} up`);
  await ip(`-n ${namespace} address add ${nodeAddress}/${prefix} dev ${inner}`);
  await ip(`-n ${namespace} link set ${inner} up`);
  await ip(`-n ${namespace} link set lo up`);
  await ip(`-n ${namespace} route add default via ${hostAddress}`);
  // From the machine to a pod, for tests that ask one directly.
  await ip(`route add ${pods} via ${nodeAddress} dev ${outer}`);
  const forward = inNamespace('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1']);
  await command(forward.command, forward.args, signal);
}

/** With the namespace go its interfaces, and with one of a pair the other. Answers whether there was one. */
export async function removeNetwork(): Promise<boolean> {
  const names = await command('ip', ['-j', 'netns', 'list']);
  const known = names.trim() === '' ? [] : (JSON.parse(names) as { name: string }[]);
  if (!known.some(({ name }) => name === namespace)) return false;
  await command('ip', ['netns', 'delete', namespace]);
  return true;
}
