// `make cluster-down`: ends the cluster, and what a killed one has left.
import { down } from './lifecycle.ts';

try {
  const { processes } = await down();
  process.stdout.write(`cluster: down${processes > 0 ? `; ${processes} processes of an earlier run ended` : ''}\n`);
} catch (error) {
  process.stderr.write(`cluster: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
