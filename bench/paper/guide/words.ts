// Numbers as docs/choosing.md writes them.
export function markdown(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function ms(us: number | undefined): string {
  return us === undefined ? 'none' : Number((us / 1000).toPrecision(2)).toString();
}

export function share(value: number): string {
  return `${Number((value * 100).toFixed(1))} %`;
}

export function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${share(value)}`;
}

export function ratio(value: number): string {
  return `${value.toFixed(2)} ×`;
}

export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
