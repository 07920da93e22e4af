// "Trace": one JSON object a line, keys in the table's order after `t` and `e`.
import { decimal } from './arithmetic.ts';

/** A number whose text is settled already. */
export class Literal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Value = string | boolean | number | bigint | Literal | readonly Fields[];
export interface Fields {
  readonly [key: string]: Value;
}

export function billionths(value: bigint): Literal {
  return new Literal(decimal(value));
}

function textOf(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Literal) return value.text;
  if (typeof value === 'object') return `[${value.map(objectText).join(',')}]`;
  return String(value);
}

function objectText(fields: Fields): string {
  return `{${Object.entries(fields)
    .map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`)
    .join(',')}}`;
}

export interface Event {
  t: bigint;
  e: string;
  fields: Fields;
}

export class Trace {
  readonly events: Event[] = [];
  write(t: bigint, e: string, fields: Fields): void {
    this.events.push({ t, e, fields });
  }
}

export function lineOf({ t, e, fields }: Event): string {
  return objectText({ t, e, ...fields });
}
