import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { renderKind, type Crd, type CrdVersion, type Schema } from './crd-markdown.ts';
import { renderReference } from './crd-reference.ts';

/** The table rows of a kind whose spec has this one field. */
function rowsOf(field: Schema, required: readonly string[] = []): string[] {
  return chapterOf({ type: 'object', required, properties: { field } })
    .split('\n')
    .filter((line) => line.startsWith('| `'));
}

function chapterOf(spec: Schema, version: Partial<CrdVersion> = {}): string {
  const schema: Schema = { type: 'object', properties: { metadata: { type: 'object' }, spec } };
  const whole: CrdVersion = { name: 'v1', schema: { openAPIV3Schema: schema }, ...version };
  const names = { kind: 'Thing', plural: 'things', shortNames: ['th'] };
  const crd: Crd = { spec: { group: 'example.org', scope: 'Namespaced', names, versions: [whole] } };
  return renderKind(crd, whole, undefined);
}

describe('a field', () => {
  test.each<[string, Schema, string]>([
    ['a string', { type: 'string', minLength: 1, maxLength: 9 }, '| `spec.field` | string |  | 1 to 9 characters |  |'],
    [
      'a format',
      { type: 'integer', format: 'int32', minimum: 1 },
      '| `spec.field` | integer (int32) |  | at least 1 |  |',
    ],
    ['an integer or a string', { 'x-kubernetes-int-or-string': true }, '| `spec.field` | integer or string |  |  |  |'],
    [
      'a string where numbers are turned away by a rule',
      {
        'x-kubernetes-int-or-string': true,
        'x-kubernetes-validations': [{ rule: 'type(self) == string && self.size() > 1', message: 'write a unit' }],
      },
      '| `spec.field` | string |  | write a unit |  |',
    ],
    ['an enum', { type: 'string', enum: ['A', 'B'] }, '| `spec.field` | string |  | one of `A`, `B` |  |'],
    [
      'a pattern with a bar',
      { type: 'string', pattern: 'a|b' },
      String.raw`| \`spec.field\` | string |  | matches \`a\|b\` |  |`,
    ],
    [
      'a map',
      { type: 'object', maxProperties: 3, additionalProperties: { type: 'string' } },
      '| `spec.field` | map of string |  | at most 3 entries |  |',
    ],
    [
      'a description of lines',
      { type: 'string', description: 'one\n  <two>' },
      '| `spec.field` | string |  |  | one &lt;two> |',
    ],
    [
      'a rule with a message',
      { type: 'string', 'x-kubernetes-validations': [{ rule: 'self != ""', message: 'write a name' }] },
      '| `spec.field` | string |  | write a name |  |',
    ],
    [
      'a rule without one',
      { type: 'string', 'x-kubernetes-validations': [{ rule: 'self < "b"' }] },
      '| `spec.field` | string |  | `self < "b"` |  |',
    ],
    [
      'a keyed list',
      {
        type: 'array',
        maxItems: 2,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        items: { type: 'object' },
      },
      '| `spec.field` | list of object |  | at most 2 items<br>one item for each `type` |  |',
    ],
  ])('%s', (_, schema, row) => {
    expect(rowsOf(schema)).toContain(row.replaceAll(String.raw`\``, '`'));
  });

  test('that is required says so', () => {
    expect(rowsOf({ type: 'string' }, ['field'])).toContain('| `spec.field` | string | yes |  |  |');
  });

  test('below a list is written with []', () => {
    const items: Schema = { type: 'object', required: ['key'], properties: { key: { type: 'string' } } };
    expect(rowsOf({ type: 'array', items })).toContain('| `spec.field[].key` | string | yes |  |  |');
  });

  test('common to all objects is left out', () => {
    expect(chapterOf({ type: 'object' })).not.toContain('metadata');
  });
});

test('columns tell which are shown only with -o wide', () => {
  const chapter = chapterOf(
    { type: 'object' },
    {
      additionalPrinterColumns: [
        { name: 'Ready', type: 'string', jsonPath: '.status.ready' },
        { name: 'P99', type: 'integer', jsonPath: '.status.p99', priority: 1, description: 'Microseconds' },
      ],
      selectableFields: [{ jsonPath: '.status.node' }],
    },
  );
  expect(chapter).toContain('| Ready |  | `.status.ready` |  |');
  expect(chapter).toContain('| P99 | yes | `.status.p99` | Microseconds |');
  expect(chapter).toContain('Selectable with `--field-selector`: `.status.node`.');
});

describe('the reference of crds/', () => {
  const text = renderReference('crds', 'examples');

  test('has every message that the API server may answer with', () => {
    const plain = text.replaceAll('&lt;', '<');
    for (const kind of ['realtimeinferencetasks', 'inferencemodels', 'gpunodes']) {
      const source = load(readFileSync(`crds/${kind}.yaml`, 'utf8'));
      for (const message of messagesIn(source)) expect(plain).toContain(message);
    }
  });
});

function messagesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'rule' in value && 'message' in value && typeof value.message === 'string' ? [value.message] : [];
  return [...own, ...Object.values(value).flatMap(messagesIn)];
}

describe('examples', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'crd-reference-'));
    mkdirSync(join(folder, 'examples'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('the first one of a kind is shown with its file and comments', () => {
    const first = '# Why it is so.\nkind: InferenceModel\nname: one\n';
    writeFileSync(join(folder, 'examples/a.yaml'), `kind: Other\n---\n${first}---\nkind: InferenceModel\nname: two\n`);
    const text = renderReference('crds', join(folder, 'examples'));
    expect(text).toContain(`a.yaml\`:\n\n\`\`\`yaml\n${first}\`\`\``);
    expect(text).not.toContain('name: two');
  });

  test('a missing folder is no fault', () => {
    const text = renderReference('crds', join(folder, 'nothing'));
    expect(text).toContain('## RealtimeInferenceTask');
    expect(text).not.toContain('### Example');
  });
});
