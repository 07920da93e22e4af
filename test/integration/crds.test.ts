// The CRDs on the real API server: what a user may write, what is refused and with which words, what `get` shows.
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { repositoryRoot } from '../control-plane/paths.ts';

import { sharedCluster } from './shared-cluster.ts';

const cluster = sharedCluster();
let namespace = '';

beforeAll(async () => {
  namespace = await cluster.createNamespace('crds');
}, 30_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
});

const digest = `sha256:${'0'.repeat(64)}`;
const task = { model: 'person-detector', period: '33ms', priority: 'Low' };
const periodic = { ...task, release: 'Periodic' };

/** Asks the API server to validate without keeping the object. */
function dryRun(kind: string, name: string, spec: object): Promise<string> {
  const manifest = { apiVersion: 'daris.dev/v1alpha1', kind, metadata: { name, namespace }, spec };
  return cluster.kubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(manifest) });
}

test.each<[what: string, spec: object]>([
  ['the least', task],
  ['a fraction of a millisecond', { ...task, period: '16.667ms' }],
  ['a sum of units', { ...task, period: '1s500ms', deadline: '1s' }],
  ['an offset below the period', { ...periodic, offset: '32.999ms' }],
  ['a jitter of the whole period', { ...task, release: 'OnRequest', releaseJitter: '33ms' }],
  ['a miss rate', { ...task, maxMissRate: '0.05' }],
  ['everything', { ...periodic, deadline: '20ms', offset: '1ms', batchSize: 4, lateJobs: 'Drop', suspend: true }],
])('a task is accepted with %s', async (_what, spec) => {
  await expect(dryRun('RealtimeInferenceTask', 'valid', spec)).resolves.toContain('created (server dry run)');
});

test.each<[what: string, spec: object, message: string]>([
  ['period 0', { ...task, period: '0ms' }, 'period must be between 100us and 3600s, like 33ms'],
  [
    'a negative period',
    { ...task, period: '-33ms' },
    'period must be a duration with a unit (us, ms, s, m), like 33ms',
  ],
  [
    'a period without unit',
    { ...task, period: '33' },
    'period must be a duration with a unit (us, ms, s, m), like 33ms',
  ],
  [
    'a period without unit, as YAML reads 33',
    { ...task, period: 33 },
    'spec.period: Invalid value: 33: period must be a duration with a unit (us, ms, s, m), like 33ms',
  ],
  ['a deadline that is a number', { ...task, deadline: 20 }, 'spec.deadline: Invalid value: 20: deadline must be a'],
  ['an offset that is a number', { ...periodic, offset: 5 }, 'spec.offset: Invalid value: 5: offset must be a'],
  ['a jitter that is a number', { ...task, releaseJitter: 5 }, 'spec.releaseJitter: Invalid value: 5: releaseJitter'],
  [
    'a miss rate that is a number',
    { ...task, maxMissRate: 1 },
    'maxMissRate must be a decimal between 0 and 1 in quotes',
  ],
  ['a period beyond all durations', { ...task, period: '9999999999s' }, 'period must be a duration with a unit'],
  ['an empty period', { ...task, period: '' }, 'spec.period'],
  ['a period of two hours', { ...task, period: '120m' }, 'period must be between 100us and 3600s'],
  ['no period', { model: 'person-detector', priority: 'Low' }, 'spec.period: Required value'],
  ['no model', { period: '33ms', priority: 'Low' }, 'spec.model: Required value'],
  ['no priority', { model: 'person-detector', period: '33ms' }, 'spec.priority: Required value'],
  ['deadline > period', { ...task, deadline: '34ms' }, 'deadline must not be longer than period; leave it out'],
  ['deadline 0', { ...task, deadline: '0ms' }, 'deadline must be at least 100us'],
  ['a deadline without unit', { ...task, deadline: '20' }, 'deadline must be a duration with a unit'],
  ['offset = period', { ...periodic, offset: '33ms' }, 'offset must be shorter than period'],
  ['a negative offset', { ...periodic, offset: '-1ms' }, 'offset must be a duration with a unit'],
  ['an offset on request', { ...task, offset: '1ms' }, 'offset has a meaning for periodic releases alone'],
  ['a jitter on the grid', { ...periodic, releaseJitter: '1ms' }, 'releaseJitter has a meaning for requests alone'],
  ['jitter > period', { ...task, releaseJitter: '34ms' }, 'releaseJitter must not be longer than period'],
  ['an unknown priority', { ...task, priority: 'Medium' }, 'priority must be High or Low'],
  ['an unknown release', { ...task, release: 'Always' }, 'release must be Periodic or OnRequest'],
  ['batch 0', { ...task, batchSize: 0 }, 'batchSize must be between 1 and 1024'],
  ['a negative batch', { ...task, batchSize: -1 }, 'batchSize must be between 1 and 1024'],
  ['an unknown way with late jobs', { ...task, lateJobs: 'Retry' }, 'lateJobs must be Finish or Drop'],
  ['a miss rate above 1', { ...task, maxMissRate: '1.5' }, 'maxMissRate must be a decimal between 0 and 1'],
  ['a model outside the namespace', { ...task, model: 'other/person' }, 'model must be the name of an InferenceModel'],
  ['a misspelt field', { ...task, dedline: '20ms' }, 'unknown field "spec.dedline"'],
])('a task is refused with %s', async (_what, spec, message) => {
  await expect(dryRun('RealtimeInferenceTask', 'invalid', spec)).rejects.toThrow(message);
});

