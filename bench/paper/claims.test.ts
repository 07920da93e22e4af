import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { because } from './claim.ts';
import { claimsOf } from './claims.ts';
import { FIT_FILE, type GpuFit } from './fit.ts';
import { readPaper } from './observations.ts';
import { pageOf } from './page.ts';
import { Platforms, RESNET50 } from './platform.ts';
import { readResults, type PaperResults } from './results.ts';
import type { Simulated } from './simulate.ts';

const results = readResults();
const { gpus } = JSON.parse(readFileSync(FIT_FILE, 'utf8')) as { gpus: GpuFit[] };
const paper = readPaper();

/** The same results, but for the runs of one network on the paper's GPU. */
function changed(network: string, change: (run: Simulated) => Simulated): PaperResults {
  const runs = (results.main[network] ?? []).map(change);
  return { ...results, main: { ...results.main, [network]: runs } };
}

test('the committed page is what the results say, and lacks no figure', () => {
  const page = pageOf(results, gpus, paper);
  expect(readFileSync('docs/paper.md', 'utf8')).toBe(page);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('a claim that does not hold says why, one that holds says nothing', () => {
  for (const { holds, reason } of claimsOf(results, paper, gpus)) expect(reason === '').toBe(holds);
});

test('reasons come from the results: of several the first that fits, and none at all ends it', () => {
  expect(because(true, 'a claim', [[true, 'why']])).toBe('');
  expect(
    because(false, 'a claim', [
      [false, 'not this'],
      [true, 'but this'],
      [true, 'nor that'],
    ]),
  ).toBe('but this');
  expect(() => because(false, 'a claim', [[false, 'not this']])).toThrow('"a claim" differs, and no reason on record');
});

test('a verdict that flips takes another reason, or ends the page', () => {
  const slow = changed('inceptionv3', (run) => ({ ...run, inferencesPerS: run.inferencesPerS / 2, busy: 1 }));
  expect(() => claimsOf(slow, paper, gpus)).toThrow('inceptionv3, 8×1_8: jobs a second');
  const neverLate = changed('inceptionv3', (run) => ({ ...run, high: { ...run.high, missed: 0 } }));
  const [claim] = claimsOf(neverLate, paper, gpus).filter((each) => each.claim.startsWith('no High job'));
  expect(claim).toMatchObject({ holds: true, reason: '' });
});

test('sets of the paper are those of its text: Table II, and its rate and load where that has none', () => {
  const platforms = new Platforms(gpus);
  expect(platforms.publishedSet('resnet18')).toMatchObject({ high: 17, low: 34, periodUs: 33_333 });
  expect(platforms.publishedSet('unet')).toMatchObject({ high: 5, low: 10, periodUs: 41_667 });
  const { high, low, periodUs } = platforms.publishedSet('resnet50');
  expect(low).toBe(2 * high);
  expect((((high + low) * 1e6) / periodUs / platforms.roof('resnet50')).toFixed(1)).toBe(RESNET50.load.toFixed(1));
});
