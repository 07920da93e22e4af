// What a person should see under `kubectl describe` of a task: that it is served, that it is refused and why, and the
// first miss of a window. Pure; the recorder bounds the rate.
import type { Condition } from '../api/conditions.ts';
import { findCondition } from '../api/conditions.ts';
import type { EventInput } from '../kube/events.ts';
import type { Miss } from './native/gen/runtime.ts';
import type { StoredGpuNode, StoredTask } from './resources.ts';
import { causeName } from './status.ts';
import type { WindowFigures } from './window.ts';

/** What changed between two statuses that is worth an event. */
export function transitionEvents(before: StoredTask, after: StoredTask): EventInput[] {
  const was = findCondition(before.status?.conditions, 'Serving');
  const is = findCondition(after.status?.conditions, 'Serving');
  if (is === undefined || !turned(was, is)) return [];
  if (is.status === 'True') {
    const { placement } = after.status ?? {};
    const note = `served by node ${placement?.node ?? 'unknown'}, ${is.message}, under epoch ${placement?.epoch ?? 0}`;
    return [{ regarding: after, type: 'Normal', reason: 'Serving', action: 'Serve', note }];
  }
  if (is.status !== 'False' || is.reason === 'Loading') return [];
  return [
    { regarding: after, type: 'Warning', reason: 'Refused', action: 'Serve', note: `${is.reason}: ${is.message}` },
  ];
}

/** For the first miss after a window without one. */
export function missEvent(task: StoredTask, figures: WindowFigures, miss: Miss | undefined): EventInput {
  const behind = miss === undefined || miss.behind === '' ? '' : `, behind ${miss.behind}`;
  const late = miss === undefined ? '' : `late by ${miss.lateUs / 1000} ms (${causeName(miss.cause)}${behind}); `;
  const note = `${late}${figures.missed} of ${figures.admitted} admitted jobs missed in the last ${Math.round(figures.coveredMs / 1000)} s`;
  return { regarding: task, type: 'Warning', reason: 'DeadlineMissed', action: 'Run', note };
}

function turned(was: Condition | undefined, is: Condition): boolean {
  return was?.status !== is.status || (is.status === 'False' && was.reason !== is.reason);
}

/** Two agents run for one node; `holder` is the one that says so and waits. */
export function rivalEvent(regarding: StoredGpuNode, rival: string, holder: string): EventInput {
  const note = `agent ${rival} acts for this node; ${holder} was started for it too, and waits: end one of them`;
  return { regarding, type: 'Warning', reason: 'SecondAgent', action: 'Wait', note };
}