test('what is wrong with one field is said once, in our words alone', async () => {
  const failed = dryRun('RealtimeInferenceTask', 'invalid', { ...task, period: 33 });
  await expect(failed).rejects.toThrow(/is invalid: spec\.period: Invalid value: 33: period must be [^*]*$/);
});

test.each(['0-starts-with-a-digit', 'has.a.dot', 'a'.repeat(64)])('a task cannot be called %s', async (name) => {
  await expect(dryRun('RealtimeInferenceTask', name, task)).rejects.toThrow('the name of a task names its Service');
});

test.each<[what: string, spec: object, message: string]>([
  ['a path of the machine', { uri: '/models/a', digest }, "uri must be a path below the node's model root"],
  ['another scheme', { uri: 'http://host/a', digest }, "uri must be a path below the node's model root"],
  ['a way out of the root', { uri: 'file:///../etc/passwd', digest }, "uri must not contain '..'"],
  ['no digest', { uri: 'file:///a' }, 'spec.source.digest: Required value'],
  [
    'a digest that is none',
    { uri: 'file:///a', digest: 'sha256:abc' },
    'digest must be sha256 and 64 hexadecimal digits',
  ],
])('a model is refused with %s', async (_what, source, message) => {
  await expect(dryRun('InferenceModel', 'invalid', { source })).rejects.toThrow(message);
});

const whole = { mode: 'MPSStreams', contexts: 4, streamsPerContext: 2 };
const partitioning = (changes: object): object => ({ partitioning: { ...whole, ...changes } });
const quota = { namespace: 'robots', utilization: '0.5' };

test.each<[what: string, spec: object]>([
  ['nothing', {}],
  ['one context', partitioning({ mode: 'Streams', contexts: 1 })],
  ['contexts of one stream', partitioning({ mode: 'MPS', streamsPerContext: 1 })],
  ['contexts that share all', partitioning({ oversubscription: '4' })],
  ['contexts that share some', partitioning({ mode: 'GreenContexts', oversubscription: '1.5' })],
  [
    'everything',
    {
      ...partitioning({}),
      nodeSelector: { zone: 'a' },
      mretWindow: 5,
      mretAging: false,
      joining: 'On',
      admission: 'Predicted',
      highPriorityAdmission: true,
      highPriorityUtilizationLimit: '0.75',
      highPriorityQuotas: [quota, { namespace: 'cars', utilization: '0' }],
      engine: 'openvino',
      onPartition: 'Stop',
      compiledCode: { namespaces: ['vision', 'lab'] },
    },
  ],
])('a policy is accepted with %s', async (_what, spec) => {
  await expect(dryRun('GpuSchedulingPolicy', 'valid', spec)).resolves.toContain('created (server dry run)');
});

