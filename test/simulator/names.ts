// Names that sorting, quoting and comparing of bytes have to get right.
import type { Random } from './random.ts';

const syllables = ['a', 'b', 'Z', 'é', 'ß', '漢', '\u{1F600}', '\u{FB01}', '~', '-', ' ', '"', '\\', '/'] as const;

/** `count` different ones. */
export function names(random: Random, count: number): string[] {
  const found = new Set<string>();
  while (found.size < count) {
    found.add(random.list(random.whole(1, 4), () => random.pick(syllables)).join(''));
  }
  return [...found];
}
