// Writes docs/choosing.md, which tells users what to choose, from measured and simulated results alone:
// `node bench/paper/guide/page.ts`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { readResults, type PaperResults } from '../results.ts';
import { streamsFigure } from './figure.ts';
import { readMeasured, type MeasuredGpu } from './measured.ts';
import { decisions } from './decisions.ts';
import { notTheTool, reasons, wrongChoice } from './sections.ts';

const PAGE = 'docs/choosing.md';
const FIGURES = 'docs/figures';

export function guideOf(gpu: MeasuredGpu, results: PaperResults): string {
  return `<!-- Written by \`make generate\` from bench/results and bench/paper/results; changes belong into bench/paper/guide. -->

# What to choose

Which policy for which load, what that costs, how to see that it is wrong, and when another tool is better. For those who have
networks with deadlines and a GPU to share. The words are explained in [concepts.md](concepts.md).

Figures are of one ${gpu.gpu} ([gpu.md](gpu.md) has all of them), in fp16, compiled for it. Where *simulated* is said they come from
[a model](paper-model.md) of the GPU that is named. What holds of the shape carries over to other GPUs, the numbers do not: see
[how to find yours](#is-a-job-small-or-large).

${decisions(gpu, results)}

${reasons(gpu, results)}

${wrongChoice()}

${notTheTool(gpu)}
`;
}

if (import.meta.main) {
  const results = readResults();
  const gpu = readMeasured();
  writeFileSync(PAGE, guideOf(gpu, results));
  mkdirSync(FIGURES, { recursive: true });
  writeFileSync(`${FIGURES}/choosing-streams.svg`, streamsFigure(gpu));
}
