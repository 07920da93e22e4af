// Writes docs/paper.md, the generated part of docs/paper-model.md and the drawings of both, from data and results alone:
// `node bench/paper/page.ts`.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { ms, NEAR, number, percent, SHARP, signed, type Claim } from './claim.ts';
import { claimsOf, policyRows } from './claims.ts';
import { WIDER } from './experiments.ts';
import { figuresOf } from './figures.ts';
import { FIT_FILE, type GpuFit } from './fit.ts';
import { GROUP } from './h200.ts';
import { figure, table } from './markdown.ts';
import { withModelPart } from './model-page.ts';
import { readPaper, type PaperGpu } from './observations.ts';
import { MEASURED_RESNET50_PER_S, RESNET50 } from './platform.ts';
import { readResults, type MeasuredRow, type PaperResults } from './results.ts';
import { PAPER_SCHEDULER, STAGES } from './scenario.ts';
import { TIME_FILE, type Took } from './time.ts';

const PAGE = 'docs/paper.md';
const MODEL_PAGE = 'docs/paper-model.md';
const FIGURES = 'docs/figures';

function claimsTable(claims: readonly Claim[]): string {
  const head = [
    'where',
    'claim',
    'the paper',
    '2080 Ti, simulated',
    'H200, simulated',
    'H200, measured',
    'fit or prediction',
    'verdict',
  ];
  return table(
    head,
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
    '- MPS+STR has the worst throughput in all configurations (VI-C), and outperforms STR (VI-1).',
    `- No deadline is missed under STR (VI-A), but for inceptionv3 on 1×2, where it is up to ${percent(claims.strInception1x2LowMissRate)}; VI-B says zero.`,
  ].join('\n');
}

