// One scenario after the other through the simulator and the reference; what differs is shrunk and kept.
import { mkdir, writeFile } from 'node:fs/promises';

import { difference, type Difference } from './compare.ts';
import { generate } from './generator.ts';
import { simulated } from './program.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';

const folder = 'build/tests/scenarios';
const theRun = 'the run';

export interface Finding {
  seed: number;
  /** The shrunk scenario's file, and its first difference. */
  path: string;
  difference: Difference;
}

export async function differenceOf(scenario: Scenario): Promise<Difference | undefined> {
  try {
    return difference(scenario, await simulated(scenario));
  } catch (error) {
    return { where: theRun, expected: 'a trace', actual: String(error) };
  }
}

/** Whether a variant shows a difference of the same kind; a run that failed must fail with the same words. */
function likeness(first: Difference): (variant: Scenario) => Promise<boolean> {
  const failed = first.where === theRun;
  return async (variant) => {
    const found = await differenceOf(variant);
    if (found === undefined || (found.where === theRun) !== failed) return false;
    return !failed || found.actual === first.actual;
  };
}

export async function check(seed: number): Promise<Finding | undefined> {
  const scenario = generate(seed);
  const first = await differenceOf(scenario);
  if (first === undefined) return undefined;
  const least = await shrink(scenario, likeness(first));
  const path = `${folder}/seed-${seed}.json`;
  await mkdir(folder, { recursive: true });
  await writeFile(path, `${JSON.stringify(least, null, 2)}\n`);
  return { seed, path, difference: (await differenceOf(least)) ?? first };
}

export function describe({ seed, path, difference: { where, expected, actual } }: Finding): string {
  return `seed ${seed}: ${path}, ${where}\n  expected ${expected}\n  actual   ${actual}\n`;
}

/** Checks `count` seeds from `first` on, `lanes` at a time. */
export async function checkAll(first: number, count: number, lanes: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  let next = first;
  const lane = async (): Promise<void> => {
    while (next < first + count) {
      const seed = next;
      next += 1;
      const finding = await check(seed);
      if (finding !== undefined) findings.push(finding);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return findings;
}
