import { expect, test } from '@jest/globals';
import { chart, type Panel } from './chart.ts';

const panel: Panel = {
  title: 'a',
  xLabel: 'x',
  unit: '',
  series: [
    {
      name: 'first',
      line: true,
      points: [
        { x: 0.4, y: 1 },
        { x: 30, y: 2 },
      ],
    },
    { name: 'second', points: [{ x: 3, y: 1.5, title: 'here' }] },
  ],
};

function labels(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, words = '']) => words);
}

test('every series is in the legend once, and told apart without colour', () => {
  const svg = chart([panel, { ...panel, title: 'b' }]);
  expect(labels(svg).filter((words) => words === 'first')).toHaveLength(1);
  expect(labels(svg)).toContain('second');
  const other = chart([{ ...panel, series: panel.series.map((each) => ({ ...each, line: true })) }]);
  expect(other).toContain('stroke-dasharray');
});

test('an axis of equal factors is marked by 1, 2 and 5, and its middle is the geometric one', () => {
  const svg = chart([{ ...panel, logX: true }]);
  for (const tick of ['0.5', '1', '2', '5', '10', '20']) expect(labels(svg)).toContain(tick);
  const [, at = ''] = /<polygon points="([\d.]+),/.exec(svg) ?? [];
  const [, line = ''] = /<polyline points="([\d., ]+)"/.exec(svg) ?? [];
  const [left = 0, , right = 0] = line.split(/[ ,]/).map(Number);
  const along = Math.log(3 / 0.4) / Math.log(30 / 0.4);
  expect(Number(at) + 3.6).toBeCloseTo(left + along * (right - left), 0);
});

test('steps of less than a percent have the decimals that tell them apart', () => {
  const small = panel.series.map((each) => ({ ...each, points: each.points.map(({ x, y }) => ({ x, y: y / 1000 })) }));
  const shown = labels(chart([{ title: 'a', xLabel: 'x', series: small }])).filter((words) => words.endsWith('%'));
  expect(new Set(shown).size).toBe(shown.length);
});
