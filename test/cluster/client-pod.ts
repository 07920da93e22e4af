// A client in a pod of its own: it finds a task by the name of its Service, and compares each answer with the whole model.
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import { clientImage } from './lifecycle.ts';
import type { Site } from './release.ts';

/** What client.py prints. */
export interface Answers {
  readonly answered: number;
  readonly refused: number;
  readonly maxAbsDifference: number;
  readonly maxAbsOutput: number;
  readonly errors: readonly string[];
}

const timeoutSeconds = 180;

function podFor({ metadata, spec, status }: RealtimeInferenceTask, requests: number): object {
  const { endpoint, effective } = status ?? {};
  const args = [
    `--address=${endpoint?.service ?? ''}`,
    `--model=${endpoint?.model ?? ''}`,
    `--onnx=/models/${spec.model}.onnx`,
    `--batch=${effective?.batchSize ?? 1}`,
    `--requests=${requests}`,
    `--pause-ms=${(effective?.periodUs ?? 0) / 1000}`,
  ];
  const container = {
    name: 'client',
    image: clientImage,
    imagePullPolicy: 'Never',
    args,
    volumeMounts: [{ name: 'models', mountPath: '/models', readOnly: true }],
  };
  const models = { name: 'models', persistentVolumeClaim: { claimName: 'daris-models', readOnly: true } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `client-of-${metadata.name}`, namespace: 'default', labels: { 'daris.dev/e2e': 'client' } },
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [container], volumes: [models] },
  };
}

/** Asks the task so often as a client pod in its namespace, a period between two requests. */
export async function ask({ cluster, signal }: Site, task: RealtimeInferenceTask, requests: number): Promise<Answers> {
  const pod = `pod/client-of-${task.metadata.name}`;
  await cluster.apply(podFor(task, requests), { signal });
  try {
    const done = ['wait', pod, '--for=jsonpath={.status.containerStatuses[0].state.terminated}'];
    const options = { signal, timeoutMs: (timeoutSeconds + 5) * 1000 };
    await cluster.kubectl([...done, `--timeout=${timeoutSeconds}s`], options);
    const said = await cluster.kubectl(['logs', pod], { signal });
    const answers = said.trim().split('\n').at(-1) ?? '';
    if (!answers.startsWith('{')) throw new Error(`${pod} said: ${said.trim()}`);
    return JSON.parse(answers) as Answers;
  } finally {
    if (!signal.aborted) await cluster.kubectl(['delete', pod, '--ignore-not-found'], { signal });
  }
}
