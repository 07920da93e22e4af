// Measurements on a virtual machine: time that its host takes from a core for others, or from the whole machine, shows as
// late jobs of ours. What was measured meanwhile says nothing of the scheduler, so it is measured again rather than judged
// by softer demands.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Clock ticks of one core since the machine started. */
export interface CoreTicks {
  stolen: number;
  all: number;
}

/** At most this share of a core may be taken from us while we measure. */
const toleratedShare = 0.03;
/** So long at most may this process, which does little, stand still: else so did the machine. */
const toleratedStallMs = 150;
const attempts = 6;

/** From the text of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests count as user. */
export function ticksOf(stat: string, core: number): CoreTicks {
  const line = stat.split('\n').find((each) => each.startsWith(`cpu${core} `));
  if (line === undefined) throw new Error(`/proc/stat has no line of cpu${core}`);
  const fields = line.split(/\s+/).slice(1, 9).map(Number);
  return { stolen: fields[7] ?? 0, all: fields.reduce((sum, ticks) => sum + ticks, 0) };
}

export function stolenShare(before: CoreTicks, after: CoreTicks): number {
  return (after.stolen - before.stolen) / Math.max(1, after.all - before.all);
}

export interface Undisturbed<T> {
  result: T;
  /** The worst of the cores, while the result was measured. */
  stolen: number;
  /** The longest time that the machine stood still meanwhile. */
  stalledMs: number;
  /** How often it was measured. */
  measured: number;
}

/** What tells of the host. */
export interface Witness {
  stat(): string;
  /** From now on; asked for the longest stall, it ends. */
  watchStalls(): () => number;
}

const machine: Witness = {
  stat: () => readFileSync('/proc/stat', 'utf8'),
  watchStalls: () => {
    const delays = monitorEventLoopDelay({ resolution: 10 });
    delays.enable();
    return () => {
      delays.disable();
      return delays.max / 1e6;
    };
  },
};

/** Measures until the cores were ours while it was done; the last of a few attempts stands whatever the host did. */
export async function undisturbed<T>(
  cores: readonly number[],
  measure: () => Promise<T>,
  witness = machine,
): Promise<Undisturbed<T>> {
  for (let measured = 1; ; measured++) {
    const before = witness.stat();
    const longestStall = witness.watchStalls();
    const result = await measure();
    const stalledMs = longestStall();
    const after = witness.stat();
    const stolen = Math.max(...cores.map((core) => stolenShare(ticksOf(before, core), ticksOf(after, core))));
    const quiet = stolen <= toleratedShare && stalledMs <= toleratedStallMs;
    if (quiet || measured === attempts) return { result, stolen, stalledMs, measured };
  }
}
