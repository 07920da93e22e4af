// Writes that an API server counted, read from its own metrics (apiserver_request_total).

const writing = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE']);
/** Kinds whose writes are this project's; the control plane writes others for itself. */
const ours = new Set([
  'realtimeinferencetasks',
  'inferencemodels',
  'gpunodes',
  'leases',
  'events',
  'services',
  'endpointslices',
]);

/** Successful writes so far by resource/subresource, of the resources that this project writes. */
export function writesOf(metrics: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, labels, value] of metrics.matchAll(/^apiserver_request_total\{([^}]*)\} (\S+)$/gm)) {
    const label = (key: string): string => new RegExp(`(?:^|,)${key}="([^"]*)"`).exec(labels ?? '')?.[1] ?? '';
    if (!writing.has(label('verb')) || !ours.has(label('resource'))) continue;
    const name = [label('resource'), label('subresource')].filter(Boolean).join('/');
    counts.set(name, (counts.get(name) ?? 0) + Number(value));
  }
  return counts;
}

export function writesPerMinute(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  seconds: number,
): Record<string, number> {
  const rates = [...after].map(([name, count]): [string, number] => {
    const perMinute = ((count - (before.get(name) ?? 0)) * 60) / seconds;
    return [name, Math.round(perMinute * 10) / 10];
  });
  const total = Math.round(rates.reduce((sum, [, rate]) => sum + rate, 0) * 10) / 10;
  return Object.fromEntries([
    ...rates.filter(([, rate]) => rate > 0).sort(([a], [b]) => (a < b ? -1 : 1)),
    ['total', total],
  ]);
}
