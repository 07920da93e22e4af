// Runs placement cycles over what is known now, and keeps what they decided until the statuses show it.
import { isDeepStrictEqual } from 'node:util';

import type { GpuKind } from '../../../api/profiles.ts';
import type { InferenceModel, ModelProfile, RealtimeInferenceTask } from '../../../api/resources.ts';
import type { Clock } from '../../../kube/clock.ts';
import { keyOf } from '../../../kube/resource.ts';
import type { ReadableStore } from '../../../kube/store.ts';
import type { Latest } from '../../latest.ts';
import { Census, type OperatorMetrics } from '../../metrics.ts';
import type { Nodes, NodeView } from '../../nodes.ts';
import { placedAt, runCycle, type CycleResult, type Verdict } from '../../placement/cycle.ts';
import { moveWords } from '../../placement/rebalance.ts';
import type { Place, PlacementNode } from '../../placement/terms.ts';
import { noProfiles, ProfileBook, type PackageProfiles } from '../../profile-book.ts';
import type { StoredModel, StoredTask } from '../../resources.ts';
import { aloneE9, type Assumed } from './demands.ts';
import { evaluateTask, type Evaluation } from './evaluate.ts';
import { GpuKinds } from './gpu-kinds.ts';
import { neededProfiles, type Need } from './needs.ts';
import { Rebalancer } from './rebalancer.ts';

/** What the last cycle made of one task, as it was then. */
export interface Decided {
  readonly uid: string;
  readonly generation: number | undefined;
  readonly evaluation: Evaluation;
  readonly verdict: Verdict | undefined;
  /** Why it leaves a GPU that it could stay on, until its status shows the new place. */
  readonly rebalanced?: string;
}

export interface CycleRunnerOptions {
  readonly tasks: Latest<RealtimeInferenceTask>;
  readonly models: ReadableStore<InferenceModel>;
  readonly profiles: Pick<Latest<ModelProfile>, 'list'>;
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly metrics: OperatorMetrics;
  /** Called with the key of each task about which something else was decided than before. */
  readonly changed: (key: string) => void;
  /** Called after each cycle with the profiles that the tasks need, by name. */
  readonly needed: (needs: ReadonlyMap<string, Need>) => void;
}

interface Evaluated {
  readonly task: StoredTask;
  readonly model: StoredModel | undefined;
  readonly assumed: Assumed | undefined;
  readonly evidence: Evidence;
  readonly evaluation: Evaluation;
}

/** A decided move to another GPU. */
interface Rebalanced {
  readonly place: Place;
  readonly words: string;
}

/** What a task's evaluation rests on besides the task and its model; the same objects while nothing changed. */
interface Evidence {
  readonly profiles: readonly PackageProfiles[];
  readonly presentKind: string | undefined;
  readonly products: ReadonlyMap<string, string>;
}

export class CycleRunner {
  readonly #options: CycleRunnerOptions;
  readonly #tasksCensus: Census<'outcome'>;
  readonly #nodesCensus: Census<'state'>;
  readonly #profiles = new ProfileBook();
  readonly #kinds = new GpuKinds();
  #evaluated = new Map<string, Evaluated>();
  #decided = new Map<string, Decided>();
  /** Places that were decided and are not in the statuses yet, by the uid of the task. */
  #assumed = new Map<string, Assumed>();
  /** Those of them that are moves between GPUs, by the uid of the task. */
  #rebalanced = new Map<string, Rebalanced>();
  readonly #rebalancer: Rebalancer;
  #runs = 0;

  constructor(options: CycleRunnerOptions) {
    this.#options = options;
    this.#rebalancer = new Rebalancer(options.clock);
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

  /** Answers in how many ms to run again although nothing happens; undefined: there is no need. */
  run(): number | undefined {
    const { clock, metrics, nodes, tasks, profiles, changed, needed } = this.#options;
    const startMs = clock.monotonic();
    const nodeViews = nodes.list();
    this.#profiles.refresh(profiles.list());
    this.#kinds.refresh(nodeViews);
    this.#evaluated = new Map(tasks.list().map((task) => [keyOf(task), this.#evaluate(task)]));
    const candidates = [...this.#evaluated.values()].flatMap(({ evaluation }) =>
      evaluation.kind === 'Candidate' ? [evaluation.task] : [],
    );
    const views = nodeViews.map((view) => view.placement);
    const cycle = runCycle(views, candidates);
    const { snapshot } = cycle;
    const { verdicts, againInMs } = this.#rebalance(cycle);
    for (const key of this.#adopt(verdicts)) changed(key);
    this.#runs++;
    metrics.cycleSeconds.observe((clock.monotonic() - startMs) / 1000, {});
    this.#tasksCensus.take([...this.#decided.values()].map(outcomeOf));
    this.#nodesCensus.take(views.map((node) => node.state));
    const evaluations = [...this.#evaluated.values()].map(({ evaluation }) => evaluation);
    needed(neededProfiles(evaluations, snapshot, kindsOf(nodeViews)));
    return againInMs;
  }

  /** The verdicts, with one task moved to another GPU if that is its time. */
  #rebalance({ snapshot, verdicts }: CycleResult): {
    readonly verdicts: ReadonlyMap<string, Verdict>;
    readonly againInMs: number | undefined;
  } {
    const { move, againInMs } = this.#rebalancer.consider({
      snapshot,
      places: this.#places(verdicts),
      circumstances: () => circumstancesOf(snapshot.nodes, this.#evaluated.values()),
    });
    if (move === undefined) return { verdicts, againInMs };
    const { task, to } = move;
    const uid = this.#evaluated.get(task.key)?.task.metadata.uid ?? '';
    this.#rebalanced.set(uid, { place: to.place, words: moveWords(move) });
    this.#options.metrics.rebalances.add(1, {});
    return { verdicts: new Map(verdicts).set(task.key, placedAt(task, to)), againInMs };
  }

  #places(verdicts: ReadonlyMap<string, Verdict>): ReadonlyMap<string, string> {
    const places = new Map<string, string>();
    for (const [key, verdict] of verdicts) {
      if (verdict.kind !== 'Placed') continue;
      const { node, gpu } = verdict.place;
      places.set(key, `${this.#evaluated.get(key)?.task.metadata.uid} ${node}/${gpu}`);
    }
    return places;
  }

