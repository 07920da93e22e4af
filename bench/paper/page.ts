// Writes docs/paper.md, the generated part of docs/paper-model.md and the drawings of both, from data and results alone:
// `node bench/paper/page.ts`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { NEAR, percent, type Claim } from './claim.ts';
import { claimsOf, policyRows } from './claims.ts';
import { figuresOf } from './figures.ts';
import { FIT_FILE, type FormFit, type GpuFit } from './fit.ts';
import { readPaper, readProbe, type PaperGpu } from './observations.ts';
import { RESNET50 } from './platform.ts';
import { RESULT_FILE, type MeasuredRow, type PaperResults } from './run.ts';

const PAGE = 'docs/paper.md';
const MODEL_PAGE = 'docs/paper-model.md';
const FIGURES = 'docs/figures';
const BEGIN = '<!-- written by `make paper` -->';
const END = '<!-- end -->';

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function figure(name: string, words: string): string {
  return `![${words}](figures/${name})`;
}

function claimsTable(claims: readonly Claim[]): string {
  return table(
    [
      'where',
      'claim',
      'the paper',
      '2080 Ti, simulated',
      'H200, simulated',
      'H200, measured',
      'fit or prediction',
      'verdict',
    ],
    claims.map(({ where, claim, paper, simulated, h200, measured, input, holds, reason }) => [
      where,
      claim,
      paper,
      simulated,
      h200 || '–',
      measured || '–',
      input ? 'input to the fit' : 'prediction',
      holds ? 'holds' : `**differs**: ${reason}`,
    ]),
  );
}

/** What the paper's own text contradicts. */
function slips({ claims, networks, throughput }: PaperGpu): string {
  const batching = networks['resnet50']?.roof ?? Number.NaN;
  const without = throughput.find(({ network, oversubscription }) => network === 'resnet50' && oversubscription === 1);
  const rate = without?.rate ?? Number.NaN;
  return [
    `- ResNet50 without oversubscription: ${rate} against ${batching} jobs a second by batching is ${percent(rate / batching - 1)}; the text says ${percent(claims.withoutOversubscriptionBelowBatching)} below.`,
    `- High jobs answer ${percent(claims.highBetterThanLow)} better than Low ones (abstract), and ${claims.highFasterThanLow} times as fast (VI-F).`,
  ].join('\n');
}

function policiesTable(main: PaperResults['main']): string {
  return table(
    ['set', 'policy', 'fastest', 'jobs a second', 'High late', 'Low late', 'Low in time, of all released'],
    policyRows(main).map(({ network, policy, run }) => [
      network,
      policy,
      run.configuration,
      run.jobsPerS,
      percent(run.high.missRate),
      percent(run.low.missRate),
      percent(run.low.onTimeRate),
    ]),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0) / values.length;
}

/** Whole runs of the scheduler against the same sets on the GPU. */
function measuredTable(rows: readonly MeasuredRow[]): string {
  const sets = [...Map.groupBy(rows, ({ network, batch }) => `${network}, batch ${batch}`)];
  return table(
    [
      'set',
      'runs',
      'throughput: mean error, mean absolute error',
      'High p50 response: mean error, mean absolute error',
    ],
    sets.map(([name, own]) => {
      const rate = own.map(({ run, measuredPerS }) => run.inferencesPerS / measuredPerS - 1);
      const response = own.flatMap(({ run, measuredHighP50Us }) =>
        run.high.responseUs === null || measuredHighP50Us === null
          ? []
          : [run.high.responseUs.p50 / measuredHighP50Us - 1],
      );
      const words = (errors: readonly number[]): string =>
        `${percent(mean(errors))}, ${percent(mean(errors.map(Math.abs)))}`;
      return [name, own.length, words(rate), words(response)];
    }),
  );
}

