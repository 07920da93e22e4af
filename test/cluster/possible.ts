// Exit status 0 where this machine can have the cluster; 77 where not, with a line that says why.
//   node test/cluster/possible.ts WHAT
import { findObstacle } from './obstacle.ts';

const obstacle = await findObstacle();
if (obstacle !== undefined) {
  process.stdout.write(`${process.argv[2] ?? 'cluster'}: skipped: ${obstacle}\n`);
  process.exitCode = 77;
}
