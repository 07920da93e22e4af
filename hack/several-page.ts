// The part of docs/gpu.md on several GPUs of one node: a goal for all runtimes that were killed, and all that was tried.
import type { Served, SeveralFigures } from '../bench/gpu/stack.ts';
import type { Origin } from '../bench/result.ts';
import type { Kill } from '../test/gpu/kill.ts';
import type { Row } from './benchmark-rows.ts';
import { number, row } from './row-words.ts';

export type SeveralResult = SeveralFigures & Origin;

/** Nothing where no runtime was killed. */
export function severalRows({ gpus, trials }: SeveralResult): Row[] {
  const kills = trials.flatMap(({ kill }) => kill ?? []);
  if (kills.length === 0) return [];
  const what = `SIGKILL of the runtime of each of ${gpus.length} GPUs in turn: jobs missed on the others meanwhile; its tasks served again`;
  const others = kills.flatMap(({ others: each }) => each);
  const missed = others.reduce((sum, each) => sum + each.missed, 0);
  const restarted = others.filter(({ sameRuntime }) => !sameRuntime).length;
  const reached = missed === 0 && restarted === 0 && !trials.some(({ answer }) => answer.startsWith('NOT SEEN'));
  const released = others.reduce((sum, each) => sum + each.released, 0);
  const ended = restarted === 0 ? '' : `, ${restarted} of their runtimes began anew`;
  const measured = `${missed} of ${number(released)}${ended}; ${kills.map(againWords).join(', ')}`;
  return [row(what, { text: '0; all', reached }, measured)];
}

function againWords({ tasks, servedAgainSeconds }: Kill): string {
  return `${tasks} after ${servedAgainSeconds.toFixed(1)} s`;
}

export function severalPart(result: SeveralResult): string[] {
  const { trials, seconds } = result;
  const head = '| what | what was seen | s |\n|---|---|---|';
  const rows = trials.map(({ what, answer, seconds: took }) => `| ${what} | ${cell(answer)} | ${took.toFixed(1)} |`);
  return [
    '### Several GPUs of a node',
    `${machineWords(result)}. All tasks served for ${seconds} s first; s is how long each trial took, with its waiting for answers.`,
    [head, ...rows].join('\n'),
  ];
}

function machineWords({ machine, commit, engine, gpus, tasks }: Served & Origin): string {
  const { gpu = 'GPU', driver } = machine as { gpu?: string; driver?: string };
  const by = driver === undefined ? '' : `, driver ${driver}`;
  return `${gpus.length} × ${gpu}${by}, engine ${engine}, ${tasks.length} tasks, commit ${commit}`;
}

/** Words of a cluster may hold what ends a cell. */
function cell(words: string): string {
  return words.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
