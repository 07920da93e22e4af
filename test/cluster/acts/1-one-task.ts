// Operator, agent and runtime as pods that keep to `restricted`: a task of the examples is placed, becomes Ready and runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadAll } from 'js-yaml';

import { repositoryRoot } from '../../control-plane/paths.ts';
import { waitFor } from '../../control-plane/wait.ts';
import { KubectlError } from '../../control-plane/cluster.ts';
import { Checks, type ActResult } from '../../e2e/act.ts';
import type { Act, World } from '../act.ts';
import { install } from '../installation.ts';
import { nodeName } from '../places.ts';

const task = 'sign-reader';
const examples = join(repositoryRoot, 'examples');
const readyTimeoutMs = 120_000;
const system = ['-n', 'daris-system'];

interface Pods {
  items: { metadata: { name: string }; status: { containerStatuses?: { name: string; restartCount: number }[] } }[];
}

interface Task {
  status?: {
    conditions?: { type: string; status: string; reason: string; message: string }[];
    placement?: { node: string };
    runtime?: { jobs?: { completed?: number } };
  };
}

/** One task as the examples have it. */
function exampleTask(): object {
  const documents = loadAll(readFileSync(join(examples, 'low-priority.yaml'), 'utf8')) as {
    metadata: { name: string };
  }[];
  const found = documents.find(({ metadata }) => metadata.name === task);
  if (found === undefined) throw new Error(`examples/low-priority.yaml has no task ${task}`);
  return found;
}

async function read({ cluster, signal }: World): Promise<Task> {
  return JSON.parse(await cluster.kubectl(['get', 'rit', task, '-o', 'json'], { signal })) as Task;
}

/** Ready, and its status tells of completed jobs. The error at the deadline has the conditions as a user would read them. */
async function served(world: World): Promise<Task> {
  const probe = async (): Promise<Task> => {
    const seen = await read(world);
    const conditions = seen.status?.conditions ?? [];
    const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    if (ready && (seen.status?.runtime?.jobs?.completed ?? 0) > 0) return seen;
    throw new Error(
      conditions.map(({ type, status, reason, message }) => `${type} ${status} ${reason} ${message}`).join('; '),
    );
  };
  const what = `task ${task} to be Ready with completed jobs`;
  return waitFor(probe, { what, timeoutMs: readyTimeoutMs, intervalMs: 250, signal: world.signal });
}

/** Answers what the API server said to a pod that asks for more than `restricted` allows. */
async function refusal({ cluster, signal }: World): Promise<string> {
  const metadata = { name: 'privileged', namespace: 'daris-system' };
  const containers = [{ name: 'a', image: 'docker.io/daris/agent:dev', securityContext: { privileged: true } }];
  try {
    await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } }, { signal });
    return '';
  } catch (error) {
    if (error instanceof KubectlError) return error.stderr;
    throw error;
  }
}

async function checkPods(checks: Checks, { cluster, signal }: World): Promise<void> {
  const pods = JSON.parse(await cluster.kubectl(['get', 'pods', ...system, '-o', 'json'], { signal })) as Pods;
  const containers = pods.items.flatMap(({ status }) => status.containerStatuses ?? []);
  checks.equal(
    'containers',
    containers
      .map(({ name }) => name)
      .sort()
      .join(' '),
    'agent operator runtime',
  );
  for (const { name, restartCount } of containers) checks.equal(`restarts of ${name}`, restartCount, 0);
}

/** The containers as their own processes see them: no root, nothing to write to, Services by name. */
async function checkInside(checks: Checks, { cluster, signal }: World): Promise<void> {
  const inside = (container: string, script: string): Promise<string> =>
    cluster.kubectl(['exec', ...system, 'daemonset/daris-agent', '-c', container, '--', 'sh', '-c', script], {
      signal,
    });
  for (const container of ['agent', 'runtime']) {
    const seen = await inside(
      container,
      'id -u; (echo > /opt/daris/x) 2>/dev/null || echo read-only; for p in cc g++ npm; do command -v $p; done; true',
    );
    checks.equal(`user and root of ${container}`, seen.trim().replaceAll('\n', ' '), '65532 read-only');
  }
  const lookup = `node -e 'require("node:dns").lookup("kubernetes.default.svc", (_, found) => console.log(found))'`;
  checks.equal('address of kubernetes.default.svc', (await inside('agent', lookup)).trim(), '10.96.0.1');
}

async function run(world: World): Promise<ActResult> {
  const checks = new Checks();
  const { cluster, signal } = world;
  const started = performance.now();
  const seconds = (): number => Math.round(performance.now() - started) / 1000;
  await install(world);
  const installedSeconds = seconds();
  checks.holds((await refusal(world)).includes('violates PodSecurity "restricted'), 'a privileged pod is not refused');
  await cluster.kubectl(['apply', '-f', join(examples, 'models.yaml')], { signal });
  await cluster.apply(exampleTask(), { signal });
  const { status } = await served(world);
  const readySeconds = seconds();
  checks.equal('node of the placement', status?.placement?.node ?? '', nodeName);
  await checkPods(checks, world);
  await checkInside(checks, world);
  const log = await cluster.kubectl(['logs', ...system, 'daemonset/daris-agent', '-c', 'runtime'], { signal });
  checks.holds(log.includes('runtime started'), 'the log of the runtime does not tell of its start');
  const completed = status?.runtime?.jobs?.completed ?? 0;
  return { figures: { installedSeconds, readySeconds, completed }, failures: checks.failures };
}

export const oneTask: Act = { title: 'from images and manifests to a Ready task on a real kubelet', run };
