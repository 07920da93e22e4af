import { expect, test } from '@jest/globals';

import { parseBytes } from './quantities.ts';

test.each([
  ['0', 0],
  ['1000', 1_000],
  ['64Ki', 65_536],
  ['64Mi', 67_108_864],
  ['80Gi', 85_899_345_920],
])('%s is %i bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

test.each(['', 'Mi', '64M', '1.5Gi', '-1', ' 1'])('"%s" is none', (text) =>
  expect(() => parseBytes(text)).toThrow(`"${text}" is not an amount of memory like 64Mi`),
);
