import { describe, expect, test } from '@jest/globals';
import { Admission, PartitionMode } from './native/gen/runtime.ts';
import {
  appliedTerms,
  builtInTerms,
  defaultPolicy,
  flawOf,
  policyTerms,
  runtimePolicy,
  samePartitioning,
  shownPolicy,
} from './policy.ts';
import { PolicyInForce } from './policy-in-force.ts';
import type { PolicyTerms } from './policy.ts';
import type { RuntimeView } from './runtime-view.ts';
import type { NodePolicy } from './resources.ts';
import { gpu, info, observedState } from './testing/fixtures.ts';

const partitioning = { mode: 'MPSStreams', contexts: 2, streamsPerContext: 3, oversubscription: '1.5' };
const edge: NodePolicy = { name: 'edge', generation: 2, partitioning };
const { gpus } = info();

describe('terms', () => {
  test('what a policy leaves out is the default of the node', () => {
    const settings = { ...defaultPolicy, contexts: 4, admission: 'Utilization' } as const;
    const terms = policyTerms(settings, { name: 'window', generation: 1, mretWindow: 9 });
    expect(terms).toEqual({ ...builtInTerms(settings), name: 'window', generation: 1, mretWindow: 9 });
  });

  test('a partitioning is taken whole: without oversubscription contexts share nothing', () => {
    const { oversubscription: _absent, ...rest } = partitioning;
    const settings = { ...defaultPolicy, oversubscription: 2 };
    expect(policyTerms(settings, { ...edge, partitioning: rest })).toMatchObject({ ...rest, oversubscription: 1 });
  });

  test('reach the runtime', () => {
    const scheduling = { mretWindow: 7, mretAging: false, highPriorityAdmission: true } as const;
    const wanted: NodePolicy = {
      ...edge,
      ...scheduling,
      admission: 'Utilization',
      joining: 'On',
      highPriorityUtilizationLimit: '0.5',
      compiledCode: { namespaces: ['vision', 'lab'] },
    };
    expect(runtimePolicy(policyTerms(defaultPolicy, wanted))).toEqual({
      ...scheduling,
      contexts: 2,
      streamsPerContext: 3,
      oversubscription: 1.5,
      admission: Admission.ADMISSION_UTILIZATION,
      joining: true,
      highPriorityUtilizationLimit: 0.5,
      mode: PartitionMode.PARTITION_MODE_MPS_STREAMS,
      name: 'edge',
      compiledCodeNamespaces: ['lab', 'vision'],
    });
  });

  test('without a word on it, no jobs are joined, and to join them divides nothing anew', () => {
    const off = policyTerms(defaultPolicy, edge);
    const on = policyTerms(defaultPolicy, { ...edge, joining: 'On' });
    expect([off, on].map((terms) => runtimePolicy(terms).joining)).toEqual([false, true]);
    expect(samePartitioning(off, on)).toBe(true);
  });

  test('without a mode, contexts are kept apart as the engine does by itself', () => {
    expect(runtimePolicy(builtInTerms(defaultPolicy)).mode).toBe(PartitionMode.PARTITION_MODE_UNSPECIFIED);
  });

  test('come back whole from what the GpuNode shows of them', () => {
    const wanted: NodePolicy = {
      ...edge,
      onPartition: 'Stop',
      joining: 'On',
      highPriorityUtilizationLimit: '0.5',
      engine: 'openvino',
      compiledCode: { namespaces: ['vision'] },
    };
    const terms = policyTerms(defaultPolicy, wanted);
    const { admission, highPriorityLimit } = terms;
    const status = {
      appliedPolicy: shownPolicy(terms),
      admission,
      highPriorityUtilizationLimit: `${highPriorityLimit}`,
    };
    expect(appliedTerms(defaultPolicy, status)).toEqual(terms);
  });
});

describe('the hardware', () => {
  const within = (contexts: number, oversubscription: string): NodePolicy => {
    return { name: 'edge', partitioning: { mode: 'MPS', contexts, streamsPerContext: 1, oversubscription } };
  };

  test.each([
    ['a core for each context', within(2, '1')],
    ['contexts that share cores as far as they say', within(4, '2')],
    ['no partitioning', { name: 'edge' }],
  ])('carries %s', (_what, policy) => {
    expect(flawOf(policyTerms(defaultPolicy, policy), gpus)).toBeUndefined();
  });

  test('has too few cores: both ways out are named, and each of them is one', () => {
    const flaw = flawOf(policyTerms(defaultPolicy, within(5, '1.5')), gpus);
    expect(flaw).toEqual({
      reason: 'TooManyContexts',
      message: `5 contexts at oversubscription 1.5 are more than the 2 cores or SMs of ${gpu} allow; write contexts: 3 or oversubscription: '2.5'`,
    });
    for (const way of [within(3, '1.5'), within(5, '2.5')]) {
      expect(flawOf(policyTerms(defaultPolicy, way), gpus)).toBeUndefined();
    }
  });

  test('has another engine', () => {
    const flaw = flawOf(policyTerms(defaultPolicy, { name: 'edge', engine: 'torch' }), gpus);
    expect(flaw).toMatchObject({
      reason: 'EngineNotFound',
      message: expect.stringContaining('write engine: openvino'),
    });
  });
});

