// Tasks as the API server shows them, read over one connection: a kubectl for each look would take the time of two
// cores from what is being measured.
import { Agent, request } from 'node:https';

import { KubeConfig } from '@kubernetes/client-node';

import { findCondition, type Condition } from '../../api/conditions.ts';
import type { RealtimeInferenceTask } from '../../api/resources.ts';
import { waitFor, type WaitOptions } from '../control-plane/wait.ts';
import type { Priority, TaskIdentity } from './counters.ts';

interface List<T> {
  items: T[];
}

export class Tasks {
  private readonly config = new KubeConfig();
  private readonly agent: Agent;
  private readonly namespace: string;

  constructor(kubeconfig: string, namespace: string) {
    this.config.loadFromFile(kubeconfig);
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: Buffer.from(this.config.getCurrentCluster()?.caData ?? '', 'base64'),
    });
    this.namespace = namespace;
  }

  close(): void {
    this.agent.destroy();
  }

  async list(signal?: AbortSignal): Promise<RealtimeInferenceTask[]> {
    const path = `/apis/daris.dev/v1alpha1/namespaces/${this.namespace}/realtimeinferencetasks`;
    return (JSON.parse(await this.get(path, signal)) as List<RealtimeInferenceTask>).items;
  }

  async identities(signal?: AbortSignal): Promise<TaskIdentity[]> {
    return (await this.list(signal)).map(identityOf);
  }

  /** Waits until the named task satisfies `condition`; the error shows the conditions that it had instead. */
  async until(
    name: string,
    condition: (task: RealtimeInferenceTask) => boolean,
    options: WaitOptions,
  ): Promise<RealtimeInferenceTask> {
    return waitFor(
      async () => {
        const task = (await this.list(options.signal)).find(({ metadata }) => metadata.name === name);
        if (task === undefined) throw new Error(`there is no task ${name}`);
        if (!condition(task)) throw new Error(`${name} has ${describeConditions(task)}`);
        return task;
      },
      { intervalMs: 200, ...options },
    );
  }

  /** Waits until every task there is (at least `count`) is Ready for its present generation. */
  async allReady(count: number, options: Omit<WaitOptions, 'what'>): Promise<RealtimeInferenceTask[]> {
    return waitFor(
      async () => {
        const tasks = await this.list(options.signal);
        const waiting = tasks.filter((task) => !isReady(task));
        if (waiting.length > 0) {
          throw new Error(waiting.map((task) => `${task.metadata.name} has ${describeConditions(task)}`).join('; '));
        }
        return tasks.length >= count ? tasks : undefined;
      },
      { intervalMs: 200, ...options, what: `${count} tasks to become Ready` },
    );
  }

  private get(path: string, signal?: AbortSignal): Promise<string> {
    const url = `${this.config.getCurrentCluster()?.server ?? ''}${path}`;
    const headers = { authorization: `Bearer ${this.config.getCurrentUser()?.token ?? ''}` };
    return new Promise((resolve, reject) => {
      const call = request(url, { agent: this.agent, headers, timeout: 5000, signal }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          if (answer.statusCode === 200) resolve(body);
          else reject(new Error(`GET ${path}: HTTP ${String(answer.statusCode)}: ${body}`));
        });
      });
      call.on('timeout', () => call.destroy(new Error(`GET ${path}: no answer within 5 s`)));
      call.on('error', reject);
      call.end();
    });
  }
}

export function identityOf(task: RealtimeInferenceTask): TaskIdentity {
  const priority: Priority = task.spec.priority === 'High' ? 'High' : 'Low';
  return { uid: task.metadata.uid ?? '', name: task.metadata.name ?? '', priority };
}

/** Where tasks are and under which epochs, in words that are equal where nothing has moved. */
export function placesOf(tasks: readonly RealtimeInferenceTask[]): string {
  const places = tasks.map(({ metadata, status }) => {
    const { node, gpu, context, epoch } = status?.placement ?? {};
    return `${metadata.name} ${node}/${gpu}/${context} epoch ${epoch}`;
  });
  return places.sort().join(', ');
}

export function isReady(task: RealtimeInferenceTask): boolean {
  const ready = conditionOf(task, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === task.metadata.generation;
}

export function conditionOf(task: RealtimeInferenceTask, type: string): Condition | undefined {
  return findCondition(task.status?.conditions, type);
}

function describeConditions(task: RealtimeInferenceTask): string {
  const conditions = task.status?.conditions ?? [];
  if (conditions.length === 0) return 'no conditions';
  return conditions.map(({ type, status, reason, message }) => `${type}=${status} (${reason}: ${message})`).join(', ');
}
