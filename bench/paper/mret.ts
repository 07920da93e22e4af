// Execution times against the MRET that held when they began, from the lines of a trace.
import { STAGES } from './scenario.ts';

export interface MretFigures {
  /** Stages that took longer than the MRET that they began with, of those that had one. */
  readonly exceeded: number;
  readonly stages: number;
  /** Of the first Low task, job by job: what it took, and its MRET when it began; microseconds. */
  readonly series: readonly (readonly [number, number])[];
}

interface Line {
  readonly e: string;
  readonly task: string;
  readonly stage: number;
  readonly exec: number;
  readonly mret: number;
}

const MOST_JOBS = 80;

/** `shown`: the task whose jobs are told one by one. */
export function mretFigures(trace: string, shown: string): MretFigures {
  const mrets = new Map<string, number>();
  const series: [number, number][] = [];
  let [exceeded, stages, job] = [0, 0, [0, 0] as [number, number]];
  for (const text of trace.split('\n')) {
    if (!text.includes('"e":"complete"')) continue;
    const { task, stage, exec, mret } = JSON.parse(text) as Line;
    const before = mrets.get(`${task} ${stage}`);
    mrets.set(`${task} ${stage}`, mret);
    if (before === undefined) continue;
    stages += 1;
    if (exec > before) exceeded += 1;
    if (task !== shown) continue;
    job = stage === 0 ? [exec, before] : [job[0] + exec, job[1] + before];
    if (stage === STAGES - 1 && series.length < MOST_JOBS) series.push(job);
  }
  return { exceeded, stages, series };
}
