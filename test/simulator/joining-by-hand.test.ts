// Four small runs with joining, worked out by hand from docs/joining.md.
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
    // Sorted by 150/D, which counts until all are there. Then 0 + 2·180 ≤ 360 just holds: n* = 2.
    '{"t":0,"e":"assign","task":"c","gpu":"g","context":0,"util":0.416666667,"total":0.416666667}',
    '{"t":0,"e":"assign","task":"a","gpu":"g","context":0,"util":0.15,"total":0.566666667}',
    '{"t":0,"e":"assign","task":"b","gpu":"g","context":0,"util":0.15,"total":0.716666667}',
    '{"t":0,"e":"assign","task":"d","gpu":"g","context":0,"util":0.15,"total":0.866666667}',
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

const staged = { ...task, afetUs: [100, 50, 50], execUs: [[100, 50, 50]], deadlineUs: 1000 };

const queued: Scenario = {
  ...scenario,
  durationUs: 600,
  scheduler: { ...scenario.scheduler, mretWindow: 1, mretAging: true },
  joining: {
    enabled: true,
    capacities: [1, 2],
    classes: [
      {
        name: 'r',
        afetUs: [[120, 60, 60]],
        execUs: [
          [
            [120, 150, 60],
            [110, 55, 60],
          ],
        ],
      },
    ],
  },
  tasks: [
    { ...staged, name: 'a' },
    { ...staged, name: 'b' },
    { ...staged, name: 'h', priority: 'High', phaseUs: 10 },
    { ...staged, name: 'c', periodUs: 650, deadlineUs: 650, phaseUs: 50 },
    { ...staged, name: 'f', periodUs: 649, deadlineUs: 649, phaseUs: 120 },
    { ...staged, name: 'd', phaseUs: 340 },
  ],
};

test('who has begun goes first; a slow unit closes its capacity until that is passed over', () => {
  expect(simulate(queued).events.map(lineOf)).toEqual([
    // 200/D, high priority first. Then 0 + 2·240 ≤ 649 and 120 ≤ 1000 − 200: n* = 2.
    '{"t":0,"e":"assign","task":"h","gpu":"g","context":0,"util":0.2,"total":0.2}',
    '{"t":0,"e":"assign","task":"f","gpu":"g","context":0,"util":0.30816641,"total":0.50816641}',
    '{"t":0,"e":"assign","task":"c","gpu":"g","context":0,"util":0.307692308,"total":0.815858718}',
    '{"t":0,"e":"assign","task":"a","gpu":"g","context":0,"util":0.2,"total":1.015858718}',
    '{"t":0,"e":"assign","task":"b","gpu":"g","context":0,"util":0.2,"total":1.215858718}',
    '{"t":0,"e":"assign","task":"d","gpu":"g","context":0,"util":0.2,"total":1.415858718}',
    '{"t":0,"e":"release","task":"a","job":0}',
    '{"t":0,"e":"admit","task":"a","job":0,"context":0,"active":0,"util":0.12,"remaining":0.88}',
    '{"t":0,"e":"release","task":"b","job":0}',
    '{"t":0,"e":"admit","task":"b","job":0,"context":0,"active":0.12,"util":0.12,"remaining":0.88}',
    '{"t":0,"e":"dispatch","task":"a","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":500,"jobs":2,"capacity":2}',
    '{"t":0,"e":"dispatch","task":"b","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":500,"jobs":2,"capacity":2}',
    '{"t":10,"e":"release","task":"h","job":0}',
    '{"t":10,"e":"admit","task":"h","job":0,"context":0,"util":0.12}',
    // 50 + ceil((240 + 120) / 0.88) + 240 = 700, which is its deadline.
    '{"t":50,"e":"release","task":"c","job":0}',
    '{"t":50,"e":"admit","task":"c","job":0,"context":0,"active":0.24,"util":0.184615385,"remaining":0.88}',
    '{"t":120,"e":"complete","task":"a","job":0,"stage":0,"exec":120,"missed":false,"mret":120}',
    '{"t":120,"e":"complete","task":"b","job":0,"stage":0,"exec":120,"missed":false,"mret":120}',
    // 120 + ceil((120 + 120 + 120) / 0.88) + 240 = 770 > 769: the unit counts, though f's virtual deadline is before its.
    '{"t":120,"e":"release","task":"f","job":0}',
    '{"t":120,"e":"reject","task":"f","job":0,"tested":[{"context":0,"active":0.424615385,"remaining":0.88}],"util":0.184899846}',
    // h is the best, and gives way to the unit of its class.
    '{"t":120,"e":"dispatch","task":"a","job":0,"stage":1,"gpu":"g","context":0,"stream":0,"level":7,"deadline":750,"jobs":2,"capacity":2}',
    '{"t":120,"e":"dispatch","task":"b","job":0,"stage":1,"gpu":"g","context":0,"stream":0,"level":7,"deadline":750,"jobs":2,"capacity":2}',
    // From here on 2·(120 + 150 + 60) > 649: n* = 1, and (d) allows no unit of two.
    '{"t":270,"e":"complete","task":"a","job":0,"stage":1,"exec":150,"missed":false,"mret":150}',
    '{"t":270,"e":"complete","task":"b","job":0,"stage":1,"exec":150,"missed":false,"mret":150}',
    '{"t":270,"e":"dispatch","task":"a","job":0,"stage":2,"gpu":"g","context":0,"stream":0,"level":5,"deadline":1000,"jobs":2,"capacity":2}',
    '{"t":270,"e":"dispatch","task":"b","job":0,"stage":2,"gpu":"g","context":0,"stream":0,"level":5,"deadline":1000,"jobs":2,"capacity":2}',
    '{"t":330,"e":"complete","task":"a","job":0,"stage":2,"exec":60,"missed":false,"mret":60}',
    '{"t":330,"e":"finish","task":"a","job":0,"response":330,"missed":false}',
    '{"t":330,"e":"complete","task":"b","job":0,"stage":2,"exec":60,"missed":false,"mret":60}',
    '{"t":330,"e":"finish","task":"b","job":0,"response":330,"missed":false}',
    // c could go with h. Two are passed over once, which is `mretWindow`: their windows are empty again, n* = 2.
    '{"t":330,"e":"dispatch","task":"h","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":3,"deadline":510}',
    '{"t":340,"e":"release","task":"d","job":0}',
    '{"t":340,"e":"admit","task":"d","job":0,"context":0,"active":0.184615385,"util":0.12,"remaining":0.88}',
    '{"t":430,"e":"complete","task":"h","job":0,"stage":0,"exec":100,"missed":false,"mret":100}',
    '{"t":430,"e":"dispatch","task":"h","job":0,"stage":1,"gpu":"g","context":0,"stream":0,"level":3,"deadline":760}',
    '{"t":480,"e":"complete","task":"h","job":0,"stage":1,"exec":50,"missed":false,"mret":50}',
    '{"t":480,"e":"dispatch","task":"h","job":0,"stage":2,"gpu":"g","context":0,"stream":0,"level":1,"deadline":1010}',
    '{"t":530,"e":"complete","task":"h","job":0,"stage":2,"exec":50,"missed":false,"mret":50}',
    '{"t":530,"e":"finish","task":"h","job":0,"response":520,"missed":false}',
    // c is late even alone, so (b) does not ask for it.
    '{"t":530,"e":"dispatch","task":"c","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":375,"jobs":2,"capacity":2}',
    '{"t":530,"e":"dispatch","task":"d","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":7,"deadline":840,"jobs":2,"capacity":2}',
  ]);
});

