// Measurements on a virtual machine: time that its host takes from a core for others, or from the whole machine, shows as
// late jobs of ours. What was measured meanwhile says nothing of the scheduler, so it is measured again rather than judged
// by softer demands.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Clock ticks of one core since the machine started. */
export interface CoreTicks {
  stolen: number;
  /** In which the core worked for somebody here. */
  busy: number;
  all: number;
}

/** At most this share of a core may be taken from us while we measure. */
const toleratedShare = 0.03;
/**
 * So much may others here use of the cores, the kernel's own work for us included: in one piece, of the few seconds that are
 * measured, half of a deadline.
 */
const toleratedForeignShare = 0.01;
/** So long at most may this process, which does little, stand still: else so did the machine. */
const toleratedStallMs = 150;
const attempts = 6;

/** From the text of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests count as user. */
export function ticksOf(stat: string, core: number): CoreTicks {
  const line = stat.split('\n').find((each) => each.startsWith(`cpu${core} `));
  if (line === undefined) throw new Error(`/proc/stat has no line of cpu${core}`);
  const fields = line.split(/\s+/).slice(1, 9).map(Number);
  const all = fields.reduce((sum, ticks) => sum + ticks, 0);
  const [, , , idle = 0, waiting = 0, , , stolen = 0] = fields;
  return { stolen, busy: all - idle - waiting - stolen, all };
}

export function stolenShare(before: CoreTicks, after: CoreTicks): number {
  return (after.stolen - before.stolen) / Math.max(1, after.all - before.all);
}

/** What of the cores' time neither we used nor nobody did. */
export function foreignShare(before: readonly CoreTicks[], after: readonly CoreTicks[], ownTicks: number): number {
  const grown = (what: keyof CoreTicks): number =>
    after.reduce((sum, ticks, at) => sum + ticks[what] - (before[at]?.[what] ?? 0), 0);
  return Math.max(0, grown('busy') - ownTicks) / Math.max(1, grown('all'));
}

export interface Undisturbed<T> {
  result: T;
  /** Nothing kept the cores from us; false where that was so in all attempts. */
  quiet: boolean;
  /** The worst of the cores, while the result was measured. */
  stolen: number;
  /** The longest time that the machine stood still meanwhile. */
  stalledMs: number;
  /** What others here used of the cores; 0 where nobody told what we did. */
  foreign: number;
  /** How often it was measured. */
  measured: number;
}

/** What tells of the host. */
export interface Witness {
  stat(): string;
  /** From now on; asked for the longest stall, it ends. */
  watchStalls(): () => number;
  /** Ticks that what is measured has used so far; absent, nobody else is taken to use the cores. */
  ownTicks?(): number;
}

export const machine: Witness = {
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
  witness: Witness = machine,
): Promise<Undisturbed<T>> {
  const ticks = (): CoreTicks[] => {
    const stat = witness.stat();
    return cores.map((core) => ticksOf(stat, core));
  };
  for (let measured = 1; ; measured++) {
    const [before, ownBefore] = [ticks(), witness.ownTicks?.()];
    const longestStall = witness.watchStalls();
    const result = await measure();
    const stalledMs = longestStall();
    const [after, ownAfter] = [ticks(), witness.ownTicks?.()];
    const stolen = Math.max(...after.map((end, at) => stolenShare(before[at] ?? end, end)));
    const told = ownBefore !== undefined && ownAfter !== undefined;
    const foreign = told ? foreignShare(before, after, ownAfter - ownBefore) : 0;
    const quiet = stolen <= toleratedShare && stalledMs <= toleratedStallMs && foreign <= toleratedForeignShare;
    if (quiet || measured === attempts) return { result, quiet, stolen, stalledMs, foreign, measured };
  }
}
