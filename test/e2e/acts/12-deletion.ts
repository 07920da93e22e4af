// Everything is deleted, from the tasks to the CRDs, and everything is stopped: no object and no process stays.
import { existsSync } from 'node:fs';

import { systemNamespace } from '../../../api/resources.ts';
import { waitFor } from '../../control-plane/wait.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks } from '../act.ts';
import { processesOfRun } from '../leftovers.ts';
import type { Stack } from '../stack.ts';
import { examples } from './1-six-tasks.ts';

/** Objects in the tasks' namespace that the system or its users made; the cluster's own are not among them. */
async function objectsLeft(stack: Stack, kinds: string, signal: AbortSignal): Promise<string[]> {
  const args = ['get', kinds, '-n', stack.namespace, '-o', 'name', '--ignore-not-found'];
  const names = (await stack.cluster.kubectl(args, { signal })).split('\n').filter((line) => line !== '');
  return names.filter((name) => !['service/kubernetes', 'endpointslice.discovery.k8s.io/kubernetes'].includes(name));
}

async function deleteTasks(stack: Stack, signal: AbortSignal): Promise<void> {
  await stack.cluster.kubectl(['delete', '-f', examples, '--ignore-not-found', '--timeout=30s'], { signal });
  await stack.cluster.kubectl(['delete', 'rit,im', '--all', '-A', '--timeout=30s'], { signal });
  for (const { name, watch } of stack.nodes) {
    const what = `the runtime of ${name} to let go of all tasks and models`;
    await watch.until(({ tasks, models }) => tasks.length === 0 && models.length === 0, {
      what,
      timeoutMs: 30_000,
      signal,
    });
  }
  await waitFor(
    async () => {
      const left = await objectsLeft(stack, 'rit,im,services,endpointslices', signal);
      if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
      return true;
    },
    { what: 'what belonged to the tasks to be collected', timeoutMs: 30_000, intervalMs: 300, signal },
  );
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  stack.assertRunning();
  await deleteTasks(stack, signal);
  await stack.stopParts();
  // Nothing of ours may hold it back once our own processes have ended.
  await stack.cluster.deleteCrdsAndRbac(signal);
  const crds = await stack.cluster.kubectl(['get', 'crd', '-o', 'name'], { signal });
  checks.equal('CRDs left', crds.trim(), '');
  const namespaces = await stack.cluster.kubectl(['get', 'namespace', systemNamespace, '--ignore-not-found'], {
    signal,
  });
  checks.equal(`namespace ${systemNamespace}`, namespaces.trim(), '');
  const started = processesOfRun(stack.run).length;
  await stack.stop();
  const left = processesOfRun(stack.run);
  checks.equal('processes left', left.join('; '), '');
  checks.holds(!existsSync(stack.dir), `${stack.dir} is still there`);
  return { figures: { processesBeforeTheLastStop: started, processesLeft: left.length }, failures: checks.failures };
}

export const deletion: Act = { title: 'all is deleted: no object and no process stays', run };
