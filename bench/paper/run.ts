// `make paper`: fits the model, runs every experiment of the paper on daris-sim, writes bench/paper/results/*.json.
// What it writes follows from the repository alone; how long it took is said on the terminal only.
import { mkdirSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import {
  ablationRuns,
  h200AblationRuns,
  ABLATIONS,
  batchingExperiments,
  BEST,
  HIGH_SHARES,
  LOADS,
  mainExperiments,
  measuredSets,
  mretRuns,
  ratioRuns,
  WINDOWS,
  type Experiment,
} from './experiments.ts';
import { FIT_FILE, fitAll } from './fit.ts';
import { mretFigures, type MretFigures } from './mret.ts';
import { readObservations } from './observations.ts';
import { Platforms } from './platform.ts';
import { scenarioOf, type Run } from './scenario.ts';
import { Simulator, type Simulated } from './simulate.ts';

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
  readonly measuredHighP50Us: number | null;
  readonly measuredHighMissed: number;
  readonly measuredLowMissRate: number;
  readonly run: Simulated;
}

export interface PaperResults {
  readonly main: Readonly<Record<string, readonly Simulated[]>>;
  readonly batching: Readonly<Record<string, readonly Simulated[]>>;
  readonly ablations: Readonly<Record<string, Simulated>>;
  readonly h200Ablations: Readonly<Record<string, Simulated>>;
  readonly mret: readonly { readonly window: number; readonly run: Simulated; readonly times: MretFigures }[];
  readonly ratios: Readonly<Record<string, readonly RatioRow[]>>;
  readonly measured: readonly MeasuredRow[];
}

async function sweeps(
  simulator: Simulator,
  what: string,
  experiments: readonly Experiment[],
): Promise<Record<string, Simulated[]>> {
  const results: Record<string, Simulated[]> = {};
  for (const { name, runs } of experiments) results[name] = await simulator.all(`${what}, ${name}`, runs);
  return results;
}

async function ablated(simulator: Simulator, what: string, runs: readonly Run[]): Promise<Record<string, Simulated>> {
  const results = await simulator.all(what, runs);
  return Object.fromEntries(Object.keys(ABLATIONS).flatMap((name, i) => (results[i] ? [[name, results[i]]] : [])));
}

async function mretResults(simulator: Simulator, platforms: Platforms): Promise<PaperResults['mret']> {
  const rows: PaperResults['mret'][number][] = [];
  for (const [i, run] of mretRuns(platforms).entries()) {
    const low = scenarioOf(run).tasks.find(({ priority }) => priority === 'Low')?.name ?? '';
    let times: MretFigures = { exceeded: 0, stages: 0, series: [] };
    const simulated = await simulator.run(run, (trace) => (times = mretFigures(trace, low)));
    rows.push({ window: WINDOWS[i % WINDOWS.length] ?? 0, run: simulated, times });
  }
  return rows;
}

async function ratioResults(simulator: Simulator, platforms: Platforms, network: string): Promise<RatioRow[]> {
  const results = await simulator.all(`High to Low, ${network}`, ratioRuns(platforms, network));
  return Object.keys(LOADS).flatMap((load, i) =>
    HIGH_SHARES.flatMap((highShare, j) => {
      const run = results[i * HIGH_SHARES.length + j];
      return run === undefined ? [] : [{ load, highShare, run }];
    }),
  );
}

async function measuredResults(simulator: Simulator, platforms: Platforms): Promise<MeasuredRow[]> {
  const rows: MeasuredRow[] = [];
  for (const { network, batch, measured, purePerS, runs } of measuredSets(platforms)) {
    const results = await simulator.all(`as measured on the H200, ${network} of batch ${batch}`, runs);
    for (const [i, { name, admission, elementsPerS, high, low }] of measured.entries()) {
      const run = results[i];
      if (run === undefined) continue;
      const measuredHighP50Us = high.responseUs?.p50 ?? null;
      rows.push({
        network,
        batch,
        name,
        admission,
        purePerS,
        measuredHighP50Us,
        run,
        measuredPerS: elementsPerS,
        measuredHighMissed: high.missed,
        measuredLowMissRate: low.missRate,
      });
    }
  }
  return rows;
}

/** One run a line, so that a change of one shows as one. */
function jsonOf(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null || 'configuration' in value || 'run' in value || depth > 3)
    return JSON.stringify(value);
  const pad = '  '.repeat(depth + 1);
  const parts = Array.isArray(value)
    ? value.map((each) => pad + jsonOf(each, depth + 1))
    : Object.entries(value).map(([key, each]) => `${pad}${JSON.stringify(key)}: ${jsonOf(each, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open ?? ''}\n${parts.join(',\n')}\n${'  '.repeat(depth)}${close ?? ''}`;
}

async function runAll(): Promise<void> {
  const started = performance.now();
  const gpus = fitAll(readObservations());
  mkdirSync('bench/paper/results', { recursive: true });
  writeFileSync(FIT_FILE, `${JSON.stringify({ gpus }, null, 2)}\n`);
  const [platforms, simulator] = [new Platforms(gpus), new Simulator()];
  const main = await sweeps(simulator, 'by configuration', mainExperiments(platforms));
  const batching = await sweeps(simulator, 'batching', batchingExperiments(platforms));
  const ablations = await ablated(simulator, 'ablations', ablationRuns(platforms));
  const h200Ablations = await ablated(simulator, 'ablations, H200', h200AblationRuns(platforms));
  const mret = await mretResults(simulator, platforms);
  const ratios: Record<string, RatioRow[]> = {};
  for (const network of Object.keys(BEST).filter((name) => name === 'resnet18' || name === 'unet'))
    ratios[network] = await ratioResults(simulator, platforms, network);
  const measured = await measuredResults(simulator, platforms);
  const results: PaperResults = { main, batching, ablations, h200Ablations, mret, ratios, measured };
  writeFileSync(RESULT_FILE, `${jsonOf(results)}\n`);
  const seconds = (performance.now() - started) / 1000;
  const rate = Math.round(simulator.events / seconds).toLocaleString('en-US');
  process.stdout.write(
    `${RESULT_FILE} written: ${simulator.events} events in ${seconds.toFixed(1)} s, ${rate} a second\n`,
  );
}

if (import.meta.main) await runAll();
