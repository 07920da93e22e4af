// What tasks book on one GPU whose policy joins jobs (docs/joining.md, Admission): tasks of a class book shares of a unit of n*
// jobs, and n* is a matter of the whole GPU. Shared by its contexts for the time of one cycle. Sums are kept for every unit
// size, so that they cost the same however many tasks are booked and do not depend on the order in which they came.
import { utilizationE9 } from '../../api/utilization.ts';
import type { JobClass, PlacementTask, UnitTimes } from './terms.ts';

/** What a task books: that share of a stream, as one of so many jobs that go together. */
export interface Share {
  readonly utilizationE9: number;
  readonly jobs: number;
}

/** Of one context: over its High tasks, and over all of them. */
export interface Sums {
  readonly highE9: number;
  readonly totalE9: number;
}

export interface JoinedContext {
  readonly index: number;
  /** What High tasks may book there. */
  readonly limitE9: number;
  readonly sums: Sums;
}

/** The GPU as it would be with one task more in one of its contexts. */
export interface Outlook {
  readonly share: Share;
  /** Of that context. */
  readonly there: Sums;
  /** Over all contexts. */
  readonly totalE9: number;
  /**
   * The first context, that one before others, whose High tasks would be beyond its limit: where a High task comes, at all,
   * and elsewhere further than they are.
   */
  readonly exceeded: Exceeded | undefined;
}

export interface Exceeded {
  readonly index: number;
  readonly highE9: number;
  readonly limitE9: number;
}

interface Context extends JoinedContext {
  sums: Sums;
  /** Of tasks that never go together with others. */
  alone: Sums;
  /** The least deadline less AFET of its High tasks. */
  slackUs: number;
}

const nothing: Sums = { highE9: 0, totalE9: 0 };

export class JoiningBook {
  readonly #contexts: Context[] = [];
  readonly #classes = new Map<string, BookedClass>();
  readonly #changed: () => void;
  /** Longest stage of tasks that never go together with others. */
  #aloneLongestUs = 0;
  #totalE9 = 0;

  /** `changed`: n* of a class is another one, so that sums may be less than they were. */
  constructor(changed: () => void = () => undefined) {
    this.#changed = changed;
  }

  /** Over all contexts. */
  get totalE9(): number {
    return this.#totalE9;
  }

  addContext(index: number, limitE9: number): JoinedContext {
    const context: Context = { index, limitE9, sums: nothing, alone: nothing, slackUs: Number.POSITIVE_INFINITY };
    this.#contexts.push(context);
    return context;
  }

  book(task: PlacementTask, where: JoinedContext): void {
    const context = this.#own(where);
    if (task.priority === 'High') context.slackUs = Math.min(context.slackUs, slackOf(task));
    const { joins } = task.demand;
    if (joins === undefined) {
      context.alone = plus(context.alone, sharesOf(task, task.demand.utilizationE9));
      this.#aloneLongestUs = Math.max(this.#aloneLongestUs, task.demand.longestStageUs);
    } else {
      const booked = this.#classes.get(joins.key) ?? new BookedClass(joins);
      this.#classes.set(joins.key, booked);
      booked.book(task, context);
    }
    this.#settle();
  }

