// Who wrote what, from an API server's audit log: exact, where its metrics count requests of all clients together.

import { round } from './result.ts';

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

/** By part, then by `resource/subresource`; `total` is that of the part. */
export type Writes = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * Writes of each part, those that were refused too; users that are no part of ours are left out. Times are the wall
 * clock's, which the API server shares.
 */
export function writesByPart(log: string, writers: Writers, { fromMs, toMs }: Window): Writes {
  const counts = new Map<string, Map<string, number>>();
  for (const line of log.split('\n')) {
    const write = line === '' ? undefined : writeIn(line, writers);
    if (write === undefined || write.atMs < fromMs || write.atMs >= toMs) continue;
    const kinds = counts.get(write.part) ?? new Map<string, number>();
    for (const kind of [write.kind, 'total']) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    counts.set(write.part, kinds);
  }
  return Object.fromEntries(
    [...counts].sort(byKey).map(([part, kinds]) => [part, Object.fromEntries([...kinds].sort(byKey))]),
  );
}

/** The same for each of so many minutes, or tasks. */
export function writesPer(writes: Writes, divisor: number): Writes {
  const scaled = ([kind, count]: readonly [string, number]): [string, number] => [kind, round(count / divisor)];
  return Object.fromEntries(
    Object.entries(writes).map(([part, kinds]) => [part, Object.fromEntries(Object.entries(kinds).map(scaled))]),
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
