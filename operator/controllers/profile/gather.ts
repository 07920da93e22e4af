// The GPUs of the cluster with what is placed on each, as decisions on profiles see them. Pure.
import type { Stored } from '../../../kube/resource.ts';
import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import { parseE9 } from '../../../api/utilization.ts';
import type { NodeView } from '../../nodes.ts';
import type { GpuLoad } from './decide.ts';

/** `tasksOn`: the tasks that are placed on a node. */
export function gpuLoads(
  nodes: readonly NodeView[],
  tasksOn: (node: string) => readonly Stored<RealtimeInferenceTask>[],
): GpuLoad[] {
  return nodes.flatMap(({ placement: { name: node, state, message, gpus } }) => {
    const tasks = tasksOn(node);
    return gpus.map(({ uuid: gpu, kind, closed }) => {
      const here = tasks.filter(({ status }) => status?.placement?.gpu === gpu);
      const highTasks = here.filter(({ status }) => status?.effective?.priority === 'High').length;
      const totalE9 = here.reduce((sum, { status }) => sum + bookedE9(status?.placement?.bookedUtilization), 0);
      return { node, gpu, state, message, kind, ...(closed && { closed }), highTasks, totalE9 };
    });
  });
}

/** A booking that cannot be read counts for nothing here: it only orders GPUs. */
function bookedE9(text: string | undefined): number {
  try {
    return parseE9(text ?? '0');
  } catch {
    return 0;
  }
}
