// The scheduler against a bare loop over the same graphs, and what a stage boundary costs.
import { bareRuns, firstWindow, loadRuns, middle, ratio, type Document, type Line, type Times } from './documents.ts';

export interface OverheadDocument extends Document {
  readonly stageBoundary: readonly Line[];
  readonly resident: readonly Line[];
  readonly fine: readonly Line[];
  readonly copied: readonly Line[];
}

export interface Rate {
  readonly jobsPerS: number;
  readonly jobUs: Times;
}

export interface OverheadRun {
  readonly model: string;
  readonly batch: number;
  readonly stages: number;
  readonly mode: string;
  readonly contexts: number;
  readonly streamsPerContext: number;
  readonly oversubscription: number;
  readonly smsPerContext: number;
  readonly copies: boolean;
  readonly scheduledToBare: number;
  readonly bare: Rate;
  readonly scheduled: Rate;
}

export interface OverheadFigures {
  readonly runs: readonly OverheadRun[];
  readonly stageBoundary?: { readonly oneStageUs: number; readonly stagedUs: number; readonly addsUs: number };
}

export function overheadFigures(document: OverheadDocument): OverheadFigures {
  const resident = [...document.resident, ...document.fine];
  return {
    runs: [
      ...beds(resident).map((lines) => saturatedRun(lines, false)),
      ...beds(document.copied).map((lines) => saturatedRun(lines, true)),
    ],
    stageBoundary: boundary(document.stageBoundary),
  };
}

function beds(lines: readonly Line[]): Line[][] {
  const names = [...new Set(lines.filter(({ figures }) => figures !== undefined).map(({ bed }) => bed))];
  return names.map((name) => lines.filter(({ bed }) => bed === name));
}

/** A bed whose bare loops and loads took turns; of each kind the round with the middle rate. */
export function saturatedRun(lines: readonly Line[], copies: boolean): OverheadRun {
  const bare = middle(bareRuns(lines), ({ jobsPerS }) => jobsPerS);
  const load = middle(loadRuns(lines), (run) => firstWindow(run).jobsPerS);
  const [of] = bare.line.classes ?? [];
  if (of === undefined || load.jobUs === null) throw new RangeError(`${bare.line.bed} ran no jobs`);
  const { sms, ...division } = load.partition;
  const scheduled = { jobsPerS: firstWindow(load).jobsPerS, jobUs: load.jobUs };
  return {
    model: of.model,
    batch: of.batch,
    stages: of.stages,
    ...division,
    smsPerContext: sms[0] ?? 0,
    copies,
    scheduledToBare: ratio(scheduled.jobsPerS, bare.jobsPerS),
    bare: { jobsPerS: bare.jobsPerS, jobUs: bare.jobUs },
    scheduled,
  };
}

/** One lane: the time of a job is all that there is, so what stages add to it is what their boundaries cost. */
function boundary(lines: readonly Line[]): NonNullable<OverheadFigures['stageBoundary']> {
  const jobUs = (staged: boolean): { us: number; stages: number } => {
    const runs = bareRuns(lines).filter(({ line }) => (line.classes?.[0]?.stages ?? 1) > 1 === staged);
    const run = middle(runs, ({ jobsPerS }) => jobsPerS);
    return { us: 1e6 / run.jobsPerS, stages: run.line.classes?.[0]?.stages ?? 1 };
  };
  const whole = jobUs(false);
  const staged = jobUs(true);
  const adds = (staged.us - whole.us) / (staged.stages - 1);
  const round = (us: number): number => Math.round(us * 10) / 10;
  return { oneStageUs: round(whole.us), stagedUs: round(staged.us), addsUs: round(adds) };
}