  /** Objects are never changed in place, so the same ones give the same evaluation. */
  #evaluate(task: StoredTask): Evaluated {
    const model = this.#options.models.get(`${task.metadata.namespace}/${task.spec?.model}`);
    const assumed = this.#assumed.get(task.metadata.uid);
    const before = this.#evaluated.get(keyOf(task));
    const evidence = this.#evidence(task, model, assumed);
    const same = before?.task === task && before.model === model && before.assumed === assumed;
    if (same && sameEvidence(before.evidence, evidence)) return before;
    const { products } = this.#kinds;
    const measurements = {
      of: (digest: string) => this.#profiles.of(digest),
      kindAt: (place: Place) => this.#kinds.at(place),
      products,
    };
    return { task, model, assumed, evidence, evaluation: evaluateTask(task, model, assumed, measurements) };
  }

  #evidence(task: StoredTask, model: StoredModel | undefined, assumed: Assumed | undefined): Evidence {
    const { effective, placement } = task.status ?? {};
    const digests = [model?.spec.source.digest, (assumed?.effective ?? effective)?.model.digest];
    const place = assumed?.place ?? placement;
    return {
      profiles: digests.map((digest) => (digest === undefined ? noProfiles : this.#profiles.of(digest))),
      presentKind: place && this.#kinds.at(place),
      products: this.#kinds.products,
    };
  }

  /** Keeps the verdicts; answers the keys for which they say something new. */
  #adopt(verdicts: ReadonlyMap<string, Verdict>): string[] {
    const decided = new Map<string, Decided>();
    const assumed = new Map<string, Assumed>();
    const news: string[] = [];
    const rebalanced = new Map<string, Rebalanced>();
    for (const [key, { task, evaluation }] of this.#evaluated) {
      const verdict = verdicts.get(key);
      const { uid, generation } = task.metadata;
      const place = assumption(task, evaluation, verdict);
      const move = this.#rebalanced.get(uid);
      const moves = move !== undefined && isDeepStrictEqual(place?.place, move.place);
      if (moves) rebalanced.set(uid, move);
      const now = { uid, generation, evaluation, verdict, ...(moves ? { rebalanced: move.words } : {}) };
      decided.set(key, now);
      if (!sameDecision(now, this.#decided.get(key))) news.push(key);
      if (place !== undefined) assumed.set(uid, this.#same(uid, place));
    }
    this.#decided = decided;
    this.#assumed = assumed;
    this.#rebalanced = rebalanced;
    return news;
  }

  /** The same object for the same assumption, so that evaluations of it are kept. */
  #same(uid: string, assumed: Assumed): Assumed {
    const before = this.#assumed.get(uid);
    return isDeepStrictEqual(before, assumed) && before !== undefined ? before : assumed;
  }
}

function sameEvidence(one: Evidence, other: Evidence): boolean {
  return (
    one.presentKind === other.presentKind &&
    one.products === other.products &&
    one.profiles.every((profiles, at) => profiles === other.profiles[at])
  );
}

function kindsOf(views: readonly NodeView[]): ReadonlyMap<string, GpuKind> {
  return new Map(views.flatMap(({ kinds }) => [...kinds]));
}

/** Whether a status would come out the same; where the task was before, and why it moves, are no part of that. */
function sameDecision(now: Decided, before: Decided | undefined): boolean {
  return before !== undefined && isDeepStrictEqual(withoutTask(now), withoutTask(before));
}

function withoutTask({ evaluation, rebalanced: _rebalanced, ...rest }: Decided): object {
  return { ...rest, evaluation: evaluation.kind === 'Candidate' ? { ...evaluation, task: undefined } : evaluation };
}

/** Tasks with their terms, and what there is to run them: what does not change by moving one of them. */
function circumstancesOf(nodes: readonly PlacementNode[], evaluated: Iterable<Evaluated>): string {
  const offered = nodes.map(({ name, state, gpus }) => [name, state, gpus.map(({ uuid, kind }) => [uuid, kind])]);
  const wanted = [...evaluated].map(({ task, evaluation }) => {
    const digest = evaluation.kind === 'Candidate' ? evaluation.effective.model.digest : evaluation.kind;
    return `${task.metadata.uid} ${task.metadata.generation} ${digest}`;
  });
  return JSON.stringify([offered, wanted.sort()]);
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
  if (isShown) return undefined;
  const { place, stageAfetUs } = verdict;
  return {
    place,
    effective,
    utilizationE9: aloneE9(verdict, effective),
    ...(stageAfetUs === undefined ? {} : { stageAfetUs }),
  };
}

function outcomeOf({ evaluation, verdict }: Decided): string {
  if (evaluation.kind !== 'Candidate') return evaluation.kind;
  return verdict?.kind === 'Refused' ? verdict.reason : (verdict?.kind ?? 'Pending');
}
