// Rewrites the table between the marks in README.md from bench/results/*.json: `node hack/benchmark-table.ts`.
// `make verify` runs it and fails where the committed file differs.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  failoverRows,
  placementRows,
  runtimeRows,
  scaleRows,
  schedRows,
  systemRows,
  type FailoverResult,
  type PlacementResult,
  type Row,
  type RuntimeResult,
  type ScaleResult,
  type SchedResult,
  type SystemResult,
} from './benchmark-rows.ts';
import { readGpuResults } from './gpu-results.ts';
import { gpuRows } from './gpu-rows.ts';

const BEGIN = '<!-- written from bench/results; `make generate` -->';
const END = '<!-- end -->';

/** A Markdown table; a goal that was not reached says so. */
export function renderTable(rows: readonly Row[]): string {
  const lines = rows.map(({ what, goal, measured }) => `| ${what} | ${goalCell(goal)} | ${measured} |`);
  return ['| what | goal | measured |', '|---|---|---|', ...lines].join('\n');
}

function goalCell(goal: Row['goal']): string {
  if (goal === undefined) return '';
  return goal.reached ? goal.text : `${goal.text}, **not reached**`;
}

/** The text with what stands between the marks replaced. Throws where it has no marks. */
export function replaceBetweenMarks(text: string, table: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0)
    throw new Error(`the page needs the lines "${BEGIN}" and "${END}" around what is generated`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${table}\n\n${text.slice(end)}`;
}

/** All rows, from a folder of results. */
export function rowsFrom(folder: string): Row[] {
  const read = (name: string): unknown => JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'));
  return [
    ...runtimeRows(read('runtime') as RuntimeResult),
    ...schedRows(read('sched') as SchedResult),
    ...systemRows(read('system') as SystemResult),
    ...failoverRows(read('failover') as FailoverResult),
    ...placementRows(read('placement') as PlacementResult),
    ...scaleRows(read('scale') as ScaleResult),
    ...gpuRows(readGpuResults(folder)),
  ];
}

if (import.meta.main) {
  const table = renderTable(rowsFrom('bench/results'));
  writeFileSync('README.md', replaceBetweenMarks(readFileSync('README.md', 'utf8'), table));
}
