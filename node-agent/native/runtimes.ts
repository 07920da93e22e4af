// The runtimes of a node, one for each of its GPUs, each with a session of its own. To the rest of the agent they are one:
// it hears of them together and applies to them together. One that does not answer takes nothing from the others.
//
// Their supervisor names sockets by number: PATH.EXT, PATH-1.EXT, PATH-2.EXT, …; the folder is looked at every second.
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Logger } from 'pino';
import type { Random } from '../../kube/backoff.ts';
import type { Clock, Timer } from '../../kube/clock.ts';
import { AppError, TerminalError, TransientError } from '../../kube/errors.ts';
import { NativeClient } from './client.ts';
import type { ApplyResponse, DesiredState, InfoResponse, ObservedState, TraceRequest } from './gen/runtime.ts';
import { instanceOf, mergeInfo, mergeStates, type NodeInfo, type NodeState, type Part } from './node-state.ts';
import { Session } from './session.ts';
import { type MeasuredOn, sharesOf } from './shares.ts';

export interface RuntimesListener {
  /** Another set of runtimes answers, or other instances of them; their state follows. */
  readonly connected: (info: NodeInfo) => void;
  readonly observed: (state: NodeState) => void;
  /** None answers; `message` says why, as the end of a sentence. */
  readonly lost: (message: string) => void;
  /** A connection failed or broke, whether or not others are left. */
  readonly broke: () => void;
}

export interface RuntimesOptions {
  /** Of the first one; absolute. */
  readonly socketPath: string;
  readonly listener: RuntimesListener;
  readonly clock: Clock;
  readonly log: Logger;
  /** As Session's; absent: as long as there. */
  readonly intervalMs?: number | undefined;
  /** As NativeClient's; absent: as long as there. */
  readonly inactivityMs?: number | undefined;
  readonly random?: Random | undefined;
}

interface Member {
  readonly session: Session;
  info: InfoResponse | undefined;
  /** Undefined: it does not answer. */
  state: ObservedState | undefined;
  /** Why the last attempt failed; undefined: none has ended yet, or it answers. */
  message: string | undefined;
}

const lookEveryMs = 1_000;

