// Words and goals that rows of the tables share.
import type { Times } from '../bench/gpu/documents.ts';
import type { Row } from './benchmark-rows.ts';

export function row(what: string, goal: Row['goal'], measured: string): Row {
  return goal === undefined ? { what, measured } : { what, goal, measured };
}

export function atLeast(value: number, least: number): NonNullable<Row['goal']> {
  return { text: `≥ ${least} ×`, reached: value >= least };
}

export function us({ p50, p99 }: Times): string {
  return `p50 ${p50} µs, p99 ${p99} µs`;
}

export function ms(value: number): string {
  return `${(value / 1000).toFixed(1)} ms`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

export function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
