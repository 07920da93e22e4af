// Runs placement cycles over what is known now, and keeps what they decided until the statuses show it.
import { isDeepStrictEqual } from 'node:util';

import type { InferenceModel, RealtimeInferenceTask } from '../../../api/resources.ts';
import type { Clock } from '../../../kube/clock.ts';
import { keyOf } from '../../../kube/resource.ts';
import type { ReadableStore } from '../../../kube/store.ts';
import type { Latest } from '../../latest.ts';
import { Census, type OperatorMetrics } from '../../metrics.ts';
import type { Nodes } from '../../nodes.ts';
import { runCycle, type Verdict } from '../../placement/cycle.ts';
import type { StoredModel, StoredTask } from '../../resources.ts';
import { evaluateTask, type Assumed, type Evaluation } from './evaluate.ts';

/** What the last cycle made of one task, as it was then. */
export interface Decided {
  readonly uid: string;
  readonly generation: number | undefined;
  readonly evaluation: Evaluation;
  readonly verdict: Verdict | undefined;
}

export interface CycleRunnerOptions {
  readonly tasks: Latest<RealtimeInferenceTask>;
  readonly models: ReadableStore<InferenceModel>;
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly metrics: OperatorMetrics;
  /** Called with the key of each task about which something else was decided than before. */
  readonly changed: (key: string) => void;
}

interface Evaluated {
  readonly task: StoredTask;
  readonly model: StoredModel | undefined;
  readonly assumed: Assumed | undefined;
  readonly evaluation: Evaluation;
}

export class CycleRunner {
  readonly #options: CycleRunnerOptions;
  readonly #tasksCensus: Census<'outcome'>;
  readonly #nodesCensus: Census<'state'>;
  #evaluated = new Map<string, Evaluated>();
  #decided = new Map<string, Decided>();
  /** Places that were decided and are not in the statuses yet, by the uid of the task. */
  #assumed = new Map<string, Assumed>();
  #runs = 0;

  constructor(options: CycleRunnerOptions) {
    this.#options = options;
    this.#tasksCensus = new Census(options.metrics.tasks, 'outcome');
    this.#nodesCensus = new Census(options.metrics.nodes, 'state');
  }

  /** Cycles so far; 0: nothing is decided yet. */
  get runs(): number {
    return this.#runs;
  }

  decided(key: string): Decided | undefined {
    return this.#decided.get(key);
  }

  run(): void {
    const { clock, metrics, nodes, tasks, changed } = this.#options;
    const startMs = clock.monotonic();
    this.#evaluated = new Map(tasks.list().map((task) => [keyOf(task), this.#evaluate(task)]));
    const candidates = [...this.#evaluated.values()].flatMap(({ evaluation }) =>
      evaluation.kind === 'Candidate' ? [evaluation.task] : [],
    );
    const views = nodes.list().map((view) => view.placement);
    const { verdicts } = runCycle(views, candidates);
    for (const key of this.#adopt(verdicts)) changed(key);
    this.#runs++;
    metrics.cycleSeconds.observe((clock.monotonic() - startMs) / 1000, {});
    this.#tasksCensus.take([...this.#decided.values()].map(outcomeOf));
    this.#nodesCensus.take(views.map((node) => node.state));
  }

  /** Objects are never changed in place, so the same ones give the same evaluation. */
  #evaluate(task: StoredTask): Evaluated {
    const model = this.#options.models.get(`${task.metadata.namespace}/${task.spec?.model}`);
    const assumed = this.#assumed.get(task.metadata.uid);
    const before = this.#evaluated.get(keyOf(task));
    if (before?.task === task && before.model === model && before.assumed === assumed) return before;
    return { task, model, assumed, evaluation: evaluateTask(task, model, assumed) };
  }

  /** Keeps the verdicts; answers the keys for which they say something new. */
  #adopt(verdicts: ReadonlyMap<string, Verdict>): string[] {
    const decided = new Map<string, Decided>();
    const assumed = new Map<string, Assumed>();
    const news: string[] = [];
    for (const [key, { task, evaluation }] of this.#evaluated) {
      const verdict = verdicts.get(key);
      const { uid, generation } = task.metadata;
      const now = { uid, generation, evaluation, verdict };
      decided.set(key, now);
      if (!sameDecision(now, this.#decided.get(key))) news.push(key);
      const place = assumption(task, evaluation, verdict);
      if (place !== undefined) assumed.set(uid, this.#same(uid, place));
    }
    this.#decided = decided;
    this.#assumed = assumed;
    return news;
  }

  /** The same object for the same assumption, so that evaluations of it are kept. */
  #same(uid: string, assumed: Assumed): Assumed {
    const before = this.#assumed.get(uid);
    return isDeepStrictEqual(before, assumed) && before !== undefined ? before : assumed;
  }
}

/** Whether a status would come out the same; where the task was before is no part of that. */
function sameDecision(now: Decided, before: Decided | undefined): boolean {
  return before !== undefined && isDeepStrictEqual(withoutTask(now), withoutTask(before));
}

function withoutTask({ evaluation, ...rest }: Decided): object {
  return { ...rest, evaluation: evaluation.kind === 'Candidate' ? { ...evaluation, task: undefined } : evaluation };
}

function assumption(task: StoredTask, evaluation: Evaluation, verdict: Verdict | undefined): Assumed | undefined {
  if (verdict?.kind !== 'Placed' || evaluation.kind !== 'Candidate') return undefined;
  const { effective } = evaluation;
  const { placement, effective: shown } = task.status ?? {};
  const { node, gpu, context } = verdict.place;
  const isShown =
    placement?.node === node &&
    placement.gpu === gpu &&
    placement.context === context &&
    isDeepStrictEqual(shown, effective);
  return isShown ? undefined : { place: verdict.place, effective, utilizationE9: verdict.utilizationE9 };
}

function outcomeOf({ evaluation, verdict }: Decided): string {
  if (evaluation.kind !== 'Candidate') return evaluation.kind;
  return verdict?.kind === 'Refused' ? verdict.reason : (verdict?.kind ?? 'Pending');
}