describe('in force', () => {
  const tooMany: NodePolicy = { name: 'greedy', generation: 1, partitioning: { ...partitioning, contexts: 99 } };

  test('is the built-in default until the operator has spoken', () => {
    const ruling = new PolicyInForce(defaultPolicy).rule(undefined, gpus);
    expect(ruling).toEqual({ terms: builtInTerms(defaultPolicy), wanted: undefined, flaw: undefined });
  });

  test('is what the operator wants, and stays so when the GpuNode is deleted', () => {
    const policy = new PolicyInForce(defaultPolicy);
    const { terms } = policy.rule({ policy: edge }, gpus);
    expect(terms).toEqual(policyTerms(defaultPolicy, edge));
    expect(policy.rule(undefined, gpus).terms).toEqual(terms);
    expect(policy.rule({ policy: { name: 'default' } }, gpus).terms).toEqual(builtInTerms(defaultPolicy));
  });

  test('stays what it was where the hardware cannot carry another', () => {
    const policy = new PolicyInForce(defaultPolicy);
    const { terms } = policy.rule({ policy: edge }, gpus);
    const ruling = policy.rule({ policy: tooMany }, gpus);
    expect(ruling).toMatchObject({ wanted: { name: 'greedy', generation: 1 }, flaw: { reason: 'TooManyContexts' } });
    expect(ruling.terms).toEqual(terms);
  });

  test('is found again by an agent that was restarted meanwhile', () => {
    const terms = policyTerms(defaultPolicy, edge);
    const status = { policy: tooMany, appliedPolicy: shownPolicy(terms) };
    expect(new PolicyInForce(defaultPolicy).rule(status, gpus).terms).toEqual(terms);
  });

  describe('where the runtime tells that it cannot divide its GPU so', () => {
    const told = (terms: PolicyTerms, partitionFault: string, instanceId = 'one'): RuntimeView => ({
      kind: 'up',
      info: info({ instanceId }),
      state: observedState({ gpus: [{ uuid: gpu, contexts: [], partitionFault, xids: 0 }] }),
      terms: new Map(),
      policy: terms,
      applyError: undefined,
    });
    const unfit = policyTerms(defaultPolicy, edge);

    test('is the former one again, with the words of the runtime', () => {
      const policy = new PolicyInForce(defaultPolicy);
      const former = policy.rule({ policy: { name: 'default' } }, gpus).terms;
      expect(policy.rule({ policy: edge }, gpus).terms).toEqual(unfit);
      expect(policy.heard(told(unfit, 'this machine has no MPS'))).toBe(true);
      expect(policy.heard(told(unfit, 'this machine has no MPS'))).toBe(false);
      expect(policy.rule({ policy: edge }, gpus)).toMatchObject({
        terms: former,
        flaw: { reason: 'PartitionFailed', message: 'this machine has no MPS' },
      });
      expect(policy.heard(told(former, ''))).toBe(false);
      expect(policy.rule({ policy: edge }, gpus).terms).toEqual(former);
    });

    test('is what an earlier agent ran by, or else the default', () => {
      const applied = policyTerms(defaultPolicy, { ...edge, partitioning: { ...partitioning, contexts: 1 } });
      const status = { policy: edge, appliedPolicy: shownPolicy(applied) };
      for (const [present, expected] of [
        [status, applied],
        [{ policy: edge, appliedPolicy: shownPolicy(unfit) }, builtInTerms(defaultPolicy)],
      ] as const) {
        const policy = new PolicyInForce(defaultPolicy);
        policy.rule(present, gpus);
        policy.heard(told(unfit, 'no MPS'));
        expect(policy.rule(present, gpus).terms).toEqual(expected);
      }
    });

    test('another partitioning is tried, and the same one again by the next instance', () => {
      const policy = new PolicyInForce(defaultPolicy);
      policy.rule({ policy: edge }, gpus);
      policy.heard(told(unfit, 'no MPS'));
      const green = { ...edge, partitioning: { ...partitioning, mode: 'GreenContexts' } };
      expect(policy.rule({ policy: green }, gpus)).toMatchObject({ flaw: undefined, terms: { mode: 'GreenContexts' } });
      expect(policy.rule({ policy: edge }, gpus).flaw?.reason).toBe('PartitionFailed');
      policy.heard(told(unfit, '', 'two'));
      expect(policy.rule({ policy: edge }, gpus).flaw).toBeUndefined();
    });
  });

  test('is the built-in default whatever the flags ask of the hardware', () => {
    const settings = { ...defaultPolicy, contexts: 9 };
    const ruling = new PolicyInForce(settings).rule({ policy: { name: 'default' } }, gpus);
    expect(ruling).toMatchObject({ terms: { contexts: 9 }, flaw: undefined });
  });
});
