// `make paper`: fits the model, runs every experiment of the paper on daris-sim, writes bench/paper/results/*.json.
// What it writes follows from the repository alone; with --record it also writes how long it took on this machine.
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { writeResult } from '../result.ts';
import {
  ablationRuns,
  batchingExperiments,
  bestRun,
  HIGH_SHARES,
  LOADS,
  mainExperiments,
  mretRuns,
  otherRateRuns,
  BEST,
  predictedExperiments,
  ratioRuns,
  throughputRuns,
  variationsOf,
  WINDOWS,
  WORST,
  type Experiment,
} from './experiments.ts';
import { FIT_FILE, fitAll } from './fit.ts';
import {
  h200AblatedRun,
  h200BestRun,
  h200Divisions,
  h200Mixed,
  h200Sweeps,
  measuredSets,
  type MeasuredSet,
} from './h200.ts';
import { joinedResults } from './joined.ts';
import { mretFigures, type MretFigures } from './mret.ts';
import { readObservations } from './observations.ts';
import { MEASURED_RESNET50_PER_S, Platforms } from './platform.ts';
import { distributionOf, type Distribution } from './responses.ts';
import {
  jsonOf,
  RESULT_FILE,
  type AblationRow,
  type H200Results,
  type MeasuredRow,
  type MretRow,
  type PaperResults,
  type RatioRow,
} from './results.ts';
import { scenarioOf, type Run } from './scenario.ts';
import { Simulator, type Simulated } from './simulate.ts';
import { TIME_FILE } from './time.ts';

type Sweeps = Record<string, Simulated[]>;

async function sweeps(simulator: Simulator, what: string, experiments: readonly Experiment[]): Promise<Sweeps> {
  const results: Sweeps = {};
  for (const { name, runs } of experiments) results[name] = await simulator.all(`${what}, ${name}`, runs);
  return results;
}

async function ablated(simulator: Simulator, what: string, run: Run): Promise<Record<string, AblationRow>> {
  const rows: Record<string, AblationRow> = {};
  for (const [name, draws] of Object.entries(ablationRuns(run))) {
    let responses: Distribution = { High: null, Low: null };
    const [first, ...others] = draws;
    if (first === undefined) continue;
    const priorities = new Map(scenarioOf(first).tasks.map((task) => [task.name, task.priority]));
    const read = (trace: string): void => {
      responses = distributionOf(trace, (task) => priorities.get(task) ?? 'Low');
    };
    const shown = await simulator.run(first, read);
    rows[name] = { draws: [shown, ...(await simulator.all(`${what}, ${name}`, others))], responses };
  }
  return rows;
}

async function mretResults(simulator: Simulator, what: string, runs: readonly Run[]): Promise<MretRow[]> {
  const rows: MretRow[] = [];
  for (const [i, run] of runs.entries()) {
    const low = scenarioOf(run).tasks.find(({ priority }) => priority === 'Low')?.name ?? '';
    let times: MretFigures = { exceeded: 0, jobs: 0, stagesExceeded: 0, stages: 0, series: [] };
    const simulated = await simulator.run(run, (trace) => (times = mretFigures(trace, low)));
    rows.push({ window: WINDOWS[i % WINDOWS.length] ?? 0, run: simulated, times });
  }
  process.stdout.write(`  ${what}: ${runs.length} of ${runs.length}\n`);
  return rows;
}

async function ratioResults(simulator: Simulator, what: string, runs: readonly Run[]): Promise<RatioRow[]> {
  const results = await simulator.all(what, runs);
  return Object.keys(LOADS).flatMap((load, i) =>
    HIGH_SHARES.flatMap((highShare, j) => {
      const run = results[i * HIGH_SHARES.length + j];
      return run === undefined ? [] : [{ load, highShare, run }];
    }),
  );
}

async function measuredResults(simulator: Simulator, sets: readonly MeasuredSet[]): Promise<MeasuredRow[]> {
  const rows: MeasuredRow[] = [];
  for (const { network, batch, measured, purePerS, runs } of sets) {
    const results = await simulator.all(`as measured on the H200, ${network} of batch ${batch}`, runs);
    for (const [i, { name, admission, elementsPerS, high, low }] of measured.entries()) {
      const run = results[i];
      if (run === undefined) continue;
      rows.push({
        network,
        batch,
        name,
        admission,
        purePerS,
        measuredPerS: elementsPerS,
        measuredHighUs: timesOf(high.responseUs),
        measuredLowUs: timesOf(low.responseUs),
        measuredHighMissed: high.missed,
        measuredLowMissRate: low.missRate,
        run,
      });
    }
  }
  return rows;
}

function timesOf(times: { p50: number; p99: number; max: number } | null): MeasuredRow['measuredHighUs'] {
  return times === null ? null : { p50: times.p50, p99: times.p99, max: times.max };
}

