/**
 * A kind for the kernel's own tests, which knows none of the project's.
 */
import pino, { type Logger } from 'pino';
import { defineResource, type KubeObject, type ObjectMeta } from '../resource.ts';

export interface Widget extends KubeObject {
  metadata?: ObjectMeta;
  spec?: { size?: number };
  status?: { seen?: number };
}

export const widgets = defineResource<Widget>({
  apiVersion: 'lab.example/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
});

export const widgetsPath = '/apis/lab.example/v1/widgets';

/** A widget as the API server would send it. */
export function widget(name: string, resourceVersion: string, more: { uid?: string; size?: number } = {}): object {
  return {
    apiVersion: 'lab.example/v1',
    kind: 'Widget',
    metadata: { name, namespace: 'lab', uid: more.uid ?? `uid-${name}`, resourceVersion, managedFields: [{}] },
    spec: { size: more.size ?? 1 },
  };
}

export function widgetList(resourceVersion: string, items: readonly object[], next?: string): object {
  return {
    apiVersion: 'lab.example/v1',
    kind: 'WidgetList',
    metadata: { resourceVersion, ...(next !== undefined && { continue: next }) },
    items,
  };
}

export function silent(): Logger {
  return pino({ level: 'silent' });
}

/** A logger whose lines a test can read. */
export function recordingLog(): { readonly log: Logger; readonly lines: { level: number; msg: string }[] } {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}
