// Exit status 0 where this machine can have the cluster; 77 where not, with a line that says why. For `make e2e` the acts
// then count as one that was skipped, in words and in their report.
//   node test/cluster/possible.ts cluster|e2e
import { findObstacle } from './obstacle.ts';
import { closingLine, skippedReport, writeReport } from './report.ts';

const [what = 'cluster'] = process.argv.slice(2);
const obstacle = await findObstacle();
if (obstacle !== undefined) {
  process.stdout.write(`${what}: skipped: ${obstacle}\n`);
  if (what === 'e2e') {
    const report = skippedReport(obstacle);
    writeReport(report);
    process.stdout.write(`${closingLine(report)}\n`);
  }
  process.exitCode = 77;
}