/** Whose ratios VI-I is about. */
const RATIO_NETWORKS = ['resnet18', 'unet'] as const;

async function h200Results(simulator: Simulator, platforms: Platforms): Promise<H200Results> {
  const sets = measuredSets(platforms);
  const swept = await sweeps(simulator, 'H200', h200Sweeps(platforms, sets));
  const mixed = await sweeps(simulator, 'H200', [h200Mixed(platforms, sets)]);
  const ablations = await ablated(simulator, 'H200, ablations', h200AblatedRun(platforms, sets));
  const { run } = h200BestRun(platforms, sets, 'resnet18');
  const divisions = h200Divisions('resnet18', run.sets[0]?.job.sms ?? 0);
  const mret = await mretResults(simulator, 'H200, windows', mretRuns(run, divisions));
  const ratios: Record<string, RatioRow[]> = {};
  for (const network of RATIO_NETWORKS) {
    const best = h200BestRun(platforms, sets, network);
    const runs = ratioRuns(best.run, best.fullPerS);
    ratios[network] = await ratioResults(simulator, `H200, High to Low, ${network}`, runs);
  }
  const measured = await measuredResults(simulator, sets);
  const joined = await joinedResults(simulator, platforms);
  return { sweeps: swept, mixed: mixed['mixed'] ?? [], ablations, mret, ratios, measured, joined };
}

async function ratiosOf(
  simulator: Simulator,
  platforms: Platforms,
  wide: boolean,
): Promise<Record<string, RatioRow[]>> {
  const variation = variationsOf(platforms)[wide ? 'wide' : 'measured'];
  const ratios: Record<string, RatioRow[]> = {};
  for (const network of RATIO_NETWORKS) {
    const runs = ratioRuns(bestRun(platforms, network, variation), platforms.roof(network));
    ratios[network] = await ratioResults(simulator, `High to Low, ${network}`, runs);
  }
  return ratios;
}

async function throughputResults(simulator: Simulator, platforms: Platforms): Promise<Sweeps> {
  const results: Sweeps = {};
  for (const [name, variation] of Object.entries(variationsOf(platforms)))
    results[name] = await simulator.all(`published throughputs, times ${name}`, throughputRuns(platforms, variation));
  return results;
}

async function allResults(simulator: Simulator, platforms: Platforms): Promise<PaperResults> {
  const { wide } = variationsOf(platforms);
  const [best, wideBest] = [bestRun(platforms, 'resnet18'), bestRun(platforms, 'resnet18', wide)];
  const divisions = [BEST['resnet18'], WORST].flatMap((each) => each ?? []);
  return {
    main: await sweeps(simulator, 'by configuration', mainExperiments(platforms)),
    predicted: await sweeps(simulator, 'by configuration, predicted', predictedExperiments(platforms)),
    batching: await sweeps(simulator, 'batching', batchingExperiments(platforms)),
    throughput: await throughputResults(simulator, platforms),
    otherRate: await simulator.all('resnet50 at another rate', otherRateRuns(platforms, MEASURED_RESNET50_PER_S)),
    ablations: await ablated(simulator, 'ablations', best),
    wideAblations: await ablated(simulator, 'ablations, wide times', wideBest),
    together: await simulator.run({ ...best, phases: 'together' }),
    mret: await mretResults(simulator, 'windows', mretRuns(best, divisions)),
    wideMret: await mretResults(simulator, 'windows, wide times', mretRuns(wideBest, divisions)),
    ratios: await ratiosOf(simulator, platforms, false),
    wideRatios: await ratiosOf(simulator, platforms, true),
    h200: await h200Results(simulator, platforms),
    events: simulator.events,
  };
}

/** `allResults` counts its events last, since what is written first is evaluated first. */
async function runAll(record: boolean): Promise<void> {
  const started = performance.now();
  const loadBefore = Number((loadavg()[0] ?? 0).toFixed(1));
  const gpus = fitAll(readObservations());
  mkdirSync('bench/paper/results', { recursive: true });
  writeFileSync(FIT_FILE, `${JSON.stringify({ gpus }, null, 2)}\n`);
  const simulator = new Simulator();
  const results = await allResults(simulator, new Platforms(gpus));
  writeFileSync(RESULT_FILE, `${jsonOf(results)}\n`);
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const eventsPerS = Math.round(simulator.events / seconds);
  const rate = eventsPerS.toLocaleString('en-US');
  process.stdout.write(`${RESULT_FILE} written: ${simulator.events} events in ${seconds} s, ${rate} a second\n`);
  if (record)
    writeResult(TIME_FILE, { seconds, loadBefore, events: simulator.events, runs: simulator.runs, eventsPerS });
}

if (import.meta.main) await runAll(process.argv.includes('--record'));
