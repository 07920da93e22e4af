import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';

import { commentsByPath, renderValues, type Schema } from './values-reference.ts';

test('a comment belongs to the key below it, at its depth', () => {
  const yaml = '# Of all.\n\na:\n  # Of b,\n  # on two lines.\n  b: 1\n  c: 2\n# Of d.\nd: {}\n';
  expect(Object.fromEntries(commentsByPath(yaml))).toEqual({
    a: '',
    'a.b': 'Of b, on two lines.',
    'a.c': '',
    d: 'Of d.',
  });
});

test('a row has type, range and default', () => {
  const schema: Schema = {
    properties: { a: { $ref: '#/$defs/a' }, b: { enum: ['x', 'y'] } },
    $defs: { a: { properties: { n: { type: 'integer', minimum: 1, maximum: 9 } } } },
  };
  const rows = renderValues('a:\n  # How many.\n  n: 2\nb: x\n', schema).split('\n').slice(-3, -1);
  expect(rows).toEqual(['| `a.n` | integer, 1 to 9 | `2` | How many. |', '| `b` | `x`, `y` | `"x"` |  |']);
});

test('the committed reference is of the chart', () => {
  const schema = JSON.parse(readFileSync('helm/daris/values.schema.json', 'utf8')) as Schema;
  const text = renderValues(readFileSync('helm/daris/values.yaml', 'utf8'), schema);
  expect(readFileSync('docs/reference/values.md', 'utf8')).toBe(text);
  expect(text.split('\n').filter((line) => line.endsWith('|  |'))).toEqual([]);
});
