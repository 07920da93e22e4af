// Parts of the pages that are written from results.
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function figure(name: string, words: string): string {
  return `![${words}](figures/${name})`;
}