/** Others' figures that the paper sets beside its own. */
function notCompared({ claims, networks, throughput }: PaperGpu): string {
  const { batching, rate } = claims.gslice;
  const roof = networks['resnet50']?.roof ?? Number.NaN;
  const own = throughput.find(({ network, oversubscription }) => network === 'resnet50' && oversubscription > 1)?.rate;
  const [gain, ownGain] = [rate / batching - 1, (own ?? Number.NaN) / roof - 1];
  return [
    `- GSlice, ResNet50 (VI-B): ${signed(claims.betterThanGslice)} of throughput. The text has ${number(rate)} against ${number(batching)} jobs a second by batching for GSlice, ${signed(gain)}, on its own GPU, and ${signed(ownGain)} for DARIS on the 2080 Ti: ${percent(claims.betterThanGslice)} is the difference of the two gains (${percent(ownGain - gain)}). Neither ran on the other's GPU.`,
    `- Deadlines (VI-B): the closest other work reports ${percent(claims.closestHighMissRate)} of High and up to ${percent(claims.closestLowMissRate)} of Low jobs late, RTGPU up to ${percent(claims.rtgpuMissRate)} of all, each with its own loads.`,
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
  const words = (errors: readonly number[]): string =>
    `${percent(mean(errors))}, ${percent(mean(errors.map(Math.abs)))}`;
  return table(
    [
      'set',
      'runs',
      'throughput: mean error, mean absolute error',
      'High p50 response: mean error, mean absolute error',
    ],
    sets.map(([name, own]) => {
      const rate = own.map(({ run, measuredPerS }) => run.inferencesPerS / measuredPerS - 1);
      const response = own.flatMap(({ run, measuredHighUs }) =>
        run.high.responseUs === null || measuredHighUs === null
          ? []
          : [run.high.responseUs.p50 / measuredHighUs.p50 - 1],
      );
      return [name, own.length, words(rate), words(response)];
    }),
  );
}

/** Throughput with times that vary otherwise, and with all tasks released first at one instant. */
function sensitivity({ throughput, together, main, otherRate }: PaperResults, paper: PaperGpu): string {
  const rows = paper.throughput.map(({ network, contexts, oversubscription }, i) => [
    `${network}, ${contexts}×1_${oversubscription}`,
    ...['steady', 'measured', 'wide'].map((name) => number(throughput[name]?.[i]?.inferencesPerS ?? Number.NaN)),
  ]);
  const spread = main['resnet18']?.find(({ configuration }) => configuration === together.configuration);
  const { responseUs } = together.high;
  const others = otherRate.map(({ configuration, inferencesPerS }) => `${configuration} ${number(inferencesPerS)}`);
  return `${table(['jobs a second', 'steady times', 'as measured', `${WIDER} times as varied`], rows)}

First releases: were all tasks of resnet18 released at one instant, ${together.configuration} would do ${number(together.inferencesPerS)} jobs a second, not ${number(spread?.inferencesPerS ?? 0)}, with
High responses of ${ms(responseUs?.p50 ?? 0)} (p50) to ${ms(responseUs?.max ?? 0)} ms; the paper reports ${paper.claims.highResponseMs.join('–')} ms. So they are spread.

ResNet50: were the same load made of tasks of ${MEASURED_RESNET50_PER_S} jobs a second, not ${RESNET50.jobsPerS}, ${others.join(' and ')} jobs a second: shorter periods make each job book more.`;
}

function tookWords(results: PaperResults): string {
  if (!existsSync(TIME_FILE)) return '';
  const { machine, seconds, loadBefore, events, runs, eventsPerS } = JSON.parse(
    readFileSync(TIME_FILE, 'utf8'),
  ) as Took;
  const same = events === results.events ? '' : `, when it had ${number(events)} events`;
  return ` On ${machine.cores} cores of ${machine.processor} (load average before it: ${loadBefore.toFixed(1)}) it took ${Math.round(seconds)} s for ${number(runs)} runs: ${number(eventsPerS)} events a second${same}.`;
}

function summary(claims: readonly Claim[]): string {
  const held = claims.filter(({ holds }) => holds);
  const predictions = claims.filter(({ input }) => !input);
  return `${held.length} of ${claims.length} claims hold; ${predictions.length} of them are predictions, of which ${predictions.filter(({ holds }) => holds).length} hold.`;
}

export function pageOf(results: PaperResults, gpus: readonly GpuFit[], paper: PaperGpu): string {
  const claims = claimsOf(results, paper, gpus);
  const errors = gpus.map(({ gpu, forms }) => `${percent(forms[0]?.test.bySource ?? Number.NaN)} on the ${gpu}`);
  const loads = Object.values(paper.networks).flatMap(({ high, low, jobsPerS, roof }) =>
    high === undefined || low === undefined || jobsPerS === undefined ? [] : [((high + low) * jobsPerS) / roof],
  );
  return `<!-- Written by \`make paper\`; changes belong into bench/paper. -->

# The paper's claims, one by one

DARIS (Fakhim Babaei and Chantem) reports figures of an RTX 2080 Ti. Here each claim that its text makes in numbers, or that can
be told as one, stands beside what this project's scheduler does: simulated on a model of that GPU, simulated on a model of an
H200, and measured on an H200 where there are results. ${summary(claims)}
What users should take from it: [choosing.md](choosing.md).

\`make paper\` runs it all and writes this page; a second run changes no byte.${tookWords(results)}

## How far to trust it

- Simulated is the real scheduler core (\`daris-sim\`) on [a model of interference](paper-model.md) that was fitted to ResNet18 and
  UNet alone. On the networks that it never saw its throughput errs by ${errors.join(' and by ')}.
- For the 2080 Ti it was fitted to two published numbers, so those two are no evidence; they are marked as input.
- The scheduler is the paper's: the test (12) alone, windows of ${PAPER_SCHEDULER.mretWindow} that do not age, AFETs with all streams busy.
- Execution times vary as they did on an H200 with all lanes busy, since the paper publishes no distribution
  ([what hangs on that](#what-hangs-on-what-the-paper-does-not-say)). All networks are divided in ${STAGES} stages of one length: the paper says so of ResNet only.
- Throughput *holds* where it is within ${percent(NEAR)}, and on the same side of pure batching; a drop is *sharp* from ${percent(SHARP)} on. Other claims hold as
  they are worded. A reason is chosen by the results: where none fits them, this page is not written.
- Loads are Table II's: ${loads.map((load) => load.toFixed(2)).join(', ')} times pure batching. ResNet50 has no set there: ${RESNET50.load} times, ${RESNET50.jobsPerS} jobs a second (V: all but
  ResNet18 have that). The configurations of its figures are not in the text; 6×1_6 and 6×1_1 are assumed.
- A batch waits for as many releases, so its period is as many times as long; what it takes alone is taken from Table I between one and the
  largest batch. The paper says neither.
- On the H200 contexts are green contexts, with SMs in groups of ${GROUP}; deadlines and rates are the paper's, the number of tasks follows
  from the GPU's own throughput. Single jobs are far below pure batching there, so it is
  batches, on the same configurations and at the same load of pure batching, that stand beside the paper's figures; single jobs of resnet18 and
  inceptionv3 are told as well. Those of UNet were never measured alone in the build that the engine ran, those of ResNet50 not as a set, so neither is
  simulated. Modules are left out with single jobs of ResNet18 on 8×1_8; windows and ratios are simulated with batches.
- Where a column has –, that was not simulated or not measured: modules, windows and ratios were never measured on the H200.

## Claims

${claimsTable(claims)}

## Where the paper contradicts itself

${slips(paper)}

## What is not compared

Other systems are not rebuilt for these claims, and figures of different GPUs and loads are not set against each other:

${notCompared(paper)}

What users would run instead is measured on the H200, each in one command with this scheduler: pure batching, processes by time
slices and under MPS, free lanes without admission, and Triton's rule ([gpu.md](gpu.md)).

## The fastest of each policy, 2080 Ti simulated

${policiesTable(results.main)}

${figure('paper-throughput.svg', 'throughput over pure batching, by jobs at once')}

${figure('paper-misses.svg', 'Low jobs late, by jobs at once')}

## Batches

${figure('paper-batching.svg', 'throughput gained by batches')}

## Modules

Jobs that are done by a response, as a share of those that ended, without each module.

${figure('paper-ablations.svg', 'distribution of responses without each module')}

## MRET

${figure('paper-mret.svg', 'execution times against MRET, job by job')}

## High to Low tasks, and overload

${figure('paper-ratios.svg', 'throughput and late jobs by share of High tasks, 2080 Ti')}

The same on the H200, with batches.

${figure('paper-h200-ratios.svg', 'throughput and late jobs by share of High tasks, H200')}

## What hangs on what the paper does not say

${sensitivity(results, paper)}

## Simulated against measured, on the H200

The same sets, partitionings (with the SMs that were granted) and tests of admission as in [gpu.md](gpu.md), each simulated for a second.

${measuredTable(results.h200.measured)}

${figure('paper-h200-throughput.svg', 'throughput over pure batching on the H200, simulated and measured')}

${figure('paper-h200-misses.svg', 'Low jobs late on the H200, simulated and measured')}
`;
}

if (import.meta.main) {
  const results = readResults();
  const { gpus } = JSON.parse(readFileSync(FIT_FILE, 'utf8')) as { gpus: GpuFit[] };
  writeFileSync(PAGE, pageOf(results, gpus, readPaper()));
  writeFileSync(MODEL_PAGE, withModelPart(readFileSync(MODEL_PAGE, 'utf8'), gpus, results));
  mkdirSync(FIGURES, { recursive: true });
  for (const [name, drawing] of Object.entries(figuresOf(results, gpus))) writeFileSync(`${FIGURES}/${name}`, drawing);
}
