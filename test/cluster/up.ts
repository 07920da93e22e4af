// `make cluster-up`: brings the cluster up, and says how to use it.
import { dirname } from 'node:path';

import { binary } from '../control-plane/paths.ts';
import { up } from './lifecycle.ts';
import { places } from './places.ts';

const controller = new AbortController();
process.once('SIGINT', () =>
  controller.abort(new Error('interrupted; what was begun goes on: make cluster-down ends it')),
);
const started = performance.now();
try {
  const { kubeconfig } = await up(controller.signal);
  const lines = [
    `cluster: up in ${((performance.now() - started) / 1000).toFixed(1)} s; until make cluster-down:`,
    `  export KUBECONFIG=${kubeconfig} PATH=${dirname(binary('kubectl'))}:$PATH`,
    '  kubectl get nodes,pods --all-namespaces --output wide',
    `Images on the node: docker.io/daris/operator:dev, docker.io/daris/agent:dev. Logs: ${places.logDir}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
} catch (error) {
  process.stderr.write(`cluster: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
