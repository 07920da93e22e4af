// Amounts of memory as specs write them: whole bytes, or a number of Ki, Mi or Gi.

const unitBytes: Readonly<Record<string, number>> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** @throws RangeError on anything but a whole number with one of the units */
export function parseBytes(text: string): number {
  const [, digits = '', unit = ''] = /^([0-9]+)(Ki|Mi|Gi)?$/.exec(text) ?? [];
  if (digits === '') throw new RangeError(`"${text}" is not an amount of memory like 64Mi`);
  return Number(digits) * (unitBytes[unit] ?? 1);
}