export class Runtimes {
  readonly #options: RuntimesOptions;
  /** By the number of its socket. */
  readonly #members = new Map<number, Member>();
  /** Why the runtime of a GPU ceased to answer; by UUID. */
  readonly #whyLost = new Map<string, string>();
  #told = false;
  #stopped = false;
  #timer: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: RuntimesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#looking = this.#look();
  }

  /** Ends the connections; the runtimes serve on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
    this.#timer?.cancel();
    await Promise.all([...this.#members.values()].map(({ session }) => session.stop()));
  }

  /**
   * To each its share. Answers once all of those that still answer have taken theirs.
   * @throws TransientError where there are none, or one of them does not take it
   */
  async apply(state: DesiredState, measuredOn: MeasuredOn): Promise<ApplyResponse> {
    const up = this.#up();
    if (up.length === 0) throw new TransientError('no runtime is connected', { code: 'UNAVAILABLE' });
    const isAlone = up.every(({ info }) => info.nodeGpus.length < 2);
    const shares = isAlone
      ? up.map(() => state)
      : sharesOf(
          state,
          measuredOn,
          up.map(({ info }) => info.gpus.map(({ uuid }) => uuid)),
        );
    const answers = await Promise.allSettled(up.map(({ session }, at) => session.apply(shares[at] ?? state)));
    const taken: string[] = [];
    for (const [at, answer] of answers.entries()) {
      const member = up[at];
      if (answer.status === 'fulfilled') taken.push(answer.value.instanceId);
      else if (member !== undefined && this.#isUp(member)) throw nameGpu(member, up.length, answer.reason);
    }
    return { instanceId: instanceOf(taken), generation: state.generation };
  }

  /**
   * `gpu` says of which one, where there are several.
   * @throws TerminalError where it does not say it, TransientError where its runtime does not answer
   */
  trace(request: TraceRequest, gpu: string | undefined, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const up = this.#up();
    if (up.length === 0) throw new TransientError('no runtime is connected', { code: 'UNAVAILABLE' });
    const uuids = up.flatMap(({ info }) => info.gpus.map(({ uuid }) => uuid));
    if (gpu === undefined && up.length > 1) throw badGpu(`gpu is missing: write gpu=UUID, one of ${uuids.join(', ')}`);
    const chosen = up.find(({ info }) => gpu === undefined || info.gpus.some(({ uuid }) => uuid === gpu));
    if (chosen === undefined) throw badGpu(`gpu=${gpu}: no runtime answers for it; write one of ${uuids.join(', ')}`);
    return chosen.session.trace(request, signal);
  }

  /** By number; without those that only lie beside the first one, and are not of its supervisor. */
  #up(): (Part & { readonly session: Session })[] {
    const taken = new Set<string>();
    const numbers = [...this.#members.keys()].sort((a, b) => a - b);
    return numbers.flatMap((number) => {
      const { session, info, state } = this.#members.get(number) ?? {};
      if (session === undefined || info === undefined || state === undefined) return [];
      const uuids = info.gpus.map(({ uuid }) => uuid);
      const isForeign = (number > 0 && info.nodeGpus.length < 2) || uuids.some((uuid) => taken.has(uuid));
      if (isForeign) return [];
      for (const uuid of uuids) taken.add(uuid);
      return [{ session, info, state }];
    });
  }

  #isUp({ info }: Part): boolean {
    return this.#up().some((part) => part.info.instanceId === info.instanceId);
  }

  /** Takes up runtimes that are new, and forgets those of which nothing is left. */
  async #look(): Promise<void> {
    const numbers = await this.#numbers();
    if (this.#stopped) return;
    for (const number of numbers) if (!this.#members.has(number)) this.#add(number);
    for (const [number, { session, state }] of this.#members) {
      if (numbers.has(number) || state !== undefined) continue;
      this.#members.delete(number);
      await session.stop();
    }
    this.#timer = this.#options.clock.setTimer(lookEveryMs, () => {
      this.#looking = this.#look();
    });
  }

  /** Of the sockets that there are; the first one counts, there or not, since its absence is told. */
  async #numbers(): Promise<ReadonlySet<number>> {
    const { socketPath, log } = this.#options;
    const { stem, extension } = partsOf(socketPath);
    const numbers = new Set([0]);
    try {
      for (const file of await readdir(dirname(socketPath))) {
        const middle = file.startsWith(`${stem}-`) && file.endsWith(extension) ? file.slice(stem.length + 1) : '';
        const digits = extension === '' ? middle : middle.slice(0, -extension.length);
        if (/^[1-9]\d{0,2}$/.test(digits)) numbers.add(Number(digits));
      }
    } catch (err) {
      log.debug({ err, socketPath }, 'the folder of the runtimes cannot be read');
    }
    return numbers;
  }

  #add(number: number): void {
    const { clock, log, intervalMs, inactivityMs, random, socketPath } = this.#options;
    const path = socketOf(socketPath, number);
    const session = new Session({
      open: () => new NativeClient({ socketPath: path, clock, inactivityMs }),
      listener: {
        connected: (info) => (member.info = info),
        observed: (state) => this.#observed(member, state),
        lost: (message) => this.#lost(member, message),
      },
      intervalMs,
      clock,
      log: number === 0 ? log : log.child({ socket: path }),
      random,
    });
    const member: Member = { session, info: undefined, state: undefined, message: undefined };
    this.#members.set(number, member);
    session.start();
  }

  #observed(member: Member, state: ObservedState): void {
    const isNew = member.state === undefined;
    member.state = state;
    member.message = undefined;
    if (isNew) this.#tell();
    else if (this.#told) this.#options.listener.observed(mergeStates(this.#up()));
  }

  #lost(member: Member, message: string): void {
    const { listener } = this.#options;
    const wasUp = member.state !== undefined;
    member.state = undefined;
    member.message = message;
    if (wasUp) for (const { uuid } of member.info?.gpus ?? []) this.#whyLost.set(uuid, message);
    listener.broke();
    if (wasUp || !this.#told) this.#tell();
    else if (this.#up().length === 0) listener.lost(message);
  }

  /** Who answers is another set than before. At first nothing is told until each was tried: a restarted agent must call none lost. */
  #tell(): void {
    const { listener, log } = this.#options;
    const members = [...this.#members.values()];
    if (!this.#told && members.some(({ state, message }) => state === undefined && message === undefined)) return;
    this.#told = true;
    const up = this.#up();
    if (up.length === 0) {
      listener.lost(members.find(({ message }) => message !== undefined)?.message ?? 'there is none');
      return;
    }
    const info = mergeInfo(up, (gpu) => this.#whyLost.get(gpu) ?? 'it has not started yet');
    const { instanceId: instance, runtimeVersion: version } = info;
    log.info({ instance, version, gpus: [...info.addresses.keys()], lost: [...info.lost.keys()] }, 'runtime connected');
    listener.connected(info);
    listener.observed(mergeStates(up));
  }
}

/** The socket of the runtime of that number, as its supervisor calls it. */
export function socketOf(socketPath: string, number: number): string {
  const { stem, extension } = partsOf(socketPath);
  return number === 0 ? socketPath : join(dirname(socketPath), `${stem}-${number}${extension}`);
}

function partsOf(socketPath: string): { stem: string; extension: string } {
  const extension = extname(socketPath);
  return { stem: basename(socketPath, extension), extension };
}

function nameGpu({ info }: Part, count: number, error: unknown): unknown {
  if (count < 2 || !(error instanceof Error)) return error;
  const code = error instanceof AppError ? error.code : 'Failed';
  const gpus = info.gpus.map(({ uuid }) => uuid).join(', ');
  return new TransientError(`runtime of ${gpus}: ${error.message}`, { code, cause: error });
}

function badGpu(message: string): TerminalError {
  return new TerminalError(message, { code: 'BadQuery' });
}
