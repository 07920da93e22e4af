// What the experiments leave: bench/paper/results/simulated.json.
import { readFileSync } from 'node:fs';
import type { JoinedProbe } from './observations.ts';
import type { MretFigures } from './mret.ts';
import type { Distribution } from './responses.ts';
import type { Simulated } from './simulate.ts';

export const RESULT_FILE = 'bench/paper/results/simulated.json';

export interface RatioRow {
  readonly load: string;
  readonly highShare: number;
  readonly run: Simulated;
}

export interface MeasuredRow {
  readonly network: string;
  readonly batch: number;
  readonly name: string;
  readonly admission: string;
  /** Of pure batching at its own batch. */
  readonly purePerS: number;
  readonly measuredPerS: number;
  readonly measuredHighUs: { readonly p50: number; readonly p99: number; readonly max: number } | null;
  readonly measuredLowUs: { readonly p50: number; readonly p99: number; readonly max: number } | null;
  readonly measuredHighMissed: number;
  readonly measuredLowMissRate: number;
  readonly run: Simulated;
}

export interface MretRow {
  readonly window: number;
  readonly run: Simulated;
  readonly times: MretFigures;
}

/** Of one variant: a run for each draw of first releases, the spread one first, and the distribution of that one. */
export interface AblationRow {
  readonly draws: readonly Simulated[];
  readonly responses: Distribution;
}

/** What was measured, and the same joined and simulated; `meanSize` in jobs a unit. */
export interface JoinedRow {
  readonly network: string;
  readonly measured: JoinedProbe;
  readonly meanSize: number;
  readonly run: Simulated;
}

type ByName<T> = Readonly<Record<string, T>>;

export interface PaperResults {
  /** On the paper's GPU. */
  readonly main: ByName<readonly Simulated[]>;
  readonly predicted: ByName<readonly Simulated[]>;
  readonly batching: ByName<readonly Simulated[]>;
  /** In the order of the paper's throughputs, by how times vary. */
  readonly throughput: ByName<readonly Simulated[]>;
  /** Of ResNet50, its tasks at another rate. */
  readonly otherRate: readonly Simulated[];
  readonly ablations: ByName<AblationRow>;
  readonly wideAblations: ByName<AblationRow>;
  /** All tasks released at one instant first. */
  readonly together: Simulated;
  readonly mret: readonly MretRow[];
  readonly wideMret: readonly MretRow[];
  readonly ratios: ByName<readonly RatioRow[]>;
  readonly wideRatios: ByName<readonly RatioRow[]>;
  readonly h200: H200Results;
  /** Of all runs. */
  readonly events: number;
}

export interface H200Results {
  /** By network and batch: `resnet18 32`. */
  readonly sweeps: ByName<readonly Simulated[]>;
  readonly mixed: readonly Simulated[];
  readonly ablations: ByName<AblationRow>;
  readonly mret: readonly MretRow[];
  readonly ratios: ByName<readonly RatioRow[]>;
  readonly measured: readonly MeasuredRow[];
  readonly joined: readonly JoinedRow[];
}

export function readResults(): PaperResults {
  return JSON.parse(readFileSync(RESULT_FILE, 'utf8')) as PaperResults;
}

/** One run a line, so that a change of one shows as one. */
export function jsonOf(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null || 'configuration' in value || 'run' in value || depth > 4)
    return JSON.stringify(value);
  const pad = '  '.repeat(depth + 1);
  const parts = Array.isArray(value)
    ? value.map((each) => pad + jsonOf(each, depth + 1))
    : Object.entries(value).map(([key, each]) => `${pad}${JSON.stringify(key)}: ${jsonOf(each, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open ?? ''}\n${parts.join(',\n')}\n${'  '.repeat(depth)}${close ?? ''}`;
}
