// The agent put together: caches of its own objects, the sessions with its runtimes, the two loops between them, its Lease
// and its operational endpoint. It may stop or die at any time: the runtime serves on, and all of its own state is
// learned again from the objects and from the runtimes.
import type { Logger } from 'pino';
import { KubeClient } from '../kube/client.ts';
import { type Clock, SystemClock, type Timer } from '../kube/clock.ts';
import { connect, type Connection } from '../kube/connection.ts';
import { EventRecorder } from '../kube/events.ts';
import { HttpServer } from '../kube/http.ts';
import { MetricRegistry } from '../kube/metrics.ts';
import { Reflector } from '../kube/reflector.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { Applier } from './applier.ts';
import type { Config } from './config.ts';
import { ContextMetrics } from './context-metrics.ts';
import { rivalEvent } from './events.ts';
import { GpuMetrics } from './gpu-metrics.ts';
import { Isolation } from './isolation.ts';
import { AgentMetrics } from './metrics.ts';
import { Runtimes } from './native/runtimes.ts';
import { Observations } from './observations.ts';
import type { PolicyTerms } from './policy.ts';
import { PolicyInForce } from './policy-in-force.ts';
import { keepMeasuredMs } from './profile-model.ts';
import { gpuNodes, models, profiles, tasks } from './resources.ts';
import { Statements } from './statements.ts';
import { StatusWriter } from './status-writer.ts';
import { type TaskSample, TaskMetrics } from './task-metrics.ts';
import { leaseTiming, Tenure } from './tenure.ts';
import { traceDownload } from './trace.ts';

/** A pass that takes longer than this waits for something that will not come. */
const stuckPassMs = 120_000;

/** What is given by those who need another than the usual. */
export interface AgentParts {
  readonly clock?: Clock;
  readonly registry?: MetricRegistry;
}

export class Agent {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #registry: MetricRegistry;
  readonly #metrics: AgentMetrics;
  readonly #taskMetrics: TaskMetrics;
  readonly #contextMetrics: ContextMetrics;
  readonly #gpuMetrics: GpuMetrics;
  readonly #connection: Connection;
  readonly #client: KubeClient;
  readonly #reflectors;
  readonly #observations = new Observations();
  readonly #policy: PolicyInForce;
  readonly #runtimes: Runtimes;
  readonly #applier: Applier;
  readonly #statements: Statements;
  readonly #writer: StatusWriter;
  readonly #tenure: Tenure;
  readonly #isolation: Isolation;
  readonly #recorder: EventRecorder;
  readonly #http: HttpServer;
  #cachesComplete = false;
  /** When models that were kept after measuring are let go. */
  #letGo: Timer | undefined;
  /** Serves nothing, since its policy says Stop and the API server is out of reach. */
  #cutOff = false;
  /** The agent in whose favour this one waits, once it was told of. */
  #toldRival: string | undefined;

