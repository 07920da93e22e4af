// Outputs under full load, bit by bit.
import { loadRuns, type Document, type Line } from './documents.ts';

export interface IdentityDocument extends Document {
  readonly runs: readonly Line[];
  readonly gemm: { readonly passed: boolean; readonly test?: string } | null;
}

export interface IdentityFigures {
  readonly runs: readonly { bed: string; compared: number; different: number }[];
  readonly compared: number;
  readonly different: number;
  readonly gemmPassed: boolean;
}

export function identityFigures({ runs, gemm }: IdentityDocument): IdentityFigures {
  const each = loadRuns(runs).map(({ line: { bed, figures } }) => ({
    bed,
    compared: figures?.compared ?? 0,
    different: figures?.different ?? 0,
  }));
  return {
    runs: each,
    compared: each.reduce((all, { compared }) => all + compared, 0),
    different: each.reduce((all, { different }) => all + different, 0),
    gemmPassed: gemm?.passed ?? false,
  };
}
