// `node test/simulator/main.ts --scenarios 20000 --seed 1`: random scenarios, as many as asked for.
import { parseArgs } from 'node:util';

import { checkAll, describe } from './check.ts';

const { values } = parseArgs({
  options: { scenarios: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const [count, seed] = [Number(values.scenarios), Number(values.seed)];
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  throw new Error('--scenarios and --seed take whole numbers, --scenarios from 1');
}
const findings = await checkAll(seed, count, 2);
for (const finding of findings) process.stdout.write(describe(finding));
process.stdout.write(`${count} scenarios from seed ${seed}, ${findings.length} differ\n`);
process.exitCode = findings.length > 0 ? 1 : 0;
