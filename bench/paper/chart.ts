// Charts as SVG: panels in rows, series told apart by shape and dash as well as by colour, on a ground of their own, so
// that they can be read in grey, and on light and dark pages.

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly title?: string;
}

export interface Series {
  readonly name: string;
  /** Else a mark at each point. */
  readonly line?: boolean;
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Under the axis, and where; absent: round numbers. */
  readonly xTicks?: readonly { readonly at: number; readonly label: string }[];
  readonly xLabel: string;
  /** Where a line of reference is drawn. */
  readonly reference?: number;
  /** Percent where absent. */
  readonly unit?: string;
  /** Where the axis begins; absent: at nought. */
  readonly floor?: number;
  /** Equal factors at equal lengths; without xTicks. */
  readonly logX?: boolean;
}

const SIZE = { width: 300, height: 250, left: 54, right: 14, top: 34, bottom: 48 };
const LEGEND = { height: 22, letter: 7.4, mark: 30, gap: 14 };
const COLOURS = ['#2a78d6', '#d9480f', '#2f9e44', '#ae3ec9', '#868e96', '#b08900', '#0c8599'] as const;
const DASHES = ['', '7 3', '2 3', '9 3 2 3', '5 2 1 2', '12 4', '8 2 2 2 2 2'] as const;
const GRID_LINES = 5;
/** The plot's inside, so that marks at its edges are whole, and half of a letter of a label under it. */
const INSET = 8;
const HALF_LETTER = 3.2;

interface Tick {
  readonly at: number;
  readonly label: string;
}

