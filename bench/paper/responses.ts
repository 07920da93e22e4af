// How long the jobs of each priority took to answer, as a distribution, from the lines of a trace.

/** Percentiles that are kept; the last two tell the tail. */
export const PERCENTILES = [0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 100] as const;

/** Microseconds at each of these, by nearest rank; null where no job ended. */
export interface Distribution {
  readonly High: readonly number[] | null;
  readonly Low: readonly number[] | null;
}

function percentilesOf(values: readonly number[]): number[] | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (percentile: number): number =>
    sorted[Math.max(0, Math.ceil((percentile * sorted.length) / 100) - 1)] ?? Number.NaN;
  return sorted.length === 0 ? null : PERCENTILES.map(at);
}

export function distributionOf(trace: string, priorityOf: (task: string) => 'High' | 'Low'): Distribution {
  const responses: Record<'High' | 'Low', number[]> = { High: [], Low: [] };
  for (const text of trace.split('\n')) {
    if (!text.includes('"e":"finish"')) continue;
    const { task, response } = JSON.parse(text) as { task: string; response: number };
    responses[priorityOf(task)].push(response);
  }
  return { High: percentilesOf(responses.High), Low: percentilesOf(responses.Low) };
}
