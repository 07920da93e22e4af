// The libFuzzer programs of build/fuzz/bin, and how each is started.

export interface Target {
  readonly name: string;
  /** Committed inputs to start from: mostly for formats that random bytes never reach. */
  readonly seeds?: string;
  /** Its part of the time that is asked for; the scheduler core has all of it. */
  readonly share: number;
  /** The longest input, bytes. */
  readonly maxLength: number;
}

export const targets: readonly Target[] = [
  { name: 'sched_calls_fuzz', share: 1, maxLength: 4096 },
  { name: 'model_manifest_fuzz', seeds: 'agent-native/tests/model/seeds', share: 1 / 6, maxLength: 8192 },
  { name: 'engine_onnx_data_fuzz', seeds: 'agent-native/tests/engine/seeds', share: 1 / 6, maxLength: 4096 },
];

export const ARTIFACTS = 'build/fuzz-artifacts';
const PROGRAMS = 'build/fuzz/bin';

/** What it has found so far; every run goes on from there. */
export function corpusOf({ name }: Target): string {
  return `build/fuzz/corpus/${name}`;
}

/** At least one second each. */
export function secondsOf({ share }: Target, seconds: number): number {
  return Math.max(1, Math.round(share * seconds));
}

/** Program and arguments of a run of so many seconds in total. */
export function commandOf(target: Target, seconds: number): [string, ...string[]] {
  return [
    `${PROGRAMS}/${target.name}`,
    `-max_total_time=${secondsOf(target, seconds)}`,
    `-max_len=${target.maxLength}`,
    '-timeout=20',
    '-rss_limit_mb=3072',
    '-print_final_stats=1',
    `-artifact_prefix=${ARTIFACTS}/${target.name}-`,
    corpusOf(target),
    ...(target.seeds === undefined ? [] : [target.seeds]),
  ];
}

/** The input that made it end, as libFuzzer names it, if it wrote one. */
export function artifactIn(output: string): string | undefined {
  return /Test unit written to (\S+)/.exec(output)?.[1];
}

/** How many inputs were tried. */
export function runsIn(output: string): number {
  return Number(/stat::number_of_executed_units:\s*(\d+)/.exec(output)?.[1] ?? 0);
}

/** How to see the failure again. */
export function reproduction(target: Target, artifact: string): string {
  return `${PROGRAMS}/${target.name} ${artifact}`;
}
