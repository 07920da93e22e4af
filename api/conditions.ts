// Conditions of a status: list-maps by type, whose transition time moves only when their status does.

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  observedGeneration?: number;
  lastTransitionTime: string;
}

/** What a decision says; the time is added where it is written. */
export type ConditionState = Omit<Condition, 'lastTransitionTime'>;

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/** The wanted states as conditions, each keeping the transition time that it already has while its status holds. */
export function withTransitionTimes(
  wanted: readonly ConditionState[],
  present: readonly Condition[] | undefined,
  nowMs: number,
): Condition[] {
  return wanted.map((state) => {
    const before = findCondition(present, state.type);
    const kept = before !== undefined && before.status === state.status;
    return { ...state, lastTransitionTime: kept ? before.lastTransitionTime : secondsIso(nowMs) };
  });
}

/** RFC 3339 with whole seconds, as the API server keeps times of conditions. */
export function secondsIso(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
