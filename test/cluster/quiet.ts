// Measurements on the core that the kubelet has given to the runtime: what other processes of the machine use of it is not
// the system's doing, and is measured again, as the host's thefts are.
import { readFileSync } from 'node:fs';

import { parseCpuList } from '../e2e/cores.ts';
import { machine, undisturbed, type Undisturbed } from '../e2e/undisturbed.ts';
import { containerProcesses } from './cgroups.ts';
import { agentPod, containerId, containerOf } from './pods.ts';
import type { Site } from './release.ts';

/** Of the runtime's container. */
export interface RuntimeProcesses {
  readonly ids: readonly number[];
  readonly cores: readonly number[];
}

export async function runtimeProcesses(site: Site): Promise<RuntimeProcesses> {
  const ids = containerProcesses(containerId(containerOf(await agentPod(site), 'runtime')));
  const status = readFileSync(`/proc/${ids[0]}/status`, 'utf8');
  return { ids, cores: parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '') };
}

/** Clock ticks that a process has used, from /proc/PID/stat; its name, in brackets, may hold blanks. */
export function usedTicks(stat: string): number {
  const [, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(user) + Number(system);
}

/** The runtime must be the same one all the while. */
export async function onQuietCore<T>(site: Site, measure: () => Promise<T>): Promise<Undisturbed<T>> {
  const { ids, cores } = await runtimeProcesses(site);
  const ownTicks = (): number => ids.reduce((sum, id) => sum + usedTicks(readFileSync(`/proc/${id}/stat`, 'utf8')), 0);
  return undisturbed(cores, measure, { ...machine, ownTicks });
}
