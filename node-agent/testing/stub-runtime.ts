// A runtime that runs nothing: a real gRPC server of runtime.proto on a Unix socket, which takes desired states over and
// tells them back. For what the real runtime does only in trouble: vanishing, stalling, talking nonsense.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type sendUnaryData, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { zeroCounters } from '../counters.ts';
import {
  type DesiredState,
  type InfoResponse,
  type ObservedModel,
  type ObservedState,
  type ObservedTask,
  type RuntimeServer,
  RuntimeService,
  type WatchRequest,
} from '../native/gen/runtime.ts';
import { info, observedModel, observedState, observedTask } from './fixtures.ts';

type Watcher = ServerWritableStream<WatchRequest, ObservedState>;

export class StubRuntime implements AsyncDisposable {
  readonly dir: string;
  readonly socketPath: string;
  /** It made the folder, so it removes it. */
  readonly #owns: boolean;
  /** Every desired state taken over, by all instances. */
  readonly applied: DesiredState[] = [];
  /** Changes what an instance tells of a task; absent: it serves, with the counters that it was given. */
  task: (task: ObservedTask) => ObservedTask = (task) => task;
  model: (model: ObservedModel) => ObservedModel = (model) => model;
  /** An Apply is refused with these words. */
  refusal: string | undefined;
  /** Of its instances, which are counted. */
  name = 'instance';
  info: InfoResponse = info({ instanceId: 'instance-0' });
  /** Told on each Watch instead of the true state. */
  override: ((state: ObservedState) => ObservedState) | undefined;
  silent = false;
  /** What Trace hands out after the request as JSON. */
  trace: readonly string[] = [];
  /** Trace is refused with these words. */
  traceError: string | undefined;
  /** How many calls of Trace were cancelled. */
  tracesCancelled = 0;
  /** Info is not answered before this. */
  gate: Promise<void> = Promise.resolve();
  #instances = 0;
  #server: Server | undefined;
  #inForce: DesiredState | undefined;
  readonly #watchers = new Set<Watcher>();

  /** `beside` another one: the runtime of the next GPU of the same node. */
  constructor(beside?: { readonly dir: string; readonly number: number }) {
    this.#owns = beside === undefined;
    this.dir = beside?.dir ?? mkdtempSync(join(tmpdir(), 'daris-stub-'));
    this.socketPath = join(this.dir, beside === undefined ? 'runtime.sock' : `runtime-${beside.number}.sock`);
  }

  /** Starts an instance that knows nothing of the one before. */
  async start(): Promise<void> {
    this.#instances += 1;
    this.#inForce = undefined;
    this.info = { ...this.info, instanceId: `${this.name}-${this.#instances}` };
    const server = new Server();
    server.addService(RuntimeService, this.#service());
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${this.socketPath}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    this.#server = server;
  }

  /** Ends as a killed process does: every connection breaks, the socket is no more. */
  kill(): void {
    this.#watchers.clear();
    this.#server?.forceShutdown();
    this.#server = undefined;
    rmSync(this.socketPath, { force: true });
  }

  async restart(): Promise<void> {
    this.kill();
    await this.start();
  }

  /** Tells everyone the state now. */
  push(): void {
    for (const watcher of this.#watchers) watcher.write(this.#state());
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  get inForce(): DesiredState | undefined {
    return this.#inForce;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await Promise.resolve();
    if (this.#owns) rmSync(this.dir, { recursive: true, force: true });
  }

  #service(): RuntimeServer {
    return {
      info: (_call, done) => void this.#tell(done),
      apply: (call, done) => {
        if (this.refusal !== undefined) return done({ code: status.INVALID_ARGUMENT, details: this.refusal });
        this.#inForce = call.request;
        this.applied.push(call.request);
        done(null, { instanceId: this.info.instanceId, generation: call.request.generation });
        this.push();
      },
      trace: (call) => {
        call.on('cancelled', () => (this.tracesCancelled += 1));
        if (this.traceError !== undefined) {
          call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: this.traceError });
          return;
        }
        for (const text of [JSON.stringify(call.request), ...this.trace]) call.write({ text: Buffer.from(text) });
        call.end();
      },
      watch: (call) => {
        this.#watchers.add(call);
        if (!this.silent) call.write(this.#state());
        const ticks = setInterval(
          () => this.silent || call.write(this.#state()),
          Math.max(call.request.intervalMs, 100),
        );
        call.on('close', () => this.#end(call, ticks));
        call.on('cancelled', () => this.#end(call, ticks));
      },
    };
  }

  async #tell(done: sendUnaryData<InfoResponse>): Promise<void> {
    await this.gate;
    done(null, this.info);
  }

  #end(call: Watcher, ticks: NodeJS.Timeout): void {
    clearInterval(ticks);
    this.#watchers.delete(call);
  }

  #state(): ObservedState {
    const { tasks = [], models = [], generation = 0 } = this.#inForce ?? {};
    const { contexts = [] } = observedState().gpus[0] ?? {};
    const divided = this.#inForce === undefined ? [] : this.info.gpus;
    const gpus = divided.map(({ uuid }) => ({ uuid, contexts, partitionFault: '', xids: 0 }));
    const truth = observedState({
      instanceId: this.info.instanceId,
      appliedGeneration: generation,
      timeUs: Date.now() * 1000,
      gpus,
      models: models.map(({ digest, uri }) => this.model(observedModel({ digest, uri }))),
      tasks: tasks.map(({ uid, epoch, context, carried, carriedMigrations }) =>
        this.task(
          observedTask(uid, {
            epoch,
            context,
            jobs: carried ?? zeroCounters,
            migrations: { count: carriedMigrations, lastFrom: 0, lastTo: 0, lastTimeUs: 0 },
          }),
        ),
      ),
    });
    return this.override?.(truth) ?? truth;
  }
}
