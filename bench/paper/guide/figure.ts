// The drawing of docs/choosing.md: what more streams bring and cost.
import { chart, type Panel, type Series } from '../chart.ts';
import type { Served } from '../../gpu/sets.ts';
import { setsOf, streamsAtOnce, streamsOnly, titleOf, type MeasuredGpu, type MeasuredSet } from './measured.ts';

const TICKS = [2, 4, 6, 8, 10].map((at) => ({ at, label: String(at) }));

export function streamsFigure(gpu: MeasuredGpu): string {
  const series = (figure: (run: Served, set: MeasuredSet) => number): Series[] =>
    setsOf(gpu).map((set) => ({
      name: titleOf(set),
      line: true,
      points: streamsOnly(set).map((run) => ({ x: streamsAtOnce(run), y: figure(run, set) })),
    }));
  const panel = (title: string, values: Series[], unit?: string): Panel => ({
    title,
    xTicks: TICKS,
    xLabel: 'streams of one context',
    series: values,
    ...(unit === undefined ? {} : { unit }),
  });
  return chart([
    panel(
      'throughput, of the best of that set',
      series((run, { best }) => run.elementsPerS / best.elementsPerS),
    ),
    panel(
      'High p50 response, ms',
      series(({ high }) => (high.responseUs?.p50 ?? 0) / 1000),
      '',
    ),
  ]);
}
