// The drawings of docs/paper.md and docs/paper-model.md.
import { chart, type Panel, type Point, type Series } from './chart.ts';
import { HIGH_SHARES } from './experiments.ts';
import type { GpuFit, Prediction } from './fit.ts';
import { readPaper } from './observations.ts';
import { lanesOf, POLICIES, policyOf } from './policies.ts';
import { PAPER_SCHEDULER } from './scenario.ts';
import { PERCENTILES } from './responses.ts';
import type { AblationRow, H200Results, MeasuredRow, MretRow, PaperResults, RatioRow } from './results.ts';
import type { Simulated } from './simulate.ts';

const LANES = [2, 4, 6, 8, 10].map((at) => ({ at, label: String(at) }));
const LANES_LABEL = 'jobs at once';
/** Policies of as many jobs at once stand beside each other. */
const BESIDE = 0.22;

function byPolicy(runs: readonly Simulated[], value: (run: Simulated) => number): Series[] {
  return POLICIES.map((name, i) => ({
    name,
    points: runs
      .filter((run) => policyOf(run.configuration) === name)
      .map((run) => ({ x: lanesOf(run.configuration) + BESIDE * (i - 1), y: value(run), title: run.configuration })),
  }));
}

function sweepPanels(
  sweeps: PaperResults['main'],
  what: string,
  value: (run: Simulated, name: string) => number,
): Panel[] {
  return Object.entries(sweeps).map(([name, runs]) => ({
    title: `${name}: ${what}`,
    series: byPolicy(runs, (run) => value(run, name)),
    xTicks: LANES,
    xLabel: LANES_LABEL,
  }));
}

/** Beside each network's configurations what the paper's text says of one. */
function overRoof({ main }: PaperResults): string {
  const { networks, throughput } = readPaper();
  const roofOf = (name: string): number => networks[name]?.roof ?? 1;
  const known = Object.fromEntries(Object.entries(main).filter(([name]) => networks[name] !== undefined));
  const panels = sweepPanels(known, 'of pure batching', (run, name) => run.inferencesPerS / roofOf(name));
  return chart(
    panels.map((panel, i) => {
      const name = Object.keys(known)[i] ?? '';
      const points = throughput
        .filter(({ network }) => network === name)
        .map(({ contexts, oversubscription, rate, shareOfRoof }) => ({
          x: contexts,
          y: shareOfRoof ?? (rate ?? Number.NaN) / roofOf(name),
          title: `${contexts}×1_${oversubscription}`,
        }));
      return { ...panel, series: [...panel.series, { name: 'the paper', points }], reference: 1 };
    }),
  );
}

function gains({ main, batching }: PaperResults): string {
  return chart(
    sweepPanels(batching, 'gained by batches', (run, name) => {
      const single = main[name]?.find(({ configuration }) => configuration === run.configuration);
      return run.inferencesPerS / (single?.inferencesPerS ?? Number.NaN) - 1;
    }),
  );
}

/** Batches on the H200: simulated and measured, over the same batches one after the other. */
function h200Panels(
  { sweeps, measured }: H200Results,
  what: string,
  value: (run: Simulated, pure: number) => number,
  found: (row: MeasuredRow) => number,
): Panel[] {
  const batches = [...Map.groupBy(measured, ({ network, batch }) => `${network} ${batch}`)].filter(
    ([, rows]) => (rows[0]?.batch ?? 1) > 1,
  );
  return batches.map(([name, rows]) => {
    const pure = rows[0]?.purePerS ?? Number.NaN;
    const points: Point[] = rows.map((row) => ({
      x: lanesOf(row.run.configuration) + 2 * BESIDE,
      y: found(row),
      title: row.name,
    }));
    const [network = '', batch = ''] = name.split(' ');
    return {
      title: `${network} of ${batch}: ${what}`,
      series: [...byPolicy(sweeps[name] ?? [], (run) => value(run, pure)), { name: 'measured', points }],
      xTicks: LANES,
      xLabel: LANES_LABEL,
    };
  });
}

function distributionPanel(all: Readonly<Record<string, AblationRow>>, priority: 'High' | 'Low', title: string): Panel {
  return {
    title,
    xLabel: 'response, ms',
    logX: true,
    series: Object.entries(all).map(([name, { responses }]) => ({
      name,
      line: true,
      points: (responses[priority] ?? []).map((us, i) => ({ x: us / 1000, y: (PERCENTILES[i] ?? 0) / 100 })),
    })),
  };
}

function ablations({ ablations: ours, h200 }: PaperResults): string {
  return chart([
    distributionPanel(ours, 'High', '2080 Ti, 6×1_6, High: done by'),
    distributionPanel(ours, 'Low', '2080 Ti, 6×1_6, Low: done by'),
    distributionPanel(h200.ablations, 'High', 'H200, 8×1_8, High: done by'),
    distributionPanel(h200.ablations, 'Low', 'H200, 8×1_8, Low: done by'),
  ]);
}

