// What is known of a profile, from its spec and what its agent says.
import { expect, test } from '@jest/globals';

import { conditionOf, measuredStatus, storedProfile } from './controllers/testing.ts';
import { profileState, smallestAfet } from '../api/profile-state.ts';

const said = (status: 'False' | 'Unknown', observedGeneration: number) => ({
  conditions: [conditionOf('Measured', status, 'NotFound', { message: 'no such folder', observedGeneration })],
});
const on = { node: 'n1', gpu: 'gpu-0' };

test.each<[what: string, profile: ReturnType<typeof storedProfile>, want: object]>([
  ['nobody measures it', storedProfile(), { kind: 'Pending', message: 'no GPU is chosen yet to measure it on' }],
  [
    'the operator has said why nobody does',
    storedProfile({ status: { conditions: [conditionOf('Ready', 'False', 'NoGpu')] } }),
    { kind: 'Pending', message: 'NoGpu message' },
  ],
  ['its agent is silent', storedProfile({ spec: on }), { kind: 'Pending', message: 'profiling on node n1' }],
  [
    'its agent waits',
    storedProfile({ spec: on, status: said('Unknown', 1) }),
    { kind: 'Pending', message: 'profiling on node n1: no such folder' },
  ],
  [
    'its agent measures',
    storedProfile({ spec: on, status: { ...said('Unknown', 1), progress: { stage: 4, of: 8 } } }),
    { kind: 'Pending', message: 'profiling on node n1: 4 of 8 stages' },
  ],
  [
    'its agent failed',
    storedProfile({ spec: on, status: said('False', 1) }),
    { kind: 'Failed', reason: 'NotFound', message: 'no such folder' },
  ],
  [
    'an agent that was to measure it before failed',
    storedProfile({ generation: 2, spec: on, status: { ...said('False', 1), progress: { stage: 4, of: 8 } } }),
    { kind: 'Pending', message: 'profiling on node n1' },
  ],
  [
    'it was measured, and edited since',
    storedProfile({ generation: 9, status: measuredStatus() }),
    { kind: 'Ready', source: 'Measured', batches: [{ size: 1 }, { size: 2, stageAfetUs: [2_000, 4_000, 2_000] }] },
  ],
  [
    'an estimate is given, whatever was measured',
    storedProfile({ spec: { estimate: { stageAfet: ['1.5ms', '800us', '1ms'] } }, status: measuredStatus() }),
    {
      kind: 'Ready',
      source: 'Estimate',
      batches: [
        { size: 1, stageAfetUs: [1_500, 800, 1_000] },
        { size: 2, stageAfetUs: [3_000, 1_600, 2_000] },
      ],
    },
  ],
  [
    'an estimate of other stages',
    storedProfile({ spec: { estimate: { stageAfet: ['1ms', '1ms'] } } }),
    {
      kind: 'Failed',
      reason: 'EstimateMismatch',
      message: 'spec.estimate has 2 stages, the package has 3; write one duration for each stage',
    },
  ],
  [
    'an estimate of 0, stored under older rules',
    storedProfile({ spec: { estimate: { stageAfet: ['1ms', '1ms', '0ms'] } } }),
    { kind: 'Failed', reason: 'InvalidEstimate', message: expect.stringContaining('no stage takes no time') },
  ],
])('%s', (_what, profile, want) => {
  expect(profileState(profile, 3)).toMatchObject(want);
});

test('the AFET that is shown is that of the smallest batch size', () => {
  const batches = [
    { size: 4, stageAfetUs: [9] },
    { size: 2, stageAfetUs: [3, 4] },
  ];
  expect(smallestAfet(batches)).toEqual({ size: 2, afetUs: 7 });
});