  constructor(
    config: Config,
    log: Logger,
    { clock = new SystemClock(), registry = new MetricRegistry() }: AgentParts = {},
  ) {
    this.#registry = registry;
    this.#config = config;
    this.#log = log;
    this.#clock = clock;
    this.#policy = new PolicyInForce(config.policy);
    this.#metrics = new AgentMetrics(this.#registry);
    this.#taskMetrics = new TaskMetrics(this.#registry);
    this.#contextMetrics = new ContextMetrics(this.#registry);
    this.#gpuMetrics = new GpuMetrics(this.#registry);
    this.#connection = connect({
      kubeconfigPath: config.kubeconfig,
      inCluster: config.kubeconfig === undefined,
      userAgent: 'daris-node-agent',
      clock,
      metrics: this.#registry,
    });
    this.#client = new KubeClient(this.#connection);
    this.#reflectors = {
      tasks: this.#reflector(tasks, `status.placement.node=${config.node}`),
      models: this.#reflector(models, `status.inspector.node=${config.node}`),
      // All of them: what is measured on one node holds for all GPUs of its kind.
      profiles: this.#reflector(profiles),
      gpuNodes: this.#reflector(gpuNodes, `metadata.name=${config.node}`),
    };
    this.#recorder = this.#createRecorder();
    this.#statements = this.#createStatements();
    this.#runtimes = this.#createRuntimes();
    this.#applier = this.#createApplier();
    this.#writer = this.#createWriter();
    this.#tenure = this.#createTenure();
    this.#isolation = this.#createIsolation();
    this.#http = this.#createHttp();
    this.#registry.onCollect(() => this.#collect());
  }

  /** Resolves when the operational endpoint listens; everything else goes on by itself from here. */
  async start(): Promise<{ readonly address: string; readonly port: number }> {
    const bound = await this.#http.start();
    const { tasks: taskReflector, models: modelReflector, profiles: profileReflector } = this.#reflectors;
    for (const reflector of [taskReflector, modelReflector, profileReflector])
      reflector.subscribe(() => this.#changed());
    profileReflector.subscribe(() => this.#letGoLater());
    this.#reflectors.gpuNodes.subscribe(() => {
      this.#applier.kick();
      this.#writer.wake();
      this.#tellOfRival();
    });
    for (const reflector of Object.values(this.#reflectors)) reflector.start();
    await this.#tenure.start();
    this.#recorder.start();
    this.#runtimes.start();
    const synced = Object.values(this.#reflectors).map((reflector) => reflector.synced());
    Promise.all(synced).then(
      () => this.#begin(),
      () => this.#log.info('stopped before the caches were complete'),
    );
    return bound;
  }

  /** Writes no more and lets go of the runtime, which serves on. The node counts as alive until its Lease is over, so that a restart moves nothing. */
  async stop(): Promise<void> {
    this.#letGo?.cancel();
    await this.#writer.stop();
    await this.#runtimes.stop();
    await this.#applier.stop();
    await Promise.all([
      this.#tenure.stop(),
      this.#recorder.stop(1_000),
      this.#http.stop(),
      ...Object.values(this.#reflectors).map((reflector) => reflector.stop()),
    ]);
    await this.#connection.close();
  }

  #begin(): void {
    this.#cachesComplete = true;
    this.#log.info({ tasks: this.#reflectors.tasks.store.size }, 'caches complete');
    this.#applier.cachesComplete();
    this.#writer.start();
  }

  /** A task, model or profile of this node changed. */
  #changed(): void {
    const { tasks: taskReflector } = this.#reflectors;
    const wanted = new Set(taskReflector.store.list().map((task) => task.metadata.uid));
    if (this.#cachesComplete) this.#observations.retain((uid) => wanted.has(uid));
    this.#applier.kick();
    this.#writer.wake();
  }

  #letGoLater(): void {
    this.#letGo?.cancel();
    this.#letGo = this.#clock.setTimer(keepMeasuredMs + 1_000, () => this.#applier.kick());
  }

  #createRuntimes(): Runtimes {
    const clock = this.#clock;
    return new Runtimes({
      socketPath: this.#config.runtimeSocket,
      clock,
      log: this.#log,
      listener: {
        connected: (info) => {
          this.#observations.connected(info);
          this.#applier.reconnected();
        },
        observed: (state) => {
          const first = this.#observations.state === undefined;
          this.#observations.observed(state, clock.monotonic(), (uid) => this.#isNew(uid));
          if (this.#policy.heard(this.#observations.view)) this.#applier.kick();
          this.#applier.observed(state);
          if (first || this.#stopTurned()) this.#applier.kick();
          this.#writer.wake();
        },
        lost: (message) => {
          this.#observations.lost(message);
          this.#writer.wake();
        },
        broke: () => this.#metrics.connectionsLost.add(1, {}),
      },
    });
  }

  /** Nothing was ever said of it, so that it began just now. */
  #isNew(uid: string): boolean {
    return this.#statements.tasks().some((task) => task.metadata.uid === uid && task.status?.runtime === undefined);
  }

  #createApplier(): Applier {
    return new Applier({
      node: this.#config.node,
      policy: () => this.#policyTerms(),
      observations: this.#observations,
      tasks: () => (this.#cutOff ? [] : this.#statements.tasks()),
      models: () => this.#statements.models(),
      profiles: () => this.#statements.profiles(),
      times: (digest) => this.#statements.times(digest),
      apply: (state, measuredOn) => this.#runtimes.apply(state, measuredOn),
      acting: () => this.#tenure.acting,
      certain: () => this.#tenure.certain,
      attempted: (seconds) => {
        this.#metrics.reconcile.observe(seconds, { loop: 'apply' });
        this.#writer.wake();
      },
      clock: this.#clock,
      log: this.#log,
    });
  }

  #createStatements(): Statements {
    const reflectors = this.#reflectors;
    return new Statements({
      node: this.#config.node,
      policy: this.#policy,
      advertiseAddress: this.#config.advertiseAddress,
      client: this.#client,
      log: this.#log,
      observations: this.#observations,
      stores: {
        tasks: reflectors.tasks.store,
        models: reflectors.models.store,
        profiles: reflectors.profiles.store,
        gpuNodes: reflectors.gpuNodes.store,
      },
      record: (event) => this.#recorder.record(event),
      now: () => this.#clock.now(),
    });
  }

  #createWriter(): StatusWriter {
    return new StatusWriter({
      // What another agent of this node may say meanwhile is not written over.
      items: () => (this.#tenure.certain ? this.#statements.items() : []),
      wrote: (kind, result) => this.#metrics.statusWrites.add(1, { kind, result }),
      passed: (seconds) => this.#metrics.reconcile.observe(seconds, { loop: 'status' }),
      clock: this.#clock,
      log: this.#log,
    });
  }

  #createTenure(): Tenure {
    const { node, systemNamespace, runtimeSocket } = this.#config;
    return new Tenure({
      client: this.#client,
      node,
      systemNamespace,
      runtimeSocket,
      clock: this.#clock,
      log: this.#log,
      turned: () => this.#tenureTurned(),
    });
  }

  /** Begins where another left off, or lets another go on; the runtime serves meanwhile either way. */
  #tenureTurned(): void {
    const { acting, rival, holder } = this.#tenure;
    this.#log.info({ acting, rival, holder }, 'this agent acts for its node, or waits for another');
    if (acting) this.#applier.reconnected();
    this.#writer.wake();
    this.#tellOfRival();
  }

  #tellOfRival(): void {
    const { rival, holder } = this.#tenure;
    const regarding = this.#statements.gpuNode();
    if (rival === this.#toldRival || (rival !== undefined && regarding === undefined)) return;
    this.#toldRival = rival;
    if (rival !== undefined && regarding !== undefined) this.#recorder.record(rivalEvent(regarding, rival, holder));
  }

  #createIsolation(): Isolation {
    const { tasks: taskReflector } = this.#reflectors;
    return new Isolation({
      leaseMs: leaseTiming.durationMs,
      leaseAgeMs: () => this.#tenure.leaseAgeMs(),
      cacheAgeMs: () => taskReflector.ageMs(),
      clock: this.#clock,
    });
  }

  #policyTerms(): PolicyTerms {
    const { view } = this.#observations;
    const gpus = view.kind === 'up' ? view.info.gpus : [];
    return this.#policy.rule(this.#statements.gpuNode()?.status, gpus).terms;
  }

  /** Whether to serve, or to stop, has become another answer. */
  #stopTurned(): boolean {
    const stop = this.#isolation.isolated && this.#policy.terms.onPartition === 'Stop';
    if (stop === this.#cutOff) return false;
    this.#cutOff = stop;
    this.#log.warn({ stop, leaseAgeMs: this.#tenure.leaseAgeMs() }, 'onPartition Stop: serving stops or goes on');
    return true;
  }

  #createRecorder(): EventRecorder {
    return new EventRecorder({
      client: this.#client,
      controller: 'daris.dev/node-agent',
      instance: this.#config.node,
      clock: this.#clock,
      log: this.#log,
    });
  }

  #createHttp(): HttpServer {
    return new HttpServer({
      address: this.#config.metrics.host,
      port: this.#config.metrics.port,
      metrics: this.#registry,
      health: { status: () => (this.#writer.passAgeMs() > stuckPassMs ? 'a status pass does not end' : undefined) },
      readiness: {
        lease: () => this.#tenure.problem(),
        caches: () => (this.#cachesComplete ? undefined : 'the first lists of tasks and models have not arrived'),
        runtime: () => this.#runtimeTrouble(),
      },
      downloads: {
        '/trace': (query, signal) => traceDownload((...asked) => this.#runtimes.trace(...asked), query, signal),
      },
      log: this.#log,
    });
  }

  #runtimeTrouble(): string | undefined {
    const { view } = this.#observations;
    if (view.kind === 'connecting') return 'the runtime is being connected';
    if (view.kind === 'down') return `the runtime does not answer: ${view.message}`;
    const [lost] = view.info.lost;
    if (lost !== undefined) return `the runtime of ${lost[0]} does not answer: ${lost[1]}`;
    return view.terms === undefined ? 'the desired state is not in force yet' : undefined;
  }

  #collect(): void {
    const { view, state } = this.#observations;
    this.#metrics.runtimeUp.set(view.kind === 'up' && view.info.lost.size === 0 ? 1 : 0, {});
    const ageMs = this.#observations.ageMs(this.#clock.monotonic());
    if (ageMs !== undefined) this.#metrics.watchAge.set(ageMs / 1000, {});
    this.#taskMetrics.show(this.#samples());
    this.#contextMetrics.show(state?.gpus ?? []);
    this.#gpuMetrics.show(state?.gpus ?? []);
  }

  #samples(): TaskSample[] {
    return this.#statements.tasks().flatMap((task) => {
      const { uid, namespace = '', name } = task.metadata;
      const { priority, model } = task.spec;
      const observed = this.#observations.task(uid);
      if (observed === undefined) return [];
      return [{ namespace, name, priority, model, observed, misses: this.#observations.misses(uid) }];
    });
  }

  #reflector<T extends KubeObject>(resource: Resource<T>, fieldSelector?: string): Reflector<T> {
    return new Reflector({
      client: this.#client,
      resource,
      selection: fieldSelector === undefined ? {} : { fieldSelector },
      log: this.#log,
      clock: this.#clock,
      metrics: this.#registry,
    });
  }
}
