// `daris-sim` against its specification: every line of the traces of random scenarios, and their summaries, as an
// implementation written from the specification alone predicts them. DARIS_SCENARIOS sets how many.
import { describe, expect, test } from '@jest/globals';

import { checkAll, describe as say } from './check.ts';
import { difference } from './compare.ts';
import { generate } from './generator.ts';
import { simulated } from './program.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';

const scenarios = Number(process.env['DARIS_SCENARIOS'] ?? 200);

describe('daris-sim run', () => {
  test(
    `predicted line by line: ${scenarios} random scenarios`,
    async () => {
      const findings = await checkAll(1, scenarios, 2);
      expect(findings.map(say)).toEqual([]);
    },
    60_000 + scenarios * 200,
  );

  test('the same scenario gives the same bytes', async () => {
    for (const seed of [3, 14, 159]) {
      const scenario = generate(seed);
      expect(await simulated(scenario)).toEqual(await simulated(scenario));
    }
  });
});

describe('the check itself', () => {
  test('a changed line, a missing line and a changed figure are seen', async () => {
    const scenario = generate(5);
    const { trace, summary } = await simulated(scenario);
    const lines = trace.split('\n');
    const changed = lines.with(3, (lines[3] ?? '').replace('"t":', '"t":1'));
    expect(difference(scenario, { trace: changed.join('\n'), summary })?.where).toBe('line 4');
    expect(difference(scenario, { trace: lines.toSpliced(7, 1).join('\n'), summary })?.where).toBe('line 8');
    const more = summary.replace(/"admitted":(\d)/, '"admitted":9$1');
    expect(difference(scenario, { trace, summary: more })?.where).toBe('summary.tasks.0.admitted');
  });

  test('shrinking keeps what it is asked to keep and little else', async () => {
    const staged = ({ tasks }: Scenario): boolean => tasks.some(({ afetUs }) => afetUs.length > 1);
    const scenario = [1, 2, 3, 4, 5].map(generate).find((each) => staged(each) && each.tasks.length > 2);
    if (scenario === undefined) throw new Error('no scenario with stages among the first seeds');
    const least = await shrink(scenario, (variant) => Promise.resolve(staged(variant)));
    expect(least.tasks.map(({ afetUs, execUs }) => [afetUs.length, execUs.length])).toEqual([[2, 1]]);
    expect([least.durationUs, least.gpus.length, least.scheduler.mretWindow]).toEqual([1, 1, 1]);
  });
});
