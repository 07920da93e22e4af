// One small run with joining, worked out by hand from docs/joining.md.
import { expect, test } from '@jest/globals';

import { simulate } from './reference/simulation.ts';
import { lineOf } from './reference/trace.ts';
import type { Scenario } from './scenario.ts';

const task = {
  class: 'r',
  periodUs: 1000,
  priority: 'Low',
  phaseUs: 0,
  afetUs: [100, 50],
  execUs: [[100, 50]],
} as const;

const scenario: Scenario = {
  version: 1,
  durationUs: 400,
  seed: 1,
  gpus: [{ name: 'g', smCount: 2, contexts: 1, streamsPerContext: 1, oversubscription: 1 }],
  scheduler: {
    mretWindow: 5,
    admission: 'Predicted',
    highPriorityAdmission: false,
    staging: true,
    lastStageBoost: true,
    missBoost: true,
    fixedPriorities: true,
  },
  joining: {
    enabled: true,
    capacities: [1, 2],
    classes: [{ name: 'r', afetUs: [[120, 60]], execUs: [[[130, 70]]] }],
  },
  tasks: [
    { name: 'a', deadlineUs: 1000 },
    { name: 'b', deadlineUs: 1000 },
    { name: 'c', deadlineUs: 360, phaseUs: 50 },
    { name: 'd', deadlineUs: 1000, phaseUs: 210 },
  ].map((own) => ({ ...task, afetUs: [...task.afetUs], execUs: [[...task.execUs[0]]], ...own })),
  interference: { model: 'none' },
};

test('two jobs go together, later ones follow alone', () => {
  expect(simulate(scenario).events.map(lineOf)).toEqual([
    // Sorted by 150/D. c comes alone, n* = 1; with a there are two, and 0 + 2·180 ≤ 360 just holds: n* = 2.
    '{"t":0,"e":"assign","task":"c","gpu":"g","context":0,"util":0.416666667,"total":0.416666667}',
    '{"t":0,"e":"assign","task":"a","gpu":"g","context":0,"util":0.09,"total":0.34}',
    '{"t":0,"e":"assign","task":"b","gpu":"g","context":0,"util":0.09,"total":0.43}',
    '{"t":0,"e":"assign","task":"d","gpu":"g","context":0,"util":0.09,"total":0.52}',
    '{"t":0,"e":"release","task":"a","job":0}',
    '{"t":0,"e":"admit","task":"a","job":0,"context":0,"active":0,"util":0.09,"remaining":1}',
    '{"t":0,"e":"release","task":"b","job":0}',
    '{"t":0,"e":"admit","task":"b","job":0,"context":0,"active":0.09,"util":0.09,"remaining":1}',
    '{"t":0,"e":"dispatch","task":"a","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":666,"jobs":2,"capacity":2}',
    '{"t":0,"e":"dispatch","task":"b","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":666,"jobs":2,"capacity":2}',
    // The unit counts once: 50 + 180 + 180 = 410, which is c's deadline.
    '{"t":50,"e":"release","task":"c","job":0}',
    '{"t":50,"e":"admit","task":"c","job":0,"context":0,"active":0.18,"util":0.25,"remaining":1}',
    // From here on 2·(130 + 60) > 360: n* = 1, as d's release shows.
    '{"t":130,"e":"complete","task":"a","job":0,"stage":0,"exec":130,"missed":false,"mret":130}',
    '{"t":130,"e":"complete","task":"b","job":0,"stage":0,"exec":130,"missed":false,"mret":130}',
    '{"t":130,"e":"dispatch","task":"a","job":0,"stage":1,"gpu":"g","context":0,"stream":0,"level":5,"deadline":1000,"jobs":2,"capacity":2}',
    '{"t":130,"e":"dispatch","task":"b","job":0,"stage":1,"gpu":"g","context":0,"stream":0,"level":5,"deadline":1000,"jobs":2,"capacity":2}',
    '{"t":200,"e":"complete","task":"a","job":0,"stage":1,"exec":70,"missed":false,"mret":70}',
    '{"t":200,"e":"finish","task":"a","job":0,"response":200,"missed":false}',
    '{"t":200,"e":"complete","task":"b","job":0,"stage":1,"exec":70,"missed":false,"mret":70}',
    '{"t":200,"e":"finish","task":"b","job":0,"response":200,"missed":false}',
    // Virtual deadlines by the shares at capacity 2, where c was released; times of one job alone.
    '{"t":200,"e":"dispatch","task":"c","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":290}',
    '{"t":210,"e":"release","task":"d","job":0}',
    '{"t":210,"e":"admit","task":"d","job":0,"context":0,"active":0.416666667,"util":0.15,"remaining":1}',
    '{"t":300,"e":"complete","task":"c","job":0,"stage":0,"exec":100,"missed":true,"mret":100}',
    '{"t":300,"e":"dispatch","task":"c","job":0,"stage":1,"gpu":"g","context":0,"stream":0,"level":4,"deadline":410}',
    '{"t":350,"e":"complete","task":"c","job":0,"stage":1,"exec":50,"missed":false,"mret":50}',
    '{"t":350,"e":"finish","task":"c","job":0,"response":300,"missed":false}',
    '{"t":350,"e":"dispatch","task":"d","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":876}',
  ]);
});
