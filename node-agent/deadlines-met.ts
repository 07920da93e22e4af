// Condition DeadlinesMet: misses of the last window against what the task tolerates, with hysteresis. Pure.
import type { Condition, ConditionState } from '../api/conditions.ts';
import { exceeds } from './rate.ts';
import { type WindowFigures, windowMs } from './window.ts';

export interface DeadlinesInput {
  readonly present: Condition | undefined;
  readonly figures: WindowFigures;
  /** effective.maxMissRate, a decimal between 0 and 1. */
  readonly maxMissRate: string;
  readonly observedGeneration: number;
}

/**
 *          missed / admitted > maxMissRate
 *  True ──────────────────────────────────► False
 *       ◄──────────────────────────────────
 *          a whole window watched, and missed / admitted ≤ maxMissRate / 2
 *
 * Unknown until the first job was admitted. Turning True again needs a whole window, so that neither a restart of the
 * agent (whose window begins empty) nor a burst of misses makes it flap.
 */
export function deadlinesMetCondition(input: DeadlinesInput): ConditionState {
  const { present, figures, maxMissRate, observedGeneration } = input;
  const { missed, admitted, coveredMs } = figures;
  const state = (status: ConditionState['status'], reason: string, message: string): ConditionState => ({
    type: 'DeadlinesMet',
    status,
    reason,
    message,
    observedGeneration,
  });
  const words = `${missed} of ${admitted} admitted jobs missed in the last ${Math.round(coveredMs / 1000)} s; ${tolerance(maxMissRate)}`;
  if (exceeds(missed, admitted, maxMissRate, { num: 1, den: 1 })) return state('False', 'TooManyMisses', words);
  const recovering = present?.status === 'False';
  const recovered = coveredMs >= windowMs && !exceeds(missed, admitted, maxMissRate, { num: 1, den: 2 });
  if (recovering && !recovered) return state('False', 'TooManyMisses', words);
  const everJudged = present !== undefined && present.status !== 'Unknown';
  if (admitted === 0 && !everJudged) return state('Unknown', 'NoJobs', 'no job was admitted yet');
  return state('True', 'WithinLimit', words);
}

function tolerance(maxMissRate: string): string {
  return Number(maxMissRate) === 0 ? 'none is tolerated' : `a share of ${maxMissRate} is tolerated`;
}
