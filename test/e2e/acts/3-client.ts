// A public client of the Open Inference Protocol sends inputs to two tasks and compares every answer with the whole
// model run by the engine's own API.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { RealtimeInferenceTask } from '../../../api/resources.ts';
import { repositoryRoot } from '../../control-plane/paths.ts';
import type { Act, ActResult } from '../act.ts';
import { Checks, round } from '../act.ts';
import type { Stack } from '../stack.ts';
import { isReady } from '../tasks.ts';

const maxDifference = 1e-4;
const requests = 20;

interface Answers {
  answered: number;
  refused: number;
  maxAbsDifference: number;
  /** Largest absolute value of the reference outputs: a difference means nothing beside outputs of zero. */
  maxAbsOutput: number;
  errors: string[];
}

const onRequest = {
  apiVersion: 'daris.dev/v1alpha1',
  kind: 'RealtimeInferenceTask',
  metadata: { name: 'on-request' },
  spec: { model: 'edge-classifier', priority: 'High', period: '100ms' },
};

function served(task: RealtimeInferenceTask): boolean {
  return isReady(task) && task.status?.endpoint?.address !== undefined;
}

async function ask(stack: Stack, task: RealtimeInferenceTask, signal: AbortSignal): Promise<Answers> {
  const { endpoint, effective } = task.status ?? {};
  const python = join(repositoryRoot, 'build', 'venv', 'bin', 'python');
  const { stdout } = await promisify(execFile)(
    python,
    [
      join(repositoryRoot, 'test', 'e2e', 'client.py'),
      `--address=${endpoint?.address ?? ''}`,
      `--model=${endpoint?.model ?? ''}`,
      `--onnx=${join(stack.modelRoot, `${task.spec.model}.onnx`)}`,
      `--batch=${effective?.batchSize ?? 1}`,
      `--requests=${requests}`,
      `--pause-ms=${(effective?.periodUs ?? 0) / 1000}`,
    ],
    { signal, timeout: 60_000 },
  );
  return JSON.parse(stdout) as Answers;
}

function check(checks: Checks, name: string, answers: Answers): void {
  for (const error of answers.errors) checks.holds(false, `${name}: ${error}`);
  checks.equal(`requests to ${name} answered`, answers.answered, requests);
  checks.atMost(`difference of ${name} from the whole model`, answers.maxAbsDifference, maxDifference);
  checks.atLeast(`largest output of ${name}`, answers.maxAbsOutput, 100 * maxDifference);
}

async function askBoth(stack: Stack, signal: AbortSignal): Promise<[onRequest: Answers, periodic: Answers]> {
  const options = { what: 'a task with an endpoint', timeoutMs: 30_000, signal };
  try {
    await stack.cluster.apply(onRequest, { signal });
    const requested = await stack.tasks.until('on-request', served, options);
    const periodic = await stack.tasks.until('front-camera', served, options);
    return [await ask(stack, requested, signal), await ask(stack, periodic, signal)];
  } finally {
    await stack.remove(['rit', 'on-request']);
  }
}

async function run(stack: Stack, signal: AbortSignal): Promise<ActResult> {
  const checks = new Checks();
  const [first, second] = await askBoth(stack, signal);
  check(checks, 'on-request', first);
  check(checks, 'front-camera', second);
  return {
    figures: {
      requests: 2 * requests,
      answered: first.answered + second.answered,
      maxAbsDifference: round(Math.max(first.maxAbsDifference, second.maxAbsDifference)),
      maxAbsOutput: round(Math.max(first.maxAbsOutput, second.maxAbsOutput)),
    },
    failures: checks.failures,
  };
}

export const client: Act = { title: "a client's requests are answered with the whole model's output", run };
