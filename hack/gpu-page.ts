// Rewrites the part between the marks of docs/gpu.md, and the drawings beside it, from bench/results/gpu-*.json:
// `node hack/gpu-page.ts`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { LoadBesideFigures } from '../bench/gpu/load-beside.ts';
import type { BatchedSet, Served, UnbatchedSet } from '../bench/gpu/sets.ts';
import { replaceBetweenMarks, renderTable } from './benchmark-table.ts';
import { peersFigure, setsFigure } from './gpu-figures.ts';
import { readGpuResults } from './gpu-results.ts';
import { gpuRows, type GpuResults } from './gpu-rows.ts';
import { joiningPart } from './joining-page.ts';
import { severalPart } from './several-page.ts';

const PAGE = 'docs/gpu.md';
const FIGURES = 'docs/figures';

/** Drawings by file name; those of experiments that were not run are absent. */
export function figuresOf({ sets, peers }: GpuResults): Record<string, string> {
  return {
    ...(sets === undefined ? {} : { 'gpu-sets.svg': setsFigure(sets.sets) }),
    ...(peers === undefined ? {} : { 'gpu-peers.svg': peersFigure(peers) }),
  };
}

/** The generated part: all goals, then what each partitioning did. */
export function pageOf(results: GpuResults): string {
  const drawings = Object.keys(figuresOf(results)).map((name) => `![${name}](figures/${name})`);
  return [
    '### Goals',
    renderTable(gpuRows(results)),
    ...drawings,
    ...(results.sets?.sets ?? []).flatMap(batchedPart),
    ...(results.unbatched?.sets ?? []).flatMap(unbatchedPart),
    ...(results.joining === undefined ? [] : joiningPart(results.joining)),
    ...(results.loadBeside === undefined ? [] : besidePart(results.loadBeside)),
    ...(results.several === undefined ? [] : severalPart(results.several)),
  ].join('\n\n');
}

function batchedPart(set: BatchedSet): string[] {
  const pure = Object.entries(set.pureBatching).map(([batch, rate]) => `${batch}: ${number(rate)}`);
  const own = set.pureBatching[String(set.batch)] ?? Number.NaN;
  return [
    `### ${set.model}, jobs of batch ${set.batch}, load ${set.load}`,
    `Pure batching, images a second by batch: ${pure.join(', ')}.`,
    servedTable(set.sweep, 'pure batching', own),
    ...leftOut(set),
  ];
}

function unbatchedPart(set: UnbatchedSet): string[] {
  return [
    `### ${set.model}, single jobs, load ${set.load} of a bare loop on eight lanes`,
    servedTable(set.sweep, 'fastest bare loop', set.bareLoop.elementsPerS),
    ...leftOut(set),
  ];
}

function leftOut({ failed, notRun }: { failed: readonly string[]; notRun: readonly string[] }): string[] {
  return [
    ...(failed.length === 0 ? [] : [`Failed: ${failed.join('; ')}.`]),
    ...(notRun.length === 0 ? [] : [`The time was too short for: ${notRun.join(', ')}.`]),
  ];
}

function servedTable(all: readonly Served[], base: string, rate: number): string {
  const head = [
    `| partitioning | SMs | admission | s | images a second | × ${base} | HP late | LP refused | LP late | LP in time | HP p50, p99 ms | LP p50, p99 ms |`,
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
  ];
  const sorted = all.toSorted((a, b) => b.elementsPerS - a.elementsPerS);
  return [...head, ...sorted.map((served) => servedRow(served, rate))].join('\n');
}

function servedRow({ name, sms, admission, seconds, elementsPerS, high, low }: Served, rate: number): string {
  const ms = (us: Served['high']['responseUs']): string =>
    us === null ? 'none' : `${(us.p50 / 1000).toFixed(2)}, ${(us.p99 / 1000).toFixed(2)}`;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const cells = [
    name,
    sms,
    admission,
    seconds.toFixed(1),
    number(elementsPerS),
    (elementsPerS / rate).toFixed(2),
    high.missed + high.skipped + high.failed,
    percent(low.released === 0 ? 0 : low.rejected / low.released),
    percent(low.missRate),
    percent(low.onTimeRate),
    ms(high.responseUs),
    ms(low.responseUs),
  ];
  return `| ${cells.join(' | ')} |`;
}

function besidePart({ runs }: LoadBesideFigures): string[] {
  const rows = runs.flatMap(({ name, second, phases }) =>
    phases.map(({ name: phase, seconds, jobs, missed, responseUs: us }) => {
      const times = us === null ? 'none' : `${us.p50}, ${us.p99}, ${us.max}`;
      return `| ${name}, ${second} | ${phase} | ${seconds.toFixed(2)} | ${number(jobs)} | ${missed} | ${times} |`;
    }),
  );
  const head =
    '| partitioning, second model | phase | s | HP jobs | late | HP p50, p99, max µs |\n|---|---|---|---|---|---|';
  return ['### A second model, phase by phase', [head, ...rows].join('\n')];
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

if (import.meta.main) {
  const results = readGpuResults('bench/results');
  writeFileSync(PAGE, replaceBetweenMarks(readFileSync(PAGE, 'utf8'), pageOf(results)));
  mkdirSync(FIGURES, { recursive: true });
  for (const [name, drawing] of Object.entries(figuresOf(results))) writeFileSync(`${FIGURES}/${name}`, drawing);
}
