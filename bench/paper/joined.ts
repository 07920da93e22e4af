// Joined tasks of one model on the model of the H200, beside what free lanes did there: whether units that demand what
// their batches do come out as measured. The rules differ: free lanes refuse nobody and divide nothing in stages.
import { readProbe, type JoinedProbe } from './observations.ts';
import type { Platforms } from './platform.ts';
import type { JoinedRow } from './results.ts';
import type { Run } from './scenario.ts';
import type { Simulator } from './simulate.ts';

const DURATION_US = 500_000;
/** As measured. */
const LANES = { contexts: 1, streamsPerContext: 2, oversubscription: 1 };

function runOf(platforms: Platforms, network: string, probe: JoinedProbe): Run {
  return {
    sets: [platforms.joinedSet(network, probe)],
    partitioning: LANES,
    durationUs: DURATION_US,
    variation: platforms.variation,
    scheduler: { admission: 'Predicted' },
  };
}

/** Jobs a unit, from the first stages that are dispatched: each member of a unit has a line. */
export function meanSizeOf(trace: string): number {
  let [jobs, units] = [0, 0];
  for (const text of trace.split('\n')) {
    if (!text.includes('"e":"dispatch"')) continue;
    const { stage, jobs: members = 1 } = JSON.parse(text) as { stage: number; jobs?: number };
    if (stage !== 0) continue;
    jobs += 1;
    units += 1 / members;
  }
  return jobs / units;
}

export async function joinedResults(simulator: Simulator, platforms: Platforms): Promise<JoinedRow[]> {
  const rows: JoinedRow[] = [];
  for (const [network, { joined = [] }] of Object.entries(readProbe().networks)) {
    for (const measured of joined) {
      let meanSize = 0;
      const run = await simulator.run(runOf(platforms, network, measured), (trace) => (meanSize = meanSizeOf(trace)));
      rows.push({ network, measured, meanSize: Number(meanSize.toFixed(2)), run });
    }
    if (joined.length > 0) process.stdout.write(`  joined, ${network}: ${joined.length} of ${joined.length}\n`);
  }
  return rows;
}