interface Scale {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly number[];
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(range: number, lines: number): number {
  const raw = range / lines;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
}

function steps(low: number, high: number): number[] {
  const step = niceStep(high - low, GRID_LINES);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** 1, 2, 5, 10 … as far as the values go. */
function factors(low: number, high: number): number[] {
  const powers = Array.from({ length: 9 }, (_, i) => 10 ** (i - 4));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((value) => value >= low && value <= high);
}

function horizontal({ series, xTicks, logX = false }: Panel): Pick<Scale, 'x' | 'xTicks'> {
  const points = series.flatMap((each) => each.points.map(({ x }) => x));
  const xs = [...points, ...(xTicks?.map(({ at }) => at) ?? (logX ? [] : [0]))];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const ticks = logX ? factors(left, right) : steps(left, right);
  const shown = xTicks ?? ticks.map((at) => ({ at, label: String(Number(at.toPrecision(2))) }));
  const widest = Math.max(...[shown[0], shown.at(-1)].map((tick) => tick?.label.length ?? 0));
  const inset = Math.max(INSET, widest * HALF_LETTER - SIZE.right);
  const width = SIZE.width - SIZE.left - SIZE.right - 2 * inset;
  const along = (value: number): number =>
    logX ? Math.log(value / left) / Math.log(right / left) : (value - left) / Math.max(right - left, 1e-9);
  return { x: (value) => SIZE.left + inset + along(value) * width, xTicks: shown };
}

function scaleOf(panel: Panel): Scale {
  const { series, reference, floor } = panel;
  const points = series.flatMap((each) => each.points);
  const ys = [floor ?? 0, ...points.map(({ y }) => y), ...(reference === undefined ? [] : [reference])];
  const [low, high] = [Math.min(...ys), Math.max(...ys, 1e-9)];
  const height = SIZE.height - SIZE.top - SIZE.bottom - INSET;
  return {
    ...horizontal(panel),
    y: (value) => SIZE.top + INSET / 2 + (1 - (value - low) / (high - low)) * height,
    yTicks: steps(low, high),
  };
}

/** As many decimals as tell one step from the next. */
function decimalsOf(ticks: readonly number[], times: number): number {
  const [first = 0, second = 1] = ticks;
  return Math.max(0, Math.ceil(-Math.log10((second - first) * times) - 1e-9));
}

/** The same place for the same name in all panels. */
interface Style {
  readonly colour: string;
  readonly dash: string;
  readonly shape: number;
}

function styleOf(index: number): Style {
  return {
    colour: COLOURS[index % COLOURS.length] ?? COLOURS[0],
    dash: DASHES[index % DASHES.length] ?? '',
    shape: index % 5,
  };
}

function mark(x: number, y: number, { colour, shape }: Style, title: string): string {
  const at = (dx: number, dy: number): string => `${round(x + dx)},${round(y + dy)}`;
  const words = `<title>${title}</title>`;
  const fill = `fill="${colour}" fill-opacity="0.75"`;
  const polygon = (...corners: string[]): string => `<polygon points="${corners.join(' ')}" ${fill}>${words}</polygon>`;
  const open = `fill="none" stroke="${colour}" stroke-width="1.8"`;
  switch (shape) {
    case 0:
      return `<circle cx="${round(x)}" cy="${round(y)}" r="3.2" ${fill}>${words}</circle>`;
    case 1:
      return polygon(at(-3.6, 3), at(3.6, 3), at(0, -3.6));
    case 2:
      return `<rect x="${round(x - 3)}" y="${round(y - 3)}" width="6" height="6" fill="none" stroke="${colour}" stroke-width="1.3">${words}</rect>`;
    case 3:
      return `<path d="M${at(-4, -4)} L${at(4, 4)} M${at(-4, 4)} L${at(4, -4)}" ${open}>${words}</path>`;
    default:
      return polygon(at(0, -4.4), at(4.4, 0), at(0, 4.4), at(-4.4, 0));
  }
}

function line(points: string, { colour, dash }: Style, name: string): string {
  const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.8"${dashes}><title>${name}</title></polyline>`;
}

function seriesShape({ name, line: isLine = false, points }: Series, style: Style, { x, y }: Scale): string {
  if (isLine) {
    return line(points.map((point) => `${round(x(point.x))},${round(y(point.y))}`).join(' '), style, name);
  }
  return points.map((point) => mark(x(point.x), y(point.y), style, `${name} ${point.title ?? ''}`.trim())).join('\n');
}

function rule(y: number, width: number): string {
  return `<line x1="${SIZE.left}" x2="${SIZE.width - SIZE.right}" y1="${round(y)}" y2="${round(y)}" class="rule" stroke-width="${width}"/>`;
}

function panelShape(panel: Panel, at: { x: number; y: number }, styles: ReadonlyMap<string, Style>): string {
  const scale = scaleOf(panel);
  const percent = panel.unit === undefined;
  const digits = decimalsOf(scale.yTicks, percent ? 100 : 1);
  const label = (value: number): string =>
    percent ? `${decimal(value * 100, digits)} %` : `${decimal(value, digits)}${panel.unit}`;
  const ticks = scale.xTicks.map(({ at: x, label: words }) =>
    text(scale.x(x), SIZE.height - SIZE.bottom + 16, words, 'middle', 'font-size="11"'),
  );
  const parts = [
    text(SIZE.left, 20, panel.title, 'start', 'font-weight="bold"'),
    ...scale.yTicks.map(
      (value) => rule(scale.y(value), 0.4) + text(SIZE.left - 6, scale.y(value) + 4, label(value), 'end'),
    ),
    ...(panel.reference === undefined ? [] : [rule(scale.y(panel.reference), 1.6)]),
    ...ticks,
    text((SIZE.left + SIZE.width - SIZE.right) / 2, SIZE.height - 12, panel.xLabel, 'middle'),
    ...panel.series.map((each) => seriesShape(each, styles.get(each.name) ?? styleOf(0), scale)),
  ];
  return `<g transform="translate(${at.x},${at.y})">\n${parts.join('\n')}\n</g>`;
}

/** Entries one after the other, in a new line where the width ends. */
function legendShape(
  series: readonly Series[],
  styles: ReadonlyMap<string, Style>,
  { width, top }: { width: number; top: number },
): { shape: string; height: number } {
  let [x, y] = [SIZE.left, top + 14];
  const parts: string[] = [];
  for (const { name, line: isLine = false } of series) {
    const style = styles.get(name) ?? styleOf(0);
    const wide = LEGEND.mark + name.length * LEGEND.letter + LEGEND.gap;
    if (x > SIZE.left && x + wide > width) [x, y] = [SIZE.left, y + LEGEND.height];
    parts.push(isLine ? line(`${x - 4},${y - 4} ${x + 22},${y - 4}`, style, name) : mark(x + 12, y - 4, style, name));
    parts.push(text(x + LEGEND.mark - 4, y, name));
    x += wide;
  }
  return { shape: parts.join('\n'), height: y - top + 10 };
}

const LIGHT_AND_DARK = `<style>
rect.ground{fill:#fff}text{fill:#222}line.rule{stroke:#777}
@media(prefers-color-scheme:dark){rect.ground{fill:#15181c}text{fill:#e2e2e2}line.rule{stroke:#999}}
</style>`;

/** Three panels in a row, of four two. */
export function chart(panels: readonly Panel[]): string {
  const inRow = panels.length === 4 ? 2 : Math.min(3, Math.max(2, panels.length));
  const series = [...new Map(panels.flatMap((panel) => panel.series.map((each) => [each.name, each]))).values()];
  const styles = new Map(series.map(({ name }, i) => [name, styleOf(i)]));
  const width = inRow * SIZE.width;
  const top = Math.ceil(panels.length / inRow) * SIZE.height;
  const legend = legendShape(series, styles, { width, top });
  const height = top + legend.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    LIGHT_AND_DARK,
    `<rect class="ground" fill="#fff" width="${width}" height="${height}"/>`,
    ...panels.map((panel, i) => {
      const at = { x: (i % inRow) * SIZE.width, y: Math.floor(i / inRow) * SIZE.height };
      return panelShape(panel, at, styles);
    }),
    legend.shape,
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, words: string, anchor = 'start', more = ''): string {
  const attributes = [`x="${round(x)}"`, `y="${round(y)}"`, `text-anchor="${anchor}"`, more].join(' ').trim();
  return `<text ${attributes}>${words}</text>`;
}

function decimal(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
