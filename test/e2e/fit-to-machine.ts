// The examples' periods, edited for the speed of this machine while all of them run on node-1.
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import { fitPeriods } from './fit.ts';
import type { Stack } from './stack.ts';

const targetLoad = 0.66;

/**
 * The examples' periods are for a machine on which they load a core to two thirds. Others are slower or faster, so the
 * periods are edited, as users would, towards that load; the execution times are those that the cluster measured.
 */
export async function fitToMachine(
  stack: Stack,
  tasks: readonly RealtimeInferenceTask[],
  signal: AbortSignal,
): Promise<[tasks: RealtimeInferenceTask[], factor: number]> {
  const state = await stack.node1.watch.fresh(signal);
  const paced = tasks.map(({ metadata, status }) => ({
    name: metadata.name ?? '',
    afetUs: state.tasks.find(({ uid }) => uid === metadata.uid)?.afetUs ?? Number.NaN,
    periodUs: status?.effective?.periodUs ?? Number.NaN,
    offsetUs: status?.effective?.offsetUs ?? Number.NaN,
  }));
  const { factor, patches } = fitPeriods(paced, stack.node1.streams, targetLoad);
  for (const [name, spec] of patches) {
    const patch = ['patch', 'rit', name, '-n', stack.namespace, '--type=merge', '-p', JSON.stringify({ spec })];
    await stack.cluster.kubectl(patch, { signal });
  }
  return [await stack.tasks.allReady(tasks.length, { timeoutMs: 30_000, signal }), factor];
}
