import { expect, test } from '@jest/globals';

import { summarize } from './stack-summary.ts';

const conditions = [
  { type: 'Ready', status: 'True', reason: 'Serving', message: 'jobs run on g', lastTransitionTime: '' },
];

test('tasks are told with what they did, GPUs with what their contexts asked for and got', () => {
  const task = {
    kind: 'RealtimeInferenceTask',
    metadata: { namespace: 'vision', name: 'front' },
    spec: { model: 'resnet50', period: '10ms', priority: 'High' },
    status: { runtime: { jobs: { released: 7, missed: 1 }, deadlineMissRate: '0.142857' }, conditions },
  };
  const contexts = [{ index: 0, sms: 72, wantedSms: 66, streams: 2 }];
  const node = { kind: 'GpuNode', metadata: { name: 'n1' }, status: { gpus: [{ uuid: 'GPU-1', sms: 132, contexts }] } };
  const summary = summarize({ items: [task, node, { kind: 'InferenceModel' }] });
  expect(summary.tasks).toMatchObject([
    {
      task: 'vision/front',
      model: 'resnet50',
      jobs: { released: 7, missed: 1 },
      deadlineMissRate: '0.142857',
      conditions: ['Ready=True Serving: jobs run on g'],
    },
  ]);
  expect(summary.gpus).toMatchObject([{ node: 'n1', sms: 132, contexts }]);
  expect(JSON.stringify(summary)).not.toContain('GPU-1');
  expect(summary.profiles).toEqual([]);
});
