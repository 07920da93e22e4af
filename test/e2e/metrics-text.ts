// Values out of the Prometheus text format: enough of it to read what our own parts expose.

/** Values of one metric by the value of one label; samples without that label are left out. */
export function valuesByLabel(text: string, metric: string, label: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)\{(.*)\} (\S+)/.exec(line) ?? [];
    const labelValue = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(labels)?.[1];
    if (name === metric && labelValue !== undefined) values.set(labelValue, Number(value));
  }
  return values;
}
