// Who wrote what, from an API server's audit log: exact, where its metrics count requests of all clients together.

/** For `--audit-policy-file`: one line for each write that was answered, without its content. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] }, { level: 'None' }],
} as const;

interface AuditEvent {
  readonly user?: { readonly username?: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly stageTimestamp?: string;
}

/** Names of the parts by their users. */
export type Writers = Readonly<Record<string, string>>;

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Writes a minute by part and `resource/subresource`, those that were refused too; users that are no part of ours are
 * left out. Times are the wall clock's, which the API server shares.
 */
export function writesByPart(log: string, writers: Writers, { fromMs, toMs }: Window): Record<string, object> {
  const counts = new Map<string, Map<string, number>>();
  for (const line of log.split('\n')) {
    const write = line === '' ? undefined : writeIn(line, writers);
    if (write === undefined || write.atMs < fromMs || write.atMs >= toMs) continue;
    const kinds = counts.get(write.part) ?? new Map<string, number>();
    counts.set(write.part, kinds.set(write.kind, (kinds.get(write.kind) ?? 0) + 1));
  }
  const minutes = (toMs - fromMs) / 60_000;
  const rate = (count: number): number => Math.round((count / minutes) * 10) / 10;
  return Object.fromEntries(
    [...counts].sort(byKey).map(([part, kinds]) => {
      const total = [...kinds.values()].reduce((sum, count) => sum + count, 0);
      const rates = [...kinds].sort(byKey).map(([kind, count]): [string, number] => [kind, rate(count)]);
      return [part, Object.fromEntries([...rates, ['total', rate(total)]])];
    }),
  );
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function writeIn(line: string, writers: Writers): { part: string; kind: string; atMs: number } | undefined {
  const { user, objectRef, responseStatus, stageTimestamp } = JSON.parse(line) as AuditEvent;
  const part = writers[user?.username ?? ''];
  if (part === undefined || objectRef?.resource === undefined) return undefined;
  const refused = (responseStatus?.code ?? 0) >= 400 ? ' refused' : '';
  const kind = [objectRef.resource, objectRef.subresource].filter(Boolean).join('/') + refused;
  return { part, kind, atMs: Date.parse(stageTimestamp ?? '') };
}
