import { expect, test } from '@jest/globals';

import { valuesByLabel } from './metrics-text.ts';

const text = `# HELP daris_jobs_completed_total Jobs that ran to their end.
# TYPE daris_jobs_completed_total counter
daris_jobs_completed_total{namespace="default",task="front-camera"} 480
daris_jobs_completed_total{namespace="default",task="sign-reader"} 1.2e3 1700000000
daris_jobs_completed_total_other{task="front-camera"} 1
daris_runtime_up 1
`;

test('values are found by metric and label', () => {
  expect(valuesByLabel(text, 'daris_jobs_completed_total', 'task')).toEqual(
    new Map([
      ['front-camera', 480],
      ['sign-reader', 1200],
    ]),
  );
});

test('a label is not found within the name of another, nor a metric without labels', () => {
  expect(valuesByLabel('m{subtask="a"} 1', 'm', 'task').size).toBe(0);
  expect(valuesByLabel(text, 'daris_runtime_up', 'task').size).toBe(0);
});