const short = { ...task, afetUs: [100], execUs: [[100]], periodUs: 400, deadlineUs: 400 };

const rejecting: Scenario = {
  ...queued,
  durationUs: 350,
  joining: { enabled: true, capacities: [1, 2], classes: [{ name: 'r', afetUs: [[120]], execUs: [[[120]]] }] },
  tasks: [
    { ...short, name: 'h', priority: 'High', execUs: [[290]] },
    { ...short, name: 'x', phaseUs: 300 },
    { ...short, name: 'y', phaseUs: 310 },
  ],
};

test('after a rejection that ages the class n* is found anew', () => {
  expect(simulate(rejecting).events.map(lineOf)).toEqual([
    '{"t":0,"e":"assign","task":"h","gpu":"g","context":0,"util":0.25,"total":0.25}',
    '{"t":0,"e":"assign","task":"x","gpu":"g","context":0,"util":0.25,"total":0.5}',
    '{"t":0,"e":"assign","task":"y","gpu":"g","context":0,"util":0.25,"total":0.75}',
    // 120 ≤ 400 − 100: n* = 2.
    '{"t":0,"e":"release","task":"h","job":0}',
    '{"t":0,"e":"admit","task":"h","job":0,"context":0,"util":0.15}',
    '{"t":0,"e":"dispatch","task":"h","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":1,"deadline":400}',
    // 120 > 400 − 290: n* = 1.
    '{"t":290,"e":"complete","task":"h","job":0,"stage":0,"exec":290,"missed":false,"mret":290}',
    '{"t":290,"e":"finish","task":"h","job":0,"response":290,"missed":false}',
    '{"t":300,"e":"release","task":"x","job":0}',
    '{"t":300,"e":"reject","task":"x","job":0,"tested":[{"context":0,"active":0,"remaining":0.275}],"util":0.725}',
    // The window of one job alone is empty again, n* = 2.
    '{"t":310,"e":"release","task":"y","job":0}',
    '{"t":310,"e":"admit","task":"y","job":0,"context":0,"active":0,"util":0.15,"remaining":0.85}',
    '{"t":310,"e":"dispatch","task":"y","job":0,"stage":0,"gpu":"g","context":0,"stream":0,"level":5,"deadline":710}',
  ]);
});

const slow: Scenario = {
  ...queued,
  durationUs: 27 * 400,
  scheduler: { ...scenario.scheduler, mretWindow: 2, mretAging: true },
  joining: {
    enabled: true,
    capacities: [1, 2],
    classes: [{ name: 'r', afetUs: [[120]], execUs: [[[250], [250], [250], [110], [110]]] }],
  },
  tasks: [
    { ...short, name: 'a' },
    { ...short, name: 'b' },
  ],
};

test('a slow capacity is tried ever more seldom, and as often as at first where it proves fast', () => {
  const dispatched = simulate(slow).events.filter(({ e, fields }) => e === 'dispatch' && fields['task'] === 'a');
  const periods = dispatched.filter(({ fields }) => fields['jobs'] === 2).map(({ t }) => t / 400n);
  // 2·250 > 400: it is passed over p = 2, then 4, then 8 times. Two fast ones in a row make p 2 again; then it is passed
  // over twice for the 110 of the window [110, 250], and 4 times for its 250.
  expect(periods).toEqual([0n, 3n, 8n, 17n, 18n, 19n, 26n]);
});