/** Job by job, without the first ones, which meet fewer neighbours than there will be. */
function mretPanel({ run, times, window }: MretRow): Panel {
  const settled = times.series.slice(window);
  const line = (name: string, index: 0 | 1): Series => ({
    name,
    line: true,
    points: settled.map((pair, i) => ({ x: i + window, y: pair[index] / 1000 })),
  });
  return {
    title: `resnet18, ${run.configuration}: a Low task, ms`,
    unit: '',
    xLabel: 'job',
    floor: Math.floor(Math.min(...settled.flat()) / 500) / 2,
    series: [line('execution time', 0), line('MRET when it began', 1)],
  };
}

function mret({ mret: rows }: PaperResults): string {
  return chart(rows.filter(({ window }) => window === PAPER_SCHEDULER.mretWindow).map(mretPanel));
}

const SHARES = HIGH_SHARES.filter((share) => share !== 0.33).map((at) => ({ at, label: `${at * 100} %` }));

function ratioPanel(
  title: string,
  rows: readonly RatioRow[],
  value: (run: Simulated) => number | undefined,
  unit?: string,
): Panel {
  return {
    title,
    xTicks: SHARES,
    xLabel: 'share of High tasks',
    ...(unit === undefined ? {} : { unit }),
    series: [...Map.groupBy(rows, ({ load }) => load)].map(([load, points]) => ({
      name: load,
      line: true,
      points: points.flatMap(({ highShare, run }) => {
        const y = value(run);
        return y === undefined ? [] : [{ x: highShare, y }];
      }),
    })),
  };
}

/** Of a handful of jobs a rate says nothing. */
function lateOfMany({ released, rejected, skipped, missRate }: Simulated['low']): number | undefined {
  return released > 0 && released - rejected - skipped >= 0.01 * released ? missRate : undefined;
}

function ratios(all: PaperResults['ratios']): string {
  return chart(
    Object.entries(all).flatMap(([name, rows]) => [
      ratioPanel(`${name}: inputs a second`, rows, (run) => run.inferencesPerS, ''),
      ratioPanel(`${name}: High late`, rows, ({ high }) => high.missRate),
      ratioPanel(`${name}: Low late`, rows, ({ low }) => lateOfMany(low)),
    ]),
  );
}

/** Configurations of a network lie beside each other, in the order in which they are listed. */
function apart(
  { network, configuration, batch }: Pick<Prediction, 'network' | 'configuration' | 'batch'>,
  all: readonly Prediction[],
): number {
  const own = all.filter((each) => each.network === network);
  const index = own.findIndex((each) => each.configuration === configuration && each.batch === batch);
  return own.length < 2 ? 0 : 0.7 * (index / (own.length - 1) - 0.5);
}

/** Each prediction's error, by network; fitted ones and tests apart. */
export function errorFigure(gpus: readonly GpuFit[]): string {
  return chart(
    gpus.map(({ gpu, predictions }) => {
      const networks = [...new Set(predictions.map(({ network }) => network))];
      const series = (name: string, fitted: boolean): Series => ({
        name,
        points: predictions
          .filter((each) => each.fitted === fitted)
          .map(({ network, error, configuration, batch }) => ({
            x: networks.indexOf(network) + apart({ network, configuration, batch }, predictions),
            y: error,
            title: `${configuration}, batch ${batch}`,
          })),
      });
      return {
        title: `${gpu}: error of throughput`,
        xTicks: networks.map((label, at) => ({ at, label: label.replace('inceptionv3', 'inception') })),
        xLabel: 'each point a configuration',
        reference: 0,
        series: [series('fitted', true), series('test', false)],
      };
    }),
  );
}

export function figuresOf(results: PaperResults, gpus: readonly GpuFit[]): Record<string, string> {
  const { h200 } = results;
  const rate = h200Panels(
    h200,
    'of pure batching',
    (run, pure) => run.inferencesPerS / pure,
    ({ measuredPerS, purePerS }) => measuredPerS / purePerS,
  );
  const late = h200Panels(
    h200,
    'Low late',
    (run) => run.low.missRate,
    ({ measuredLowMissRate }) => measuredLowMissRate,
  );
  return {
    'paper-throughput.svg': overRoof(results),
    'paper-misses.svg': chart(sweepPanels(results.main, 'Low jobs late', (run) => run.low.missRate)),
    'paper-h200-throughput.svg': chart(rate.map((panel) => ({ ...panel, reference: 1, floor: 0.5 }))),
    'paper-h200-misses.svg': chart(late),
    'paper-batching.svg': gains(results),
    'paper-ablations.svg': ablations(results),
    'paper-mret.svg': mret(results),
    'paper-ratios.svg': ratios(results.ratios),
    'paper-h200-ratios.svg': ratios(h200.ratios),
    'paper-model-error.svg': errorFigure(gpus),
  };
}
