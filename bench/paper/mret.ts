// Execution times against the MRET that held when they began, from the lines of a trace.
import { STAGES } from './scenario.ts';

export interface MretFigures {
  /** Jobs that took longer than their MRET, of those that had one for each stage (VI-G is about whole networks). */
  readonly exceeded: number;
  readonly jobs: number;
  /** The same of stages. */
  readonly stagesExceeded: number;
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

/** A job so far; `known` while each of its stages had an MRET. */
interface Job {
  readonly exec: number;
  readonly mret: number;
  readonly known: boolean;
}

/** `shown`: the task whose jobs are told one by one. */
export function mretFigures(trace: string, shown: string): MretFigures {
  const mrets = new Map<string, number>();
  const jobs = new Map<string, Job>();
  const series: [number, number][] = [];
  const counts = { exceeded: 0, jobs: 0, stagesExceeded: 0, stages: 0 };
  for (const text of trace.split('\n')) {
    if (!text.includes('"e":"complete"')) continue;
    const { task, stage, exec, mret } = JSON.parse(text) as Line;
    const before = mrets.get(`${task} ${stage}`);
    mrets.set(`${task} ${stage}`, mret);
    const begun = stage === 0 ? undefined : jobs.get(task);
    const job = {
      exec: (begun?.exec ?? 0) + exec,
      mret: (begun?.mret ?? 0) + (before ?? 0),
      known: before !== undefined && (begun?.known ?? stage === 0),
    };
    jobs.set(task, job);
    if (before !== undefined) counts.stages += 1;
    if (before !== undefined && exec > before) counts.stagesExceeded += 1;
    if (stage !== STAGES - 1 || !job.known) continue;
    counts.jobs += 1;
    if (job.exec > job.mret) counts.exceeded += 1;
    if (task === shown && series.length < MOST_JOBS) series.push([job.exec, job.mret]);
  }
  return { ...counts, series };
}
