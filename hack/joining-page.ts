// The part of docs/gpu.md on jobs that go together: every load, whoever served it.
import type { JoinedModel, JoiningFigures, Served } from '../bench/gpu/joining.ts';
import { lateOf } from './joining-rows.ts';
import { number, percent } from './row-words.ts';

export function joiningPart({ models, mixed }: JoiningFigures): string[] {
  return [
    ...models.flatMap(modelPart),
    ...(mixed === undefined
      ? []
      : [
          `### ${mixed.models.join(', ')} together, each at 0.2 of its roof`,
          table([
            ['0.2 each', 'joined', mixed.joined],
            ['0.2 each', 'free lanes', mixed.freeLanes],
          ]),
        ]),
  ];
}

type Entry = readonly [offered: string, by: string, served: Served | undefined];

function modelPart(model: JoinedModel): string[] {
  const pure = Object.entries(model.pureBatching).map(([batch, rate]) => `${batch}: ${number(rate)}`);
  return [
    `### ${model.model}, joined`,
    `Pure batching, images a second by batch: ${pure.join(', ')}.`,
    table(entriesOf(model)),
    ...(model.failed.length === 0 ? [] : [`Failed: ${model.failed.join('; ')}.`]),
    ...(model.notRun.length === 0 ? [] : [`The time was too short for: ${model.notRun.join(', ')}.`]),
  ];
}

function entriesOf({ rows, copied, triton, tried }: JoinedModel): Entry[] {
  return [
    ...rows.flatMap(({ offered, joined, freeLanes }): Entry[] => [
      [`${offered}`, 'joined', joined],
      [`${offered}`, 'free lanes', freeLanes],
    ]),
    ['0.8, inputs from the host', 'joined', copied?.joined],
    ['0.8, inputs from the host', 'free lanes', copied?.freeLanes],
    ...triton.map((run): Entry => [`${run.offered}`, `Triton’s rule, delay ${run.delayUs / 1000} ms`, run]),
    ...tried.map((run): Entry => [`${run.offered}`, 'joined, a trial', run]),
  ];
}

function table(entries: readonly Entry[]): string {
  const head = [
    '| offered, of the roof | by | partitioning | s | jobs a second | HP late | LP refused | LP late | HP p50, p99 ms | LP p50, p99 ms | jobs a unit, HP, LP |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
  ];
  return [...head, ...entries.flatMap(entryRow)].join('\n');
}

function entryRow([offered, by, served]: Entry): string[] {
  if (served === undefined) return [];
  const { name, seconds, jobsPerS, high, low } = served;
  const cells = [
    offered,
    by,
    name,
    seconds.toFixed(1),
    number(jobsPerS),
    lateOf(high),
    percent(low.released === 0 ? 0 : low.rejected / low.released),
    percent(low.missRate),
    times(high.responseUs),
    times(low.responseUs),
    `${high.unitJobs ?? 1}, ${low.unitJobs ?? 1}`,
  ];
  return [`| ${cells.join(' | ')} |`];
}

function times(us: Served['high']['responseUs']): string {
  return us === null ? 'none' : `${(us.p50 / 1000).toFixed(2)}, ${(us.p99 / 1000).toFixed(2)}`;
}
