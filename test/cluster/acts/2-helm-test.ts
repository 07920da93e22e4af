// `helm test` asks operators and agents themselves, by the names of their Services.
import { Checks, type ActResult } from '../../e2e/act.ts';
import type { Act, World } from '../act.ts';
import { release } from '../release.ts';

async function run(world: World): Promise<ActResult> {
  const checks = new Checks();
  const started = performance.now();
  const said = await release(world, ['test', 'daris', '--logs', '--timeout=60s']);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  checks.holds(/Phase:\s+Succeeded/.test(said), `helm test says: ${said}`);
  const words = '1 of 2 operators leads, 1 agents have their runtime';
  checks.holds(said.includes(words), `helm test does not say "${words}": ${said}`);
  return { figures: { testedSeconds: seconds }, failures: checks.failures };
}

export const helmTest: Act = { title: 'helm test passes', run };
