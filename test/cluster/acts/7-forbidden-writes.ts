// What a stolen token can do: those that agent and operator really have, read out of their pods, are refused every write that
// is not theirs, by RBAC or by our admission policies in their own words.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemNamespace } from '../../../api/resources.ts';
import { Cluster, KubectlError } from '../../control-plane/cluster.ts';
import { Checks, type ActResult } from '../../e2e/act.ts';
import type { Act, World } from '../act.ts';
import { nodeName } from '../places.ts';

const tokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const apiVersion = 'daris.dev/v1alpha1';
const other = 'another-node';

/** A command, its input, and a part of what it must be told. */
interface Attempt {
  readonly args: readonly string[];
  readonly input?: object;
  readonly refusal: string;
}

const applyStatus = ['apply', '--server-side', '--force-conflicts', '--subresource=status', '-f', '-'];
const asAgent = [...applyStatus, '--field-manager=daris-agent'];
const systemLease = (name: string): object => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace: systemNamespace },
  spec: { holderIdentity: 'thief' },
});
const task = (name: string): { apiVersion: string; kind: string; metadata: object } => ({
  apiVersion,
  kind: 'RealtimeInferenceTask',
  metadata: { name, namespace: 'default' },
});
const specPatch = ['patch', 'rit', 'front-camera', '--type=merge', '-p', '{"spec":{"priority":"Low"}}'];

const agentAttempts: readonly Attempt[] = [
  { args: specPatch, refusal: 'cannot patch resource "realtimeinferencetasks" in API group "daris.dev"' },
  {
    args: asAgent,
    input: { ...task('elsewhere'), status: { runtime: { epoch: 1 } } },
    refusal: `the agent of node ${nodeName} may write only tasks that are placed there`,
  },
  {
    args: asAgent,
    input: { ...task('front-camera'), status: { leaderTransitions: 99 } },
    refusal: 'only the operator writes status.leaderTransitions of realtimeinferencetasks',
  },
  { args: ['get', 'secrets', '-n', systemNamespace], refusal: 'cannot list resource "secrets"' },
  {
    args: ['create', '-f', '-'],
    input: { apiVersion, kind: 'GpuNode', metadata: { name: other } },
    refusal: `the agent of node ${nodeName} may write only the object of that name`,
  },
  {
    args: ['create', '-f', '-'],
    input: systemLease(other),
    refusal: `the agent of node ${nodeName} may write only the object of that name`,
  },
  {
    args: [
      'patch',
      'lease',
      'daris-operator',
      '-n',
      systemNamespace,
      '--type=merge',
      '-p',
      '{"spec":{"holderIdentity":"thief"}}',
    ],
    refusal: "the Lease daris-operator is the operators'",
  },
  { args: ['delete', 'rit', 'front-camera'], refusal: 'cannot delete resource "realtimeinferencetasks"' },
];

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'stolen', namespace: 'default' },
  spec: { clusterIP: 'None', ports: [{ port: 1 }] },
};

const operatorAttempts: readonly Attempt[] = [
  { args: specPatch, refusal: 'cannot patch resource "realtimeinferencetasks" in API group "daris.dev"' },
  { args: ['get', 'secrets', '-n', systemNamespace], refusal: 'cannot list resource "secrets"' },
  {
    args: ['create', '-f', '-'],
    input: systemLease(other),
    refusal: 'the operator may write only the Lease daris-operator',
  },
  {
    args: ['create', '-f', '-'],
    input: service,
    refusal: 'the operator may write only services that are labelled app.kubernetes.io/managed-by=daris-operator',
  },
  {
    args: [...applyStatus, '--field-manager=daris-operator'],
    input: { ...task('front-camera'), status: { leaderTransitions: 9999 } },
    refusal: 'written under leaderTransitions 9999, but the Lease daris-operator is at',
  },
];

/** What the API server says; empty where it did what was asked. */
async function answerTo(thief: Cluster, { args, input }: Attempt, signal: AbortSignal): Promise<string> {
  try {
    await thief.kubectl(args, { signal, ...(input === undefined ? {} : { input: JSON.stringify(input) }) });
    return '';
  } catch (error) {
    if (error instanceof KubectlError) return error.stderr.trim();
    throw error;
  }
}

/** The identity of a running container, with the token that it holds. */
async function stolen({ cluster, signal }: World, folder: string, workload: string, name: string): Promise<Cluster> {
  const container = name.replace('daris-', '');
  const args = ['exec', '-n', systemNamespace, workload, '-c', container, '--', 'cat', tokenFile];
  const token = await cluster.kubectl(args, { signal });
  const path = join(folder, name);
  cluster.writeTokenKubeconfig(path, { namespace: systemNamespace, name }, token.trim());
  return new Cluster(path);
}

async function attempt(
  checks: Checks,
  thief: Cluster,
  attempts: readonly Attempt[],
  signal: AbortSignal,
): Promise<void> {
  // A token that is good for nothing would be refused everything, too.
  await thief.kubectl(['get', 'rit', 'front-camera'], { signal });
  for (const each of attempts) {
    const said = await answerTo(thief, each, signal);
    const refused = said.includes('(Forbidden)') && said.includes(each.refusal);
    const shown = said === '' ? 'is allowed' : `is answered: ${said}`;
    checks.holds(
      refused,
      `${each.args.join(' ')} ${JSON.stringify(each.input ?? '')} ${shown}; wanted ${each.refusal}`,
    );
  }
}

/** A task that waits for a model which nobody has, as if another node had it. */
async function createElsewhere({ cluster, signal }: World): Promise<void> {
  const spec = { model: 'nowhere', period: '1s', priority: 'Low' };
  await cluster.apply({ ...task('elsewhere'), spec }, { signal });
  const booked = { gpu: 'gpu-0', gpuProduct: 'CPU', context: 0, epoch: 1, bookedUtilization: '0.1' };
  const placement = { node: other, ...booked, leaderTransitions: 0 };
  const input = JSON.stringify({ ...task('elsewhere'), status: { placement } });
  await cluster.kubectl([...applyStatus, '--field-manager=administrator'], { input, signal });
}

async function run(world: World): Promise<ActResult> {
  const { cluster, signal } = world;
  const checks = new Checks();
  const folder = mkdtempSync(join(tmpdir(), 'daris-e2e-'));
  try {
    await createElsewhere(world);
    const agent = await stolen(world, folder, 'daemonset/daris-agent-cpu', 'daris-agent');
    await attempt(checks, agent, agentAttempts, signal);
    const operator = await stolen(world, folder, 'deployment/daris-operator', 'daris-operator');
    await attempt(checks, operator, operatorAttempts, signal);
  } finally {
    rmSync(folder, { recursive: true });
    if (!signal.aborted) await cluster.kubectl(['delete', 'rit', 'elsewhere', '--ignore-not-found'], { signal });
  }
  return {
    figures: { triedAsAgent: agentAttempts.length, triedAsOperator: operatorAttempts.length },
    failures: checks.failures,
  };
}

export const forbiddenWrites: Act = { title: 'tokens out of the pods are refused whatever is not theirs', run };
