// Exit status 0 where this machine can have the cluster; else 1 and a line that says why not.
//   node test/cluster/possible.ts WHAT
import { findObstacle } from './obstacle.ts';

const obstacle = await findObstacle();
if (obstacle !== undefined) {
  process.stdout.write(`${process.argv[2] ?? 'cluster'}: skipped: ${obstacle}\n`);
  process.exitCode = 1;
}
