// Minutes of overload with four models: whether memory grows, and whether a High job is late.
import { firstWindow, loadRuns, middle, type Document, type Line, type Tasks } from './documents.ts';

export interface MemorySample {
  readonly atS: number;
  readonly hostMiB: number | null;
  readonly gpuMiB: number | null;
}

export interface SoakDocument extends Document {
  readonly runs: readonly Line[];
  readonly memory: readonly MemorySample[];
}

export interface SoakFigures {
  readonly seconds: number;
  readonly jobsPerS: number;
  readonly high: Tasks;
  readonly low: Tasks;
  readonly memory: readonly MemorySample[];
  /** Of the last minute, MiB. */
  readonly growth: { readonly hostMiB: number; readonly gpuMiB: number };
}

const LAST_S = 60;

export function soakFigures({ runs, memory }: SoakDocument): SoakFigures {
  const run = middle(loadRuns(runs), () => 0);
  const { seconds, jobsPerS, high, low } = firstWindow(run);
  const serving = memory.filter(({ hostMiB }) => hostMiB !== null);
  return {
    seconds,
    jobsPerS,
    high,
    low,
    memory: serving,
    growth: { hostMiB: growth(serving, 'hostMiB'), gpuMiB: growth(serving, 'gpuMiB') },
  };
}

/** Between the last sample and the one about a minute before; the process has ended after the last. */
function growth(samples: readonly MemorySample[], of: 'hostMiB' | 'gpuMiB'): number {
  const last = samples.at(-2);
  if (last === undefined) throw new RangeError('a soak needs two samples of memory');
  const before = samples.findLast(({ atS }) => atS <= last.atS - LAST_S) ?? samples[0];
  const value = (sample: MemorySample | undefined): number => sample?.[of] ?? 0;
  return Math.round((value(last) - value(before)) * 10) / 10;
}