test.each<[what: string, spec: object, message: string]>([
  [
    'no context',
    partitioning({ contexts: 0 }),
    'contexts must be between 1 and 256; write 1 to leave the GPU undivided',
  ],
  ['no stream', partitioning({ streamsPerContext: 0 }), 'streamsPerContext must be between 1 and 64'],
  ['too many contexts', partitioning({ contexts: 257 }), 'contexts must be between 1 and 256'],
  ['OS < 1', partitioning({ oversubscription: '0.5' }), 'oversubscription must be between 1 (contexts share nothing)'],
  ['OS > contexts', partitioning({ oversubscription: '4.5' }), 'and contexts (each may use the whole GPU)'],
  ['OS as YAML reads 2', partitioning({ oversubscription: 2 }), "must be a decimal in quotes, like '1.5'"],
  [
    'OS in words',
    partitioning({ oversubscription: 'much' }),
    "oversubscription must be a decimal in quotes, like '1.5'",
  ],
  ['an unknown mode', partitioning({ mode: 'MIG' }), 'mode must be Streams, MPS, MPSStreams or GreenContexts'],
  ['Streams of two contexts', partitioning({ mode: 'Streams' }), 'mode Streams has one context: write contexts: 1'],
  ['MPS of two streams', partitioning({ mode: 'MPS' }), 'mode MPS has one stream in each context: write streams'],
  ['half a partitioning', { partitioning: { mode: 'MPS' } }, 'spec.partitioning.contexts: Required value'],
  ['window 0', { mretWindow: 0 }, 'mretWindow must be between 1 and 1024; leave it out for 5'],
  ['an unknown admission', { admission: 'Always' }, 'admission must be Utilization or Predicted'],
  ['an unknown joining', { joining: 'Always' }, "joining must be 'On' or 'Off' in quotes; leave it out for Off"],
  ['joining as YAML reads On', { joining: true }, 'spec.joining in body must be of type string'],
  ['a limit of 0', { highPriorityUtilizationLimit: '0.0' }, 'must be a decimal above 0 and at most 1 in quotes'],
  ['a limit above 1', { highPriorityUtilizationLimit: '1.5' }, "like '0.75'"],
  ['a limit that is a number', { highPriorityUtilizationLimit: 1 }, 'at most 1 in quotes'],
  [
    'a quota below 0',
    { highPriorityQuotas: [{ ...quota, utilization: '-1' }] },
    'must be a decimal of streams in quotes',
  ],
  ['two quotas of a namespace', { highPriorityQuotas: [quota, quota] }, 'Duplicate value'],
  ['an unknown engine', { engine: 'tensorrt' }, 'engine must be openvino, torch or sim; leave it out for any'],
  ['an unknown onPartition', { onPartition: 'Wait' }, 'onPartition must be Serve or Stop; leave it out for Serve'],
  ['compiled code of nobody said', { compiledCode: {} }, 'spec.compiledCode.namespaces: Required value'],
  ['a namespace listed twice', { compiledCode: { namespaces: ['a', 'a'] } }, 'Duplicate value'],
  ['a namespace without a name', { compiledCode: { namespaces: [''] } }, 'should be at least 1 chars long'],
  ['a misspelt field', { mretWindows: 5 }, 'unknown field "spec.mretWindows"'],
])('a policy is refused with %s', async (_what, spec, message) => {
  await expect(dryRun('GpuSchedulingPolicy', 'invalid', spec)).rejects.toThrow(message);
});

test('no policy can take the name of the built-in one', async () => {
  await expect(dryRun('GpuSchedulingPolicy', 'default', {})).rejects.toThrow('means the built-in policy of a node');
});

test.each([
  ['examples', 10],
  ['examples/joining', 2],
])('%s are valid', async (folder, count) => {
  const args = ['create', '--dry-run=server', '-n', namespace, '-f', join(repositoryRoot, folder)];
  const created = (await cluster.kubectl(args)).trim().split('\n');
  expect(created).toHaveLength(count);
});

async function columns(...args: string[]): Promise<string[]> {
  const [header = ''] = (await cluster.kubectl(['get', 'rit', '-n', namespace, ...args])).split('\n');
  return header.trim().split(/\s+/);
}

describe('kubectl get rit', () => {
  beforeAll(async () => {
    const metadata = { name: 'shown', namespace };
    await cluster.apply({ apiVersion: 'daris.dev/v1alpha1', kind: 'RealtimeInferenceTask', metadata, spec: task });
  });

  const narrow = ['NAME', 'MODEL', 'PRIORITY', 'PERIOD', 'NODE', 'CONTEXT', 'DMR', 'READY', 'AGE'];

  test('shows model, priority, period, node, context, DMR, Ready, Age', async () => {
    expect(await columns()).toEqual(narrow);
  });

  test('-o wide adds MRET, utilization, p99, together, admitted, missed', async () => {
    expect(await columns('-o', 'wide')).toEqual([
      ...narrow,
      'MRET',
      'UTILIZATION',
      'P99',
      'TOGETHER',
      'ADMITTED',
      'MISSED',
    ]);
  });
});
