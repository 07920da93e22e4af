// Charts as SVG: panels side by side, dots or lines, plain shapes and text that are readable on light and dark.

export interface Series {
  readonly name: string;
  readonly line?: boolean;
  readonly points: readonly { readonly x: number; readonly y: number; readonly title?: string }[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Under the axis, and where. */
  readonly xTicks: readonly { readonly at: number; readonly label: string }[];
  readonly xLabel: string;
  /** Where a line of reference is drawn. */
  readonly reference?: number;
  /** Percent where absent. */
  readonly unit?: string;
}

const SIZE = { width: 300, height: 250, left: 52, right: 12, top: 34, bottom: 44 };
const COLOURS = ['#2a78d6', '#d9480f', '#2f9e44', '#ae3ec9', '#868e96'] as const;
const GRID_LINES = 5;

interface Scale {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly ticks: readonly number[];
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(range: number): number {
  const raw = range / GRID_LINES;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
}

function scaleOf({ series, xTicks, reference }: Panel): Scale {
  const points = series.flatMap((each) => each.points);
  const ys = [0, ...points.map(({ y }) => y), ...(reference === undefined ? [] : [reference])];
  const [low, high] = [Math.min(...ys), Math.max(...ys, 1e-9)];
  const xs = [...points.map(({ x }) => x), ...xTicks.map(({ at }) => at)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [width, height] = [SIZE.width - SIZE.left - SIZE.right, SIZE.height - SIZE.top - SIZE.bottom];
  const step = niceStep(high - low);
  const first = Math.ceil(low / step);
  return {
    x: (value) => SIZE.left + 8 + ((value - left) / Math.max(right - left, 1e-9)) * (width - 16),
    y: (value) => SIZE.top + 4 + (1 - (value - low) / (high - low)) * (height - 8),
    ticks: Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step),
  };
}

function seriesShape({ name, line = false, points }: Series, colour: string, { x, y }: Scale): string {
  if (line) {
    const path = points.map((point) => `${round(x(point.x))},${round(y(point.y))}`).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"><title>${name}</title></polyline>`;
  }
  const dots = points.map(
    (point) =>
      `<circle cx="${round(x(point.x))}" cy="${round(y(point.y))}" r="3" fill="${colour}" fill-opacity="0.7"><title>${point.title ?? name}</title></circle>`,
  );
  return dots.join('\n');
}

function panelShape(panel: Panel, left: number, names: readonly string[]): string {
  const scale = scaleOf(panel);
  const right = SIZE.width - SIZE.right;
  const label = (value: number): string =>
    panel.unit === undefined ? `${round(value * 100)} %` : `${round(value)}${panel.unit}`;
  const rule = (value: number, width: number): string =>
    `<line x1="${SIZE.left}" x2="${right}" y1="${round(scale.y(value))}" y2="${round(scale.y(value))}" stroke="#999" stroke-width="${width}"/>`;
  const parts = [
    text(SIZE.left, 20, panel.title),
    ...scale.ticks.map((value) => rule(value, 0.3) + text(SIZE.left - 6, scale.y(value) + 4, label(value), 'end')),
    ...(panel.reference === undefined ? [] : [rule(panel.reference, 1.4)]),
    ...panel.xTicks.map(({ at, label: words }) => text(scale.x(at), SIZE.height - SIZE.bottom + 16, words, 'middle')),
    text(SIZE.left, SIZE.height - 8, panel.xLabel),
    ...panel.series.map((each) => seriesShape(each, colourOf(names.indexOf(each.name)), scale)),
  ];
  return `<g transform="translate(${left},0)">\n${parts.join('\n')}\n</g>`;
}

/** Series of one name have one colour in all panels. */
export function chart(panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const width = Math.max(panels.length * SIZE.width, 2 * SIZE.width);
  const y = SIZE.height + 14;
  const legend = names.map((name, i) => {
    const x = SIZE.left + i * 120;
    return `<circle cx="${x}" cy="${y - 4}" r="4" fill="${colourOf(i)}"/>` + text(x + 10, y, name);
  });
  const height = SIZE.height + 26;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<style>text{fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>',
    ...panels.map((panel, i) => panelShape(panel, i * SIZE.width, names)),
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}

function text(x: number, y: number, words: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${words}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
