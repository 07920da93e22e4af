// Two or three candidates for one Lease, with clocks that run at other rates and stand an hour apart, processes that are
// halted and continued, killed and started, and links that delay and lose what is sent: at no moment may two write.
import { expect, test } from '@jest/globals';
import { FakeClock } from './clock.ts';
import { LeaderElector } from './leader-elector.ts';
import { LeaseServer, SimulatedProcess, type Passage } from './testing/lease-server.ts';
import { silent } from './testing/widget.ts';

// A leader stops at 10 of its seconds, another begins at 15 of its own: that bears rates that differ by less than half.
const timing = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const slowest = 0.85;
const fastest = 1.15;
const worlds = 60;
const stepsOfAWorld = 250;

interface Candidate {
  readonly process: SimulatedProcess;
  readonly elector: LeaderElector;
  link: 'good' | 'slow' | 'lossy' | 'cut';
  lost: boolean;
}

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class World {
  readonly clock = new FakeClock();
  readonly server = new LeaseServer();
  readonly random: () => number;
  readonly elected: number[] = [];
  readonly candidates: Candidate[] = [];
  #names = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  add(): void {
    const rate = slowest + (fastest - slowest) * this.random();
    const wallOffsetMs = (this.random() - 0.5) * 7_200_000;
    const process = new SimulatedProcess(this.clock, { rate, wallOffsetMs });
    const elector = new LeaderElector({
      client: process.clientOf(this.server),
      lease: { namespace: 'lab', name: 'leader' },
      identity: `candidate-${++this.#names}`,
      timing,
      clock: process,
      random: this.random,
      log: silent(),
      onElected: (transitions) => {
        this.elected.push(transitions);
        this.check();
      },
      onLost: () => (candidate.lost = true),
    });
    const candidate: Candidate = { process, elector, link: 'good', lost: false };
    process.passage = () => this.#passage(candidate.link);
    this.candidates.push(candidate);
    elector.start();
  }

  /** Those who would pass the guard at this very moment; one that is halted does nothing. */
  get writers(): Candidate[] {
    return this.candidates.filter(({ process, elector }) => !process.halted && elector.leading);
  }

  check(): void {
    if (this.writers.length > 1) throw new Error(`two may write at ${this.clock.monotonic()} ms`);
    for (const { elector, lost } of this.candidates) if (lost && elector.leading) throw new Error('lost, and leads');
  }

  /** One thing that happens to one of them. */
  act(): void {
    const candidate = this.#any();
    const dice = this.random();
    if (dice < 0.15) candidate.process.halt();
    else if (dice < 0.4) candidate.process.continue(() => this.check());
    else if (dice < 0.75) candidate.link = this.#pick(['good', 'good', 'slow', 'lossy', 'cut']);
    else if (dice < 0.8) this.#remove(candidate, 'killed');
    else if (dice < 0.85) this.#remove(candidate, 'stopped');
    if (candidate.lost) this.#remove(candidate, 'stopped');
    while (this.candidates.length < 2 || (this.candidates.length < 3 && this.random() < 0.2)) this.add();
  }

  /** From here on nothing goes wrong. */
  heal(): void {
    for (const candidate of this.candidates.filter(({ lost }) => lost)) this.#remove(candidate, 'stopped');
    if (this.candidates.length === 0) this.add();
    for (const candidate of this.candidates) {
      candidate.process.continue();
      candidate.link = 'good';
    }
  }

  async end(): Promise<void> {
    for (const candidate of this.candidates.slice()) this.#remove(candidate, 'stopped');
    await this.clock.advance(60_000);
  }

  #remove(candidate: Candidate, how: 'killed' | 'stopped'): void {
    const at = this.candidates.indexOf(candidate);
    if (at < 0) return;
    this.candidates.splice(at, 1);
    // One that is killed does nothing any more; what it has sent may still arrive.
    if (how === 'killed') return candidate.process.halt();
    candidate.process.continue();
    candidate.elector.stop().catch((error: unknown) => {
      throw error;
    });
  }

  #passage(link: Candidate['link']): Passage {
    const delay = (mostMs: number): number => Math.floor(this.random() * mostMs);
    if (link === 'good') return { there: delay(20), back: delay(20) };
    if (link === 'slow') return { there: delay(7_000), back: delay(3_000) };
    if (link === 'cut') return { there: 'lost', back: 'lost' };
    const [there, back] = [0, 1].map(() => (this.random() < 0.4 ? ('lost' as const) : delay(2_000)));
    return { there: there ?? 'lost', back: back ?? 'lost' };
  }

  #any(): Candidate {
    return this.#pick(this.candidates);
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

test('at most one may write at any moment, each leader has a greater number, and there is always one in the end', async () => {
  let elections = 0;
  let losses = 0;
  for (let seed = 1; seed <= worlds; seed++) {
    const world = new World(seed);
    world.add();
    world.add();
    for (let step = 0; step < stepsOfAWorld; step++) {
      if (world.random() < 0.3) world.act();
      await world.clock.advance(Math.floor(world.random() * 1_500));
      world.check();
      losses += world.candidates.filter(({ lost }) => lost).length;
    }
    // Each leader's number is greater than all before it, in the order of their elections.
    expect(world.elected).toEqual([...new Set(world.elected)].toSorted((a, b) => a - b));
    const numbers = world.server.writes.map(({ leaseTransitions = 0 }) => leaseTransitions);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    world.heal();
    // The longest Lease that one of them may wait for, by the slowest clock, twice.
    for (let second = 0; second < 40 && world.writers.length === 0; second++) {
      await world.clock.advance(1_000);
      world.heal();
    }
    expect([seed, world.writers.length]).toEqual([seed, 1]);
    elections += world.elected.length;
    await world.end();
  }
  // It was about something: many leaders came, and many were lost.
  expect(elections).toBeGreaterThan(worlds * 3);
  expect(losses).toBeGreaterThan(worlds);
}, 60_000);
