// Renders one CRD as a Markdown chapter: what each field is, what it must satisfy, what kubectl shows.
// Pure: schemas in, text out, always the same text for the same input.

/** The parts of a CRD's OpenAPI schema that the reference tells of. */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly (string | number | boolean)[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message?: string }[];
}

interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

export interface CrdVersion {
  readonly name: string;
  readonly schema: { readonly openAPIV3Schema: Schema };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

export interface Crd {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly CrdVersion[];
  };
}

/** A manifest that users apply, with the file that it stands in. */
export interface Example {
  readonly file: string;
  readonly text: string;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly validation: readonly string[];
  readonly description: string;
}

// Every object has these; the API server defines them.
const COMMON_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);

/** The chapter of one version of a kind. */
export function renderKind(crd: Crd, version: CrdVersion, example: Example | undefined): string {
  const { names, group, scope } = crd.spec;
  const root = version.schema.openAPIV3Schema;
  const kubectl = [names.plural, ...(names.shortNames ?? [])].map(code).join(', ');
  const parts = [
    `## ${names.kind}`,
    root.description ?? '',
    `\`${group}/${version.name}\`, ${scope === 'Cluster' ? 'cluster-wide' : 'namespaced'}, in kubectl ${kubectl}.`,
    bullets(messages(root)),
    ...Object.entries(root.properties ?? {})
      .filter(([name]) => !COMMON_FIELDS.has(name))
      .map(([name, schema]) => renderSection(name, schema, root.required?.includes(name) ?? false)),
    renderColumns(version),
    renderExample(example),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function renderSection(name: string, schema: Schema, required: boolean): string {
  const rows = fieldRows(name, schema, required);
  const table = rows.map((row) => [
    code(row.path),
    row.type,
    row.required ? 'yes' : '',
    row.validation,
    row.description,
  ]);
  return [`### ${name}`, tableOf(['Field', 'Type', 'Required', 'Validation', 'Description'], table)].join('\n\n');
}

/** The field and all fields below it, in the order of the schema. `[]` is an item of a list, `.*` a value of a map. */
function fieldRows(path: string, schema: Schema, required: boolean): Row[] {
  const row = {
    path,
    type: typeName(schema),
    required,
    validation: validation(schema),
    description: schema.description ?? '',
  };
  return [row, ...innerRows(path, schema)];
}

function innerRows(path: string, schema: Schema): Row[] {
  const items = schema.items;
  if (items !== undefined) return [...ruleRow(`${path}[]`, items), ...innerRows(`${path}[]`, items)];
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    fieldRows(`${path}.${name}`, property, schema.required?.includes(name) ?? false),
  );
}

/** Items of a list have a row of their own only where they have rules or a description to tell. */
function ruleRow(path: string, schema: Schema): Row[] {
  const rules = validation(schema);
  if (rules.length === 0 && schema.description === undefined) return [];
  return [{ path, type: typeName(schema), required: false, validation: rules, description: schema.description ?? '' }];
}

function typeName(schema: Schema): string {
  if (schema.items !== undefined) return `list of ${typeName(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeName(schema.additionalProperties)}`;
  if (schema['x-kubernetes-int-or-string'] === true) return takesStringsAlone(schema) ? 'string' : 'integer or string';
  return schema.format === undefined ? (schema.type ?? 'any') : `${schema.type ?? 'any'} (${schema.format})`;
}

/** Some fields let numbers through to a rule only so that it can say what to write instead. */
function takesStringsAlone(schema: Schema): boolean {
  return (schema['x-kubernetes-validations'] ?? []).some(({ rule }) => rule.startsWith('type(self) == string'));
}

function validation(schema: Schema): string[] {
  return [
    ...(schema.enum === undefined ? [] : [`one of ${schema.enum.map((value) => code(String(value))).join(', ')}`]),
    ...(schema.pattern === undefined ? [] : [`matches ${code(schema.pattern)}`]),
    ...range(schema.minLength, schema.maxLength, 'characters'),
    ...range(schema.minimum, schema.maximum, ''),
    ...range(schema.minItems, schema.maxItems, 'items'),
    ...range(undefined, schema.maxProperties, 'entries'),
    ...listWords(schema),
    ...messages(schema),
  ];
}

function range(least: number | undefined, most: number | undefined, unit: string): string[] {
  const suffix = unit === '' ? '' : ` ${unit}`;
  if (least !== undefined && most !== undefined) return [`${least} to ${most}${suffix}`];
  if (least !== undefined) return [`at least ${least}${suffix}`];
  return most === undefined ? [] : [`at most ${most}${suffix}`];
}

function listWords(schema: Schema): string[] {
  const kind = schema['x-kubernetes-list-type'];
  if (kind === 'set') return ['no item twice'];
  if (kind !== 'map') return [];
  return [`one item for each ${(schema['x-kubernetes-list-map-keys'] ?? []).map(code).join(' and ')}`];
}

function messages(schema: Schema): string[] {
  return (schema['x-kubernetes-validations'] ?? []).map(({ rule, message }) => message ?? code(rule));
}

function renderColumns(version: CrdVersion): string {
  const columns = version.additionalPrinterColumns ?? [];
  if (columns.length === 0) return '';
  const rows = columns.map((column) => [
    column.name,
    (column.priority ?? 0) === 0 ? '' : 'yes',
    code(column.jsonPath),
    column.description ?? '',
  ]);
  const selectable = (version.selectableFields ?? []).map((field) => code(field.jsonPath)).join(', ');
  return [
    '### Columns of `kubectl get`',
    tableOf(['Column', 'Only with `-o wide`', 'Path', 'Description'], rows),
    ...(selectable === '' ? [] : [`Selectable with \`--field-selector\`: ${selectable}.`]),
  ].join('\n\n');
}

function renderExample(example: Example | undefined): string {
  if (example === undefined) return '';
  return [`### Example`, `From \`${example.file}\`:`, `\`\`\`yaml\n${example.text.trim()}\n\`\`\``].join('\n\n');
}

/** A cell of a table; several texts stand on lines of their own. */
type Cell = string | readonly string[];

function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(tableLine).join('\n');
}

function tableLine(cells: readonly Cell[]): string {
  return `| ${cells.map((texts) => [texts].flat().map(cell).join('<br>')).join(' | ')} |`;
}

function bullets(lines: readonly string[]): string {
  return lines.map((text) => `- ${cell(text)}`).join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Text that may stand in a table: one line, no bar, and no `<` that would open a tag outside of code. */
function cell(text: string): string {
  const oneLine = text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll('|', String.raw`\|`);
  return oneLine
    .split('`')
    .map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;') : part))
    .join('`');
}
