// Drawings of what was measured on a GPU, as SVG: plain shapes and text, light and dark readable.
import type { PeersFigures } from '../bench/gpu/peers.ts';
import { isWithinBounds, type BatchedSet, type Served } from '../bench/gpu/sets.ts';

const PANEL = { width: 260, height: 250, left: 44, right: 10, top: 34, bottom: 40 };
const LANES = [2, 4, 6, 8, 10];
const LEGEND_WIDTH = 640;
const COLOURS: Readonly<Record<string, string>> = {
  Streams: '#2a78d6',
  GreenContexts: '#2f9e44',
  MPS: '#d9480f',
  MPSStreams: '#ae3ec9',
};

/** A panel a set: throughput over pure batching at the same batch, by lanes. Filled points keep their bounds. */
export function setsFigure(sets: readonly BatchedSet[]): string {
  const panels = sets.map((set, index) => panel(set, index * PANEL.width));
  const modes = [...new Set(sets.flatMap(({ sweep }) => sweep.map(modeOf)))];
  const y = PANEL.height + 14;
  const legend = modes.map(
    (mode, i) => dot({ x: PANEL.left + i * 130, y: y - 4 }, mode, true) + text(PANEL.left + 10 + i * 130, y, mode),
  );
  const note = text(PANEL.left + modes.length * 130, y, 'hollow: a High job late, or 2 % of the Low ones');
  return svg(Math.max(sets.length * PANEL.width, LEGEND_WIDTH), PANEL.height + 26, [...panels, ...legend, note]);
}

function panel({ model, batch, sweep, pureBatching }: BatchedSet, at: number): string {
  const own = pureBatching[String(batch)] ?? 1;
  const points = sweep.map((served) => ({ served, ratio: served.elementsPerS / own }));
  const top = Math.max(1.4, ...points.map(({ ratio }) => ratio)) * 1.05;
  const y = (ratio: number): number =>
    PANEL.height - PANEL.bottom - (ratio / top) * (PANEL.height - PANEL.top - PANEL.bottom);
  const x = (lanes: number): number => at + PANEL.left + ((lanes - 1) / 10) * (PANEL.width - PANEL.left - PANEL.right);
  const right = at + PANEL.width - PANEL.right;
  const grid = [0, 0.25, 0.5, 0.75, 1, 1.25]
    .filter((value) => value < top)
    .map(
      (value) =>
        `<line x1="${at + PANEL.left}" x2="${right}" y1="${round(y(value))}" y2="${round(y(value))}" stroke="#999" stroke-width="${value === 1 ? 1.2 : 0.3}"/>` +
        text(at + PANEL.left - 6, y(value) + 4, String(value), 'end'),
    );
  const ticks = LANES.map((lanes) => text(x(lanes), PANEL.height - PANEL.bottom + 16, String(lanes), 'middle'));
  const dots = points.map(({ served, ratio }) =>
    dot(
      { x: x(lanesOf(served)), y: y(ratio) },
      modeOf(served),
      isWithinBounds(served),
      `${served.name} ${served.admission}: ${ratio.toFixed(2)}`,
    ),
  );
  return [
    text(at + PANEL.left, 20, `${model}, batch ${batch}: × pure batching`),
    ...grid,
    ...ticks,
    text(at + PANEL.left, PANEL.height - 6, 'jobs at once (lanes)'),
    ...dots,
  ].join('\n');
}

/** `GreenContexts 4×2_2`. */
function modeOf({ name }: Served): string {
  return name.slice(0, name.indexOf(' '));
}

function lanesOf({ name }: Served): number {
  const [, contexts = '1', streams = '1'] = / (\d+)×(\d+)_/.exec(name) ?? [];
  return Number(contexts) * Number(streams);
}

const BAR = { label: 330, height: 20, width: 380 };

/** Jobs a second of each way to share the GPU, with copies apart. */
export function peersFigure({ resident, copied, processes }: PeersFigures): string {
  const code: Readonly<Record<string, string>> = {
    eager: 'eager',
    graph: 'eager in a graph',
    compiled: 'compiled, as lanes',
  };
  const bars = [
    { label: 'eight lanes, scheduled', rate: resident.scheduled.jobsPerS, own: true },
    { label: 'eight lanes, bare loop', rate: resident.bare.jobsPerS, own: true },
    { label: 'eight lanes, scheduled, with copies', rate: copied.scheduled.jobsPerS, own: true },
    ...processes.map((each) => ({
      label: `${each.sharing === 'mps' ? 'MPS' : each.sharing === 'time' ? 'time slices' : 'alone'}, ${each.processes} × ${code[each.code] ?? each.code}${each.copies ? ', with copies' : ''}`,
      rate: each.jobsPerS,
      own: false,
    })),
  ];
  const most = Math.max(...bars.map(({ rate }) => rate));
  const drawn = bars.map(({ label, rate, own }, i) => {
    const y = 8 + i * BAR.height;
    const width = round((rate / most) * BAR.width);
    return (
      text(BAR.label - 8, y + 13, label, 'end') +
      `<rect x="${BAR.label}" y="${y}" width="${width}" height="${BAR.height - 5}" fill="${own ? COLOURS['Streams'] : '#868e96'}"/>` +
      text(BAR.label + width + 6, y + 13, Math.round(rate).toLocaleString('en-US'))
    );
  });
  return svg(BAR.label + BAR.width + 70, 16 + bars.length * BAR.height, drawn);
}

function dot({ x, y }: { x: number; y: number }, mode: string, filled: boolean, title = ''): string {
  const colour = COLOURS[mode] ?? '#868e96';
  return `<circle cx="${round(x)}" cy="${round(y)}" r="4" stroke="${colour}" fill="${filled ? colour : 'none'}"><title>${title}</title></circle>`;
}

function text(x: number, y: number, words: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${words}</text>`;
}

function svg(width: number, height: number, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`;
  return [
    head,
    '<style>text{fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
