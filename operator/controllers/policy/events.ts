// What is worth an event of a policy: that it came into force, and that it cannot. Pure.
import { findCondition } from '../../../api/conditions.ts';
import type { EventInput } from '../../../kube/events.ts';
import type { StoredPolicy } from '../../resources.ts';

export function policyEvent(before: StoredPolicy, after: StoredPolicy): EventInput | undefined {
  const [was, is] = [before, after].map(({ status }) => findCondition(status?.conditions, 'Ready'));
  if (is === undefined || (is.reason === was?.reason && is.observedGeneration === was.observedGeneration)) {
    return undefined;
  }
  const stalled = findCondition(after.status?.conditions, 'Stalled') !== undefined;
  if (is.status === 'False' && !stalled) return undefined;
  const type = stalled ? 'Warning' : 'Normal';
  return { regarding: after, type, reason: is.reason, action: 'Apply', note: is.message };
}
