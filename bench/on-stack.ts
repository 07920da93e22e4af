// The whole system up with the examples applied, for as long as something is measured on it.
import { join } from 'node:path';

import { repositoryRoot } from '../test/control-plane/paths.ts';
import { Stack } from '../test/e2e/stack.ts';

/** Whatever becomes of `work`, and at SIGINT or SIGTERM, everything is ended. */
export async function onStack(work: (stack: Stack, signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort(new Error(name)));
  const { signal } = controller;
  const build = join(repositoryRoot, 'build');
  const stack = new Stack({
    logDir: join(build, 'bench', 'logs'),
    modelRoot: join(build, 'models'),
    signal,
    onStep: () => undefined,
  });
  try {
    await stack.start();
    await stack.cluster.kubectl(['apply', '-f', join(repositoryRoot, 'examples')], { signal });
    await work(stack, signal);
  } finally {
    await stack.stop();
  }
}
