// Writes docs/reference/values.md from the chart's values.yaml and values.schema.json: `node hack/values-reference.ts`.
// `make verify` runs it and fails where the committed file differs.
import { readFileSync, writeFileSync } from 'node:fs';

import { load } from 'js-yaml';

const OUTPUT = 'docs/reference/values.md';

const HEAD = `# Values of the chart

Generated from \`helm/daris/values.yaml\` and \`values.schema.json\` by \`hack/values-reference.ts\`; edit those instead. A key
that is not here is refused, and so is a value of another type, both with the key named. A pool of \`gpuPools\` has a \`name\`
and any key of \`poolDefaults\`.`;

/** The parts of a JSON schema that the chart uses. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly value: unknown;
  readonly words: string;
}

/** What stands as comment right above each key, by the key's path. Block style alone, as values.yaml is written. */
export function commentsByPath(yaml: string): Map<string, string> {
  const comments = new Map<string, string>();
  const path: { indent: number; key: string }[] = [];
  let pending: string[] = [];
  for (const line of yaml.split('\n')) {
    const [, said] = /^ *# ?(.*)$/.exec(line) ?? [];
    if (said !== undefined) pending.push(said);
    const [, indentation, key] = /^( *)([A-Za-z]+):/.exec(line) ?? [];
    if (key !== undefined && indentation !== undefined) {
      while ((path.at(-1)?.indent ?? -1) >= indentation.length) path.pop();
      path.push({ indent: indentation.length, key });
      comments.set(path.map((step) => step.key).join('.'), pending.join(' '));
    }
    if (said === undefined) pending = [];
  }
  return comments;
}

export function renderValues(yaml: string, schema: Schema): string {
  const comments = commentsByPath(yaml);
  const rows = rowsOf('', load(yaml), schema, { root: schema, comments });
  const lines = rows.map(({ key, type, value, words }) => {
    const cells = [`\`${key}\``, type, `\`${JSON.stringify(value)}\``, words];
    return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  });
  return `${HEAD}\n\n${['| Key | Type | Default | What it is |', '|---|---|---|---|', ...lines].join('\n')}\n`;
}

interface Source {
  readonly root: Schema;
  readonly comments: ReadonlyMap<string, string>;
}

/** A row for each key whose schema lists no keys of its own; those that do are told of by their keys. */
function rowsOf(path: string, value: unknown, given: Schema, source: Source): Row[] {
  const schema = resolve(given, source.root);
  const known = Object.keys(schema.properties ?? {});
  const wordsHere = source.comments.get(path) ?? '';
  const free = known.length === 0 || path.endsWith('esources') || path.endsWith('volume');
  if (free) return [{ key: path, type: typeName(schema, source.root), value, words: wordsHere }];
  const rows = Object.entries(value as object).flatMap(([key, inner]) =>
    rowsOf(path === '' ? key : `${path}.${key}`, inner, schema.properties?.[key] ?? {}, source),
  );
  if (wordsHere === '') return rows;
  return [{ key: path, type: 'object', value: {}, words: wordsHere }, ...rows].filter(({ key }) => key !== '');
}

function resolve(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.replace('#/$defs/', '');
  return name === undefined ? schema : (root.$defs?.[name] ?? {});
}

function typeName(schema: Schema, root: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.items !== undefined) return `list of ${typeName(resolve(schema.items, root), root)}`;
  const name = [schema.type ?? 'any'].flat().join(' or ');
  if (schema.minimum === undefined && schema.maximum === undefined) return name;
  return `${name}, ${schema.minimum ?? ''} to ${schema.maximum ?? ''}`;
}

if (import.meta.main) {
  const schema = JSON.parse(readFileSync('helm/daris/values.schema.json', 'utf8')) as Schema;
  writeFileSync(OUTPUT, renderValues(readFileSync('helm/daris/values.yaml', 'utf8'), schema));
}
