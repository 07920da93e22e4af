// The generated part of docs/paper-model.md: the numbers of the model, the forms that were tried, errors by source.
import { percent } from './claim.ts';
import type { FormFit, GpuFit } from './fit.ts';
import { figure, table } from './markdown.ts';
import { readPaper, readProbe } from './observations.ts';
import type { JoinedRow, PaperResults } from './results.ts';

const BEGIN = '<!-- written by `make paper` -->';
const END = '<!-- end -->';
const JOINED_WORDS = `Simulated, then measured, on one H200 with two streams; nothing of the measured column went into a number but what batches do alone. The rules
are not the same: what was measured takes all that waits on whichever lane is free, refuses nobody and divides nothing in stages; what is
simulated obeys [joining.md](joining.md). Where units are small both do the same, and the figures can be compared; near the roof the rules
differ, since a lane that prefers begun units makes fewer and larger ones.`;

function formRow({ form, numbers, fit, test }: FormFit, gpu: string): string[] {
  return [
    gpu,
    form,
    numbers.length === 0 ? 'none' : numbers.join(', '),
    `${percent(fit.bySource)}, ${percent(fit.byPoint)}`,
    `${percent(test.bySource)}, ${percent(test.byPoint)}`,
  ];
}

function sourcesTable({ sources }: GpuFit): string {
  return table(
    ['network', 'measured in', 'part', 'points', 'mean absolute error', 'mean error', 'worst'],
    sources.map(({ network, source, fitted, points, absolute, signed, worst, worstAt }) => [
      network,
      source,
      fitted ? 'fit' : 'test',
      points,
      percent(absolute),
      percent(signed),
      `${percent(worst)} (${worstAt})`,
    ]),
  );
}

function joinedTable(rows: readonly JoinedRow[]): string {
  return table(
    [
      'network',
      'offered, of the roof',
      'jobs a second: simulated, measured',
      'jobs a unit',
      'High p50, µs',
      'High p99, µs',
      'refused, simulated',
    ],
    rows.map(({ network, measured, meanSize, run: { jobsPerS, high, low } }) => [
      network,
      measured.offered,
      `${jobsPerS}, ${measured.rate}`,
      `${meanSize}, ${measured.meanSize}`,
      `${high.responseUs?.p50 ?? '–'}, ${measured.highP50Us}`,
      `${high.responseUs?.p99 ?? '–'}, ${measured.highP99Us}`,
      percent((high.rejected + low.rejected) / (high.released + low.released)),
    ]),
  );
}

/** What stands between the marks. */
export function modelPart(gpus: readonly GpuFit[], { h200: { joined } }: PaperResults): string {
  const parameters = gpus.map(({ gpu, parameters: p, forms }) => [
    gpu,
    p.leastSm,
    p.smPerShare,
    p.memory,
    percent(forms[0]?.test.bySource ?? Number.NaN),
  ]);
  return [
    '### Numbers',
    table(['GPU', 'w₀', 'w₁', 'm', 'mean absolute error on the test part'], parameters),
    figure('paper-model-error.svg', 'error of each prediction, by network'),
    '### Forms that were tried',
    table(
      ['GPU', 'form', 'numbers', 'fit part: error by source, by point', 'test part: error by source, by point'],
      gpus.flatMap(({ gpu, forms }) => forms.map((each) => formRow(each, gpu))),
    ),
    ...gpus.flatMap((each) => [`### Errors on the ${each.gpu}`, sourcesTable(each)]),
    '### Joined jobs',
    JOINED_WORDS,
    joinedTable(joined),
    '### Sources',
    `- H200, probe: ${readProbe().source}.\n- H200, gpu-…: \`bench/results\`, measured with the engine.\n- 2080 Ti: ${readPaper().source}.`,
  ].join('\n\n');
}

/** The page with that part anew. */
export function withModelPart(text: string, gpus: readonly GpuFit[], results: PaperResults): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page of the model has no marks "${BEGIN}" and "${END}"`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${modelPart(gpus, results)}\n\n${text.slice(end)}`;
}
