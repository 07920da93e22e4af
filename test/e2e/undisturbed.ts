// Measurements on a virtual machine: time that its host takes from a core for others shows as late jobs of ours. What was
// measured meanwhile says nothing of the scheduler, so it is measured again rather than judged by softer demands.
import { readFileSync } from 'node:fs';

/** Clock ticks of one core since the machine started. */
export interface CoreTicks {
  stolen: number;
  all: number;
}

/** At most this share of a core may be taken from us while we measure. */
const toleratedShare = 0.03;
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
  /** Of the core, while the result was measured. */
  stolen: number;
  /** How often it was measured. */
  measured: number;
}

/** Measures until the core was ours while it was done; the last of a few attempts stands whatever the host did. */
export async function undisturbed<T>(
  core: number,
  measure: () => Promise<T>,
  read: () => string = () => readFileSync('/proc/stat', 'utf8'),
): Promise<Undisturbed<T>> {
  for (let measured = 1; ; measured++) {
    const before = ticksOf(read(), core);
    const result = await measure();
    const stolen = stolenShare(before, ticksOf(read(), core));
    if (stolen <= toleratedShare || measured === attempts) return { result, stolen, measured };
  }
}
