// What a trace alone says of queues, streams and jobs: read line by line, without any scheduling rule.
import type { Event } from './reference/trace.ts';

/** A stage of a job as the trace tells it, on its stream from `from` on; `until` is absent where it did not end. */
export interface Passage {
  stage: number;
  stream: string;
  /** Level, members and capacity of the unit. */
  unit: string;
  from: bigint;
  until?: bigint;
}

export interface JobRecord {
  context: string;
  passages: Passage[];
  finishes: bigint[];
  drops: bigint[];
}

interface Queue {
  ready: Set<string>;
  /** By stream in use: how many lines of its unit's dispatch are still to come. */
  busy: Map<string, number>;
}

function text({ e, fields }: Event, key: string): string {
  const value = fields[key];
  if (value === undefined || typeof value === 'object') throw new Error(`${e} without ${key}`);
  return `${value}`;
}

export function jobName(event: Event): string {
  return `${text(event, 'task')}#${text(event, 'job')}`;
}

export class Replay {
  readonly jobs = new Map<string, JobRecord>();
  /** What no trace may show: streams with two owners, units in part, ready work beside a free stream after an instant. */
  readonly faults: string[] = [];
  readonly #gpuOfTask = new Map<string, string>();
  readonly #queues = new Map<string, Queue>();
  readonly #streams: ReadonlyMap<string, number>;

  /** `streams`: N_s by GPU. */
  constructor(events: readonly Event[], streams: ReadonlyMap<string, number>) {
    this.#streams = streams;
    for (const [i, event] of events.entries()) {
      this.#take(event);
      if (events[i + 1]?.t !== event.t) this.#endOfInstant(event.t);
    }
  }

  #take(event: Event): void {
    const { e } = event;
    if (e === 'assign') this.#gpuOfTask.set(text(event, 'task'), text(event, 'gpu'));
    if (e === 'admit') this.#admit(event);
    if (e === 'dispatch') this.#dispatch(event);
    if (e === 'complete') this.#complete(event);
    if (e === 'finish') this.#end(event, this.#record(event).finishes);
    if (e === 'drop') this.#end(event, this.#record(event).drops);
  }

  #record(event: Event): JobRecord {
    const record = this.jobs.get(jobName(event));
    if (record === undefined) throw new Error(`${event.e} of ${jobName(event)}, which was not admitted`);
    return record;
  }

  #queue(context: string): Queue {
    const queue = this.#queues.get(context) ?? { ready: new Set(), busy: new Map() };
    this.#queues.set(context, queue);
    return queue;
  }

  #admit(event: Event): void {
    const context = JSON.stringify([this.#gpuOfTask.get(text(event, 'task')), text(event, 'context')]);
    this.jobs.set(jobName(event), { context, passages: [], finishes: [], drops: [] });
    this.#queue(context).ready.add(jobName(event));
  }

  #dispatch(event: Event): void {
    const { jobs = 1, capacity = 1 } = event.fields;
    const { context, passages } = this.#record(event);
    const { ready, busy } = this.#queue(context);
    const stream = text(event, 'stream');
    const left = busy.get(stream) ?? Number(jobs);
    if (left === 0) this.faults.push(`t ${event.t}: stream ${stream} is taken twice`);
    if (!ready.delete(jobName(event))) this.faults.push(`t ${event.t}: ${jobName(event)} is not ready`);
    busy.set(stream, left - 1);
    const unit = `${text(event, 'level')} ${Number(jobs)} ${Number(capacity)}`;
    passages.push({ stage: Number(event.fields['stage']), stream, unit, from: event.t });
  }

  #complete(event: Event): void {
    const { context, passages } = this.#record(event);
    const { ready, busy } = this.#queue(context);
    const passage = passages.at(-1);
    if (passage === undefined) throw new Error(`${jobName(event)} completes what was not dispatched`);
    passage.until = event.t;
    busy.delete(passage.stream);
    ready.add(jobName(event));
  }

  #end(event: Event, ends: bigint[]): void {
    ends.push(event.t);
    this.#queue(this.#record(event).context).ready.delete(jobName(event));
  }

  #endOfInstant(t: bigint): void {
    for (const [context, { ready, busy }] of this.#queues) {
      const [gpu] = JSON.parse(context) as [string];
      const free = (this.#streams.get(gpu) ?? 0) - busy.size;
      if (free > 0 && ready.size > 0) this.faults.push(`t ${t}: ${[...ready].join()} wait beside a free stream`);
      if ([...busy.values()].some((left) => left > 0)) this.faults.push(`t ${t}: a unit is dispatched in part`);
    }
  }
}