export function pageOf(results: PaperResults, gpus: readonly GpuFit[], paper: PaperGpu): string {
  const claims = claimsOf(results, paper, gpus);
  const [held, predicted] = [claims.filter(({ holds }) => holds), claims.filter(({ input }) => !input)];
  const errors = gpus.map(({ gpu, forms }) => `${percent(forms[0]?.test.bySource ?? Number.NaN)} on the ${gpu}`);
  return `<!-- Written by \`make paper\`; changes belong into bench/paper. -->

# The paper's claims, one by one

DARIS (Fakhim Babaei and Chantem) reports figures of an RTX 2080 Ti. Here each claim that its text makes in numbers, or that can
be told as one, stands beside what this project's scheduler does: simulated on a model of that GPU, simulated on a model of an
H200, and measured on an H200 where there are results. ${held.length} of ${claims.length} claims hold; ${predicted.length} of them are predictions, of which ${held.filter(({ input }) => !input).length} hold.

\`make paper\` runs it all and writes this page; a second run changes no byte.

## How far to trust it

- Simulated is the real scheduler core (\`daris-sim\`) on [a model of interference](paper-model.md) that was fitted to ResNet18 and
  UNet alone. On the networks that it never saw its throughput errs by ${errors.join(' and by ')}.
- For the 2080 Ti it was fitted to two published numbers, so those two are no evidence; they are marked as input.
- Execution times vary as they did on an H200 with eight lanes busy, since the paper publishes no distribution. All networks are
  divided in four stages of one length: the paper says so of ResNet only.
- Throughput *holds* where it is within ${percent(NEAR)}, and on the same side of pure batching. Other claims hold as they are worded.
- The configurations of the paper's ResNet50 figures are not in its text; 6×1_6 and 6×1_1 are assumed. ResNet50’s set has ${RESNET50.load} times the
  load of pure batching, as the others nearly have.
- On the H200 the contexts are green contexts, deadlines and rates those of the paper, the number of tasks follows from the GPU's
  own throughput. UNet's single jobs were never measured alone in the build that the engine ran, so they are not simulated. Modules are left out there with
  single jobs of ResNet18 on 8×1_8. Where a column has –, nothing was simulated or measured.

## Claims

${claimsTable(claims)}

## Where the paper contradicts itself

${slips(paper)}

## The fastest of each policy, 2080 Ti simulated

${policiesTable(results.main)}

${figure('paper-throughput.svg', 'throughput over pure batching, by jobs at once')}

${figure('paper-misses.svg', 'Low jobs late, by jobs at once')}

## Batches, modules, MRET, ratios

${figure('paper-batching.svg', 'throughput gained by batches')}

${figure('paper-ablations.svg', 'responses without each module')}

${figure('paper-mret.svg', 'execution times against MRET')}

${figure('paper-ratios.svg', 'High jobs late by share of High tasks')}

## Simulated against measured, on the H200

The same sets, partitionings and tests of admission as in [gpu.md](gpu.md), each simulated for a second.

${measuredTable(results.measured)}
`;
}

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

/** How far from linear the demands of single jobs are: both widest misses of the form, by its own numbers. */
export function modelPart(gpus: readonly GpuFit[]): string {
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
    '### Sources',
    `- H200, probe: ${readProbe().source}.\n- H200, gpu-…: \`bench/results\`, measured with the engine.\n- 2080 Ti: ${readPaper().source}.`,
  ].join('\n\n');
}

function between(text: string, part: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${MODEL_PAGE} has no marks "${BEGIN}" and "${END}"`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${part}\n\n${text.slice(end)}`;
}

if (import.meta.main) {
  const results = JSON.parse(readFileSync(RESULT_FILE, 'utf8')) as PaperResults;
  const { gpus } = JSON.parse(readFileSync(FIT_FILE, 'utf8')) as { gpus: GpuFit[] };
  writeFileSync(PAGE, pageOf(results, gpus, readPaper()));
  writeFileSync(MODEL_PAGE, between(readFileSync(MODEL_PAGE, 'utf8'), modelPart(gpus)));
  mkdirSync(FIGURES, { recursive: true });
  for (const [name, drawing] of Object.entries(figuresOf(results, gpus))) writeFileSync(`${FIGURES}/${name}`, drawing);
}
