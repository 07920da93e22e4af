// What a run of the demo leaves behind: one line an act, the closing line, and the same as JSON.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import type { ActResult } from './act.ts';

export interface ActOutcome extends ActResult {
  number: number;
  title: string;
  passed: boolean;
  seconds: number;
}

export interface Summary {
  passed: number;
  failed: number;
  seconds: number;
  acts: ActOutcome[];
}

/** An act that threw has failed with that error as its sentence. */
export async function perform(number: number, title: string, run: () => Promise<ActResult>): Promise<ActOutcome> {
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started) / 1000;
  try {
    const { figures, failures } = await run();
    return { number, title, passed: failures.length === 0, seconds: elapsed(), figures, failures };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { number, title, passed: false, seconds: elapsed(), figures: {}, failures: [message] };
  }
}

export function summarize(acts: readonly ActOutcome[], seconds: number): Summary {
  const passed = acts.filter((act) => act.passed).length;
  return { passed, failed: acts.length - passed, seconds: Math.round(seconds * 10) / 10, acts: [...acts] };
}

export function announce(number: number, of: number, title: string): string {
  return `act ${number} of ${of}: ${title}`;
}

/** The figures on one line, and under it each failure. */
export function describeOutcome({ passed, seconds, figures, failures }: ActOutcome): string[] {
  const list = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  const verdict = `  ${passed ? 'passed' : 'FAILED'} in ${seconds.toFixed(1)} s`;
  return [list.length > 0 ? `${verdict}: ${list.join(', ')}` : verdict, ...failures.map((each) => `    ✗ ${each}`)];
}

export function closingLine({ passed, failed }: Summary): string {
  return `demo: ${passed} passed, ${failed} failed`;
}

/** All that must hold for exit status 0: every act was performed, and none failed. */
export function succeeded(summary: Summary, acts: number): boolean {
  return summary.failed === 0 && summary.passed === acts;
}

export function writeSummary(path: string, summary: Summary): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(summary, null, 2)}\n`);
}
