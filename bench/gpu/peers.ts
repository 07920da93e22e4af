// Lanes of one process against processes that share the GPU.
import type { Document, Line, Times } from './documents.ts';
import { saturatedRun, type OverheadRun } from './overhead.ts';

export interface PeersDocument extends Document {
  readonly resident: readonly Line[];
  readonly copied: readonly Line[];
  readonly processes: readonly Partial<Process>[];
}

export interface Process {
  readonly sharing: string;
  readonly processes: number;
  /** `eager`, `graph` (eager kernels in a CUDA graph) or `compiled` (the very graphs of the lanes). */
  readonly code: string;
  readonly copies: boolean;
  readonly jobsPerS: number;
  readonly jobUs: Times;
}

export interface PeersFigures {
  readonly resident: OverheadRun;
  readonly copied: OverheadRun;
  readonly processes: readonly Process[];
  readonly failed: readonly object[];
}

export function peersFigures({ resident, copied, processes }: PeersDocument): PeersFigures {
  return {
    resident: saturatedRun(resident, false),
    copied: saturatedRun(copied, true),
    processes: completeProcesses(processes),
    failed: processes.filter((process) => !isComplete(process)),
  };
}

/** Those that came to figures, without those of each round. */
export function completeProcesses(processes: readonly Partial<Process>[]): Process[] {
  return processes.filter(isComplete).map(({ sharing, processes: count, code, copies, jobsPerS, jobUs }) => ({
    sharing,
    processes: count,
    code,
    copies,
    jobsPerS,
    jobUs,
  }));
}

function isComplete(process: Partial<Process>): process is Process {
  return process.jobsPerS !== undefined && process.jobUs !== undefined;
}
