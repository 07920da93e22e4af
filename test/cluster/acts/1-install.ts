// The first day: the chart is installed, the examples become Ready, and a client in another namespace is answered rightly.
import { join } from 'node:path';

import { systemNamespace, type RealtimeInferenceTask } from '../../../api/resources.ts';
import { KubectlError } from '../../control-plane/cluster.ts';
import { repositoryRoot } from '../../control-plane/paths.ts';
import { Checks, round, type ActResult } from '../../e2e/act.ts';
import type { Act, World } from '../act.ts';
import { ask, type Answers } from '../client-pod.ts';
import { nodeName } from '../places.ts';
import { containerOf, podsOf } from '../pods.ts';
import { install, prepare } from '../release.ts';
import { allServed } from '../served.ts';

const examples = join(repositoryRoot, 'examples');
export const exampleTasks = 6;
/** What the examples call the policy of one context with two streams. */
const policy = 'daris.dev/policy=edge';
const system = ['-n', systemNamespace];
const maxDifference = 1e-4;
const requests = 10;

const onRequest = {
  apiVersion: 'daris.dev/v1alpha1',
  kind: 'RealtimeInferenceTask',
  metadata: { name: 'on-request', namespace: 'default' },
  spec: { model: 'edge-classifier', priority: 'High', period: '100ms' },
};

/** Answers what the API server said to a pod that asks for more than `restricted` allows. */
async function refusal({ cluster, signal }: World): Promise<string> {
  const metadata = { name: 'privileged', namespace: systemNamespace };
  const containers = [{ name: 'a', image: 'docker.io/daris/agent:dev', securityContext: { privileged: true } }];
  try {
    await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } }, { signal });
    return '';
  } catch (error) {
    if (error instanceof KubectlError) return error.stderr;
    throw error;
  }
}

/** The containers as their own processes see them: no root, nothing to write to, Services by name, a core for inference. */
async function checkInside(checks: Checks, { cluster, signal }: World): Promise<string> {
  const inside = async (container: string, script: string): Promise<string> => {
    const where = ['exec', ...system, 'daemonset/daris-agent-cpu', '-c', container];
    return (await cluster.kubectl([...where, '--', 'sh', '-c', script], { signal })).trim();
  };
  for (const container of ['agent', 'runtime']) {
    const script =
      'id -u; (echo > /opt/daris/x) 2>/dev/null || echo read-only; for p in cc g++ npm; do command -v $p; done; true';
    const seen = await inside(container, script);
    checks.equal(`user and root of ${container}`, seen.replaceAll('\n', ' '), '65532 read-only');
  }
  const lookup = `node -e 'require("node:dns").lookup("kubernetes.default.svc", (_, found) => console.log(found))'`;
  checks.equal('address of kubernetes.default.svc', await inside('agent', lookup), '10.96.0.1');
  const coresOf = (container: string): Promise<string> =>
    inside(container, "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status");
  const core = await coresOf('runtime');
  checks.holds(/^\d+$/.test(core), `the runtime may use cores ${core}, wanted one that is its own`);
  checks.holds((await coresOf('agent')) !== core, `the agent may use the runtime's core ${core}`);
  return core;
}

async function checkPods(checks: Checks, world: World): Promise<void> {
  const [operators, agents] = [await podsOf(world, 'operator'), await podsOf(world, 'agent')];
  checks.equal('operators', operators.length, 2);
  checks.equal('agents', agents.length, 1);
  const containers = [
    ...operators.map((pod) => containerOf(pod, 'operator')),
    ...agents.flatMap((pod) => [containerOf(pod, 'agent'), containerOf(pod, 'runtime')]),
  ];
  for (const { name, restartCount } of containers) checks.equal(`restarts of ${name}`, restartCount, 0);
}

function checkAnswers(checks: Checks, { metadata }: RealtimeInferenceTask, answers: Answers): void {
  for (const error of answers.errors) checks.holds(false, `${metadata.name}: ${error}`);
  checks.equal(`requests to ${metadata.name} answered`, answers.answered, requests);
  checks.atMost(`difference of ${metadata.name} from the whole model`, answers.maxAbsDifference, maxDifference);
  checks.atLeast(`largest output of ${metadata.name}`, answers.maxAbsOutput, 100 * maxDifference);
}

/** Asks a task of the examples, which runs periodically, and one that runs on request. */
async function askBoth(checks: Checks, world: World): Promise<Answers[]> {
  const { cluster, tasks, signal } = world;
  await cluster.apply(onRequest, { signal });
  const named = ['on-request', 'front-camera'];
  try {
    const options = { timeoutMs: 60_000, signal };
    const all = await tasks.allReady(exampleTasks + 1, options);
    const asked = all.filter(({ metadata }) => named.includes(metadata.name ?? ''));
    checks.equal('tasks that are asked', asked.length, named.length);
    const answers: Answers[] = [];
    for (const task of asked) {
      checks.equal(
        'name of the Service',
        task.status?.endpoint?.service ?? '',
        `${task.metadata.name}.default.svc:8001`,
      );
      const said = await ask(world, task, requests);
      checkAnswers(checks, task, said);
      answers.push(said);
    }
    return answers;
  } finally {
    if (!signal.aborted) await cluster.kubectl(['delete', 'rit', 'on-request'], { signal });
  }
}

async function run(world: World): Promise<ActResult> {
  const checks = new Checks();
  const { cluster, signal } = world;
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  await prepare(world);
  await install(world, 'daris', 'dev', ...world.installFlags);
  const installedSeconds = seconds();
  checks.holds((await refusal(world)).includes('violates PodSecurity "restricted'), 'a privileged pod is not refused');
  await cluster.kubectl(['label', 'node', nodeName, '--overwrite', policy], { signal });
  await cluster.kubectl(['apply', '-f', examples], { signal });
  const tasks = await allServed(world, { count: exampleTasks, timeoutMs: 120_000 });
  const readySeconds = seconds();
  checks.equal('tasks', tasks.length, exampleTasks);
  for (const { metadata, status } of tasks)
    checks.equal(`node of ${metadata.name}`, status?.placement?.node ?? '', nodeName);
  await checkPods(checks, world);
  const core = await checkInside(checks, world);
  const answers = await askBoth(checks, world);
  const log = await cluster.kubectl(['logs', ...system, 'daemonset/daris-agent-cpu', '-c', 'runtime'], { signal });
  checks.holds(log.includes('runtime started'), 'the log of the runtime does not tell of its start');
  return {
    figures: {
      installedSeconds,
      readySeconds,
      tasks: tasks.length,
      coreOfTheRuntime: core,
      answered: answers.reduce((sum, { answered }) => sum + answered, 0),
      maxAbsDifference: round(Math.max(...answers.map(({ maxAbsDifference }) => maxAbsDifference))),
      maxAbsOutput: round(Math.max(...answers.map(({ maxAbsOutput }) => maxAbsOutput))),
    },
    failures: checks.failures,
  };
}

export const firstDay: Act = {
  title: 'helm install: the examples become Ready, and a client pod is answered rightly',
  run,
};
