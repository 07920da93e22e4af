// The drawings of docs/paper.md and docs/paper-model.md.
import { chart, type Panel, type Series } from './chart.ts';
import { HIGH_SHARES } from './experiments.ts';
import type { GpuFit } from './fit.ts';
import { readPaper } from './observations.ts';
import { lanesOf, policyOf, POLICIES } from './policies.ts';
import type { PaperResults } from './run.ts';
import type { Simulated } from './simulate.ts';

const LANES = [2, 4, 6, 8, 10].map((at) => ({ at, label: String(at) }));
const LANES_LABEL = 'jobs at once';

function byPolicy(runs: readonly Simulated[], value: (run: Simulated) => number): Series[] {
  return POLICIES.map((name) => ({
    name,
    points: runs
      .filter((run) => policyOf(run.configuration) === name)
      .map((run) => ({ x: lanesOf(run.configuration), y: value(run), title: run.configuration })),
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

function overRoof({ main }: PaperResults): string {
  const { networks } = readPaper();
  const alone = Object.fromEntries(Object.entries(main).filter(([name]) => networks[name] !== undefined));
  const panels = sweepPanels(
    alone,
    'of pure batching',
    (run, name) => run.inferencesPerS / (networks[name]?.roof ?? 1),
  );
  return chart(panels.map((panel) => ({ ...panel, reference: 1 })));
}

function gains({ main, batching }: PaperResults): string {
  return chart(
    sweepPanels(batching, 'gained by batches', (run, name) => {
      const single = main[name]?.find(({ configuration }) => configuration === run.configuration);
      return run.inferencesPerS / (single?.inferencesPerS ?? Number.NaN) - 1;
    }),
  );
}

function ablations({ ablations: all }: PaperResults): string {
  const names = Object.keys(all);
  const xTicks = names.map((label, at) => ({ at, label: label.replace('No ', '−') }));
  const panel = (priority: 'high' | 'low', title: string): Panel => ({
    title: `${title}: response, ms`,
    unit: '',
    xTicks,
    xLabel: 'resnet18, 6×1_6; − is without',
    series: (['p50', 'p99', 'max'] as const).map((name) => ({
      name,
      points: names.map((variant, x) => ({ x, y: (all[variant]?.[priority].responseUs?.[name] ?? 0) / 1000 })),
    })),
  });
  return chart([panel('high', 'High'), panel('low', 'Low')]);
}

function mret({ mret: rows }: PaperResults): string {
  const paper = rows.filter(({ window }) => window === 5);
  return chart(
    paper.map(({ run, times }) => {
      const line = (name: string, index: 0 | 1): Series => ({
        name,
        line: true,
        points: times.series.map((pair, x) => ({ x, y: pair[index] / 1000 })),
      });
      return {
        title: `${run.configuration}: a Low task, ms`,
        unit: '',
        xTicks: [0, 20, 40, 60, 80].map((at) => ({ at, label: String(at) })),
        xLabel: 'job',
        series: [line('execution time', 0), line('MRET', 1)],
      };
    }),
  );
}

function ratios({ ratios: all }: PaperResults): string {
  return chart(
    Object.entries(all).map(([name, rows]) => ({
      title: `${name}: High jobs late`,
      xTicks: HIGH_SHARES.filter((share) => share !== 0.33).map((at) => ({ at, label: `${at * 100} %` })),
      xLabel: 'High tasks',
      series: [...Map.groupBy(rows, ({ load }) => load)].map(([load, points]) => ({
        name: load,
        line: true,
        points: points.map(({ highShare, run }) => ({ x: highShare, y: run.high.missRate })),
      })),
    })),
  );
}

/** Each prediction's error, by network; fitted ones and tests in colours of their own. */
export function errorFigure(gpus: readonly GpuFit[]): string {
  return chart(
    gpus.map(({ gpu, predictions }) => {
      const networks = [...new Set(predictions.map(({ network }) => network))];
      const series = (name: string, fitted: boolean): Series => ({
        name,
        points: predictions
          .filter((each) => each.fitted === fitted)
          .map(({ network, error, configuration, batch }) => ({
            x: networks.indexOf(network),
            y: error,
            title: `${configuration}, batch ${batch}`,
          })),
      });
      return {
        title: `${gpu}: error of throughput`,
        xTicks: networks.map((label, at) => ({ at, label: label.replace('inceptionv3', 'inception') })),
        xLabel: '',
        series: [series('fitted', true), series('test', false)],
      };
    }),
  );
}

export function figuresOf(results: PaperResults, gpus: readonly GpuFit[]): Record<string, string> {
  return {
    'paper-throughput.svg': overRoof(results),
    'paper-misses.svg': chart(sweepPanels(results.main, 'Low jobs late', (run) => run.low.missRate)),
    'paper-batching.svg': gains(results),
    'paper-ablations.svg': ablations(results),
    'paper-mret.svg': mret(results),
    'paper-ratios.svg': ratios(results),
    'paper-model-error.svg': errorFigure(gpus),
  };
}