  /** What a task of it books now, or would book if it changed nothing. */
  shareOf(task: PlacementTask): Share {
    const { joins } = task.demand;
    return shareAt(task, joins && (this.#classes.get(joins.key)?.unit ?? joins.units[0]));
  }

  outlook(task: PlacementTask, where: JoinedContext): Outlook {
    const own = this.#own(where);
    const { joins } = task.demand;
    const newcomer = joins && (this.#classes.get(joins.key) ?? new BookedClass(joins));
    const units = this.#units({ task, booked: newcomer });
    const share = shareAt(task, newcomer && units.get(newcomer));
    const after = (context: Context): Sums => {
      const without = sumsOf(context, units);
      return context === own ? plus(without, sharesOf(task, share.utilizationE9)) : without;
    };
    const there = after(own);
    const others = this.#contexts.filter((context) => context !== own);
    const all = [{ context: own, sums: there }, ...others.map((context) => ({ context, sums: after(context) }))];
    const comesHigh = (context: Context): boolean => context === own && task.priority === 'High';
    const allowed = (context: Context): number =>
      comesHigh(context) ? context.limitE9 : Math.max(context.limitE9, context.sums.highE9);
    const beyond = all.find(({ context, sums }) => sums.highE9 > allowed(context));
    return {
      share,
      there,
      totalE9: all.reduce((sum, { sums }) => sum + sums.totalE9, 0),
      exceeded: beyond && { ...beyond.context, highE9: beyond.sums.highE9 },
    };
  }

  #own(where: JoinedContext): Context {
    const own = this.#contexts.find((context) => context === where);
    if (own === undefined) throw new Error('a context of another GPU');
    return own;
  }

  /** Finds n* of all classes anew, and the sums that follow. */
  #settle(): void {
    let changed = false;
    for (const [booked, unit] of this.#units()) {
      changed ||= booked.unit !== unit;
      booked.unit = unit;
    }
    const units = new Map([...this.#classes.values()].map((booked) => [booked, booked.unit]));
    for (const context of this.#contexts) context.sums = sumsOf(context, units);
    this.#totalE9 = this.#contexts.reduce((sum, { sums }) => sum + sums.totalE9, 0);
    if (changed) this.#changed();
  }

  /** The unit of n* jobs of each class, with a newcomer where one is given. */
  #units(newcomer?: Newcomer): Map<BookedClass, UnitTimes> {
    const classes = new Set(this.#classes.values());
    if (newcomer?.booked !== undefined) classes.add(newcomer.booked);
    const longest = new LongestStages(this.#aloneLongestUs);
    if (newcomer !== undefined && newcomer.booked === undefined) longest.add(newcomer.task.demand.longestStageUs);
    for (const booked of classes) longest.add(booked.alone.longestStageUs, booked);
    const bounds = { contexts: this.#contexts.length, slackUs: this.#slackUs(newcomer?.task) };
    return new Map(
      [...classes].map((booked) => {
        const own = newcomer?.booked === booked ? newcomer.task : undefined;
        const tasks = booked.tasks + (own === undefined ? 0 : 1);
        const deadlineUs = Math.min(booked.leastDeadlineUs, own?.deadlineUs ?? Number.POSITIVE_INFINITY);
        return [booked, unitOf(booked.units, { ...bounds, tasks, deadlineUs, otherUs: longest.without(booked) })];
      }),
    );
  }

  #slackUs(newcomer: PlacementTask | undefined): number {
    const own = newcomer?.priority === 'High' ? slackOf(newcomer) : Number.POSITIVE_INFINITY;
    return this.#contexts.reduce((least, { slackUs }) => Math.min(least, slackUs), own);
  }
}

interface Newcomer {
  readonly task: PlacementTask;
  /** Undefined where it never goes together with others. */
  readonly booked: BookedClass | undefined;
}

/** What the largest unit of a class depends on. */
export interface UnitBounds {
  /** Of the class, on the GPU. */
  readonly tasks: number;
  /** The least of these. */
  readonly deadlineUs: number;
  /** N_c */
  readonly contexts: number;
  /** The longest stage, alone, of tasks of other classes or of none (B). */
  readonly otherUs: number;
  /** How long a stage High tasks of every context can bear. */
  readonly slackUs: number;
}

/** That of n* jobs: the largest for which all of docs/joining.md, Admission, holds, else one job alone. */
export function unitOf(units: JobClass['units'], bounds: UnitBounds): UnitTimes {
  const { tasks, deadlineUs, contexts, otherUs, slackUs } = bounds;
  const largest = units.findLast(
    ({ jobs, afetUs, longestStageUs }) =>
      jobs * contexts <= tasks && otherUs + 2 * afetUs <= deadlineUs && longestStageUs <= slackUs,
  );
  return largest ?? units[0];
}

/** The tasks of one class on the GPU. */
class BookedClass {
  readonly units: JobClass['units'];
  tasks = 0;
  leastDeadlineUs = Number.POSITIVE_INFINITY;
  /** Of n* jobs. */
  unit: UnitTimes;
  /** By context: what its tasks there book in units of each size. */
  readonly #sums = new Map<JoinedContext, Map<UnitTimes, Sums>>();

  constructor({ units }: JobClass) {
    this.units = units;
    this.unit = units[0];
  }

  get alone(): UnitTimes {
    return this.units[0];
  }

  book(task: PlacementTask, context: JoinedContext): void {
    this.tasks++;
    this.leastDeadlineUs = Math.min(this.leastDeadlineUs, task.deadlineUs);
    const bySize = this.#sums.get(context) ?? new Map<UnitTimes, Sums>();
    this.#sums.set(context, bySize);
    for (const unit of this.units) {
      bySize.set(unit, plus(bySize.get(unit) ?? nothing, sharesOf(task, shareAt(task, unit).utilizationE9)));
    }
  }

  sums(context: JoinedContext, unit: UnitTimes): Sums {
    return this.#sums.get(context)?.get(unit) ?? nothing;
  }
}

/** The longest stage of all but one class. */
class LongestStages {
  #firstUs: number;
  #secondUs = 0;
  #holder: BookedClass | undefined;

  constructor(aloneUs: number) {
    this.#firstUs = aloneUs;
  }

  add(us: number, holder?: BookedClass): void {
    this.#secondUs = Math.max(this.#secondUs, Math.min(us, this.#firstUs));
    if (us <= this.#firstUs) return;
    this.#firstUs = us;
    this.#holder = holder;
  }

  without(booked: BookedClass): number {
    return this.#holder === booked ? this.#secondUs : this.#firstUs;
  }
}

/** u = ceil(M(n) · 10⁹ / (n · min(D, T))); of a task that never goes together with others, what it needs. */
export function shareAt({ deadlineUs, periodUs, demand }: PlacementTask, unit: UnitTimes | undefined): Share {
  if (unit === undefined) return { utilizationE9: demand.utilizationE9, jobs: 1 };
  const { jobs, afetUs } = unit;
  return { utilizationE9: utilizationE9(afetUs, jobs * deadlineUs, jobs * periodUs), jobs };
}

/** In the best company that its class can have, whoever is there. */
export function leastShareE9(task: PlacementTask): number {
  const units = task.demand.joins?.units ?? [undefined];
  return Math.min(...units.map((unit) => shareAt(task, unit).utilizationE9));
}

function slackOf({ deadlineUs, demand }: PlacementTask): number {
  return deadlineUs - demand.afetUs;
}

function sharesOf({ priority }: PlacementTask, e9: number): Sums {
  return { highE9: priority === 'High' ? e9 : 0, totalE9: e9 };
}

function sumsOf(context: Context, units: ReadonlyMap<BookedClass, UnitTimes>): Sums {
  let { highE9, totalE9 } = context.alone;
  for (const [booked, unit] of units) {
    const own = booked.sums(context, unit);
    highE9 += own.highE9;
    totalE9 += own.totalE9;
  }
  return { highE9, totalE9 };
}

function plus(one: Sums, other: Sums): Sums {
  return { highE9: one.highE9 + other.highE9, totalE9: one.totalE9 + other.totalE9 };
}
