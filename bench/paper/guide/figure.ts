// The drawing of docs/choosing.md: what more streams bring and cost.
import type { Served } from '../../gpu/sets.ts';
import { chart, type Panel } from '../chart.ts';
import { streamsAtOnce, streamsOnly, type MeasuredGpu, type MeasuredSet } from './measured.ts';

const TICKS = [2, 4, 6, 8, 10].map((at) => ({ at, label: String(at) }));

interface Figure {
  readonly title: string;
  readonly value: (run: Served, set: MeasuredSet) => number;
  readonly more?: Pick<Panel, 'unit' | 'floor'>;
}

const THROUGHPUT: Figure = {
  title: 'of the best of the set',
  value: (run, { best }) => run.elementsPerS / best.elementsPerS,
  more: { floor: 0.7 },
};
const RESPONSE: Figure = {
  title: 'High p50, ms',
  value: ({ high }) => (high.responseUs?.p50 ?? 0) / 1000,
  more: { unit: '' },
};

export function streamsFigure({ singles, batches }: MeasuredGpu): string {
  const panel = (kind: string, sets: readonly MeasuredSet[], { title, value, more = {} }: Figure): Panel => ({
    title: `${kind}: ${title}`,
    xTicks: TICKS,
    xLabel: 'streams of one context',
    ...more,
    series: sets.map((set) => ({
      name: set.network,
      line: true,
      points: streamsOnly(set).map((run) => ({ x: streamsAtOnce(run), y: value(run, set) })),
    })),
  });
  return chart([
    panel('single jobs', singles, THROUGHPUT),
    panel('batches', batches, THROUGHPUT),
    panel('single jobs', singles, RESPONSE),
    panel('batches', batches, RESPONSE),
  ]);
}
